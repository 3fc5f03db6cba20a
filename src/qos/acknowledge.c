/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/acknowledge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "qos/ending.h"
#include "qos/recipient.h"
#include "sse/user_key.h"

/* All that are up to a number. */
struct seen {
    uint64_t number;
    struct qos_copies copies;
};

static bool visit_seen(void *context, const struct qos_copy *copy)
{
    struct seen *seen = context;

    if (copy->message->number > seen->number)
        return false;
    qos_copies_add(&seen->copies, copy);
    return true;
}

struct search {
    const struct qos_recipient *recipient;
    bool is_found;
};

static bool visit_search(void *context, const struct qos_copy *copy)
{
    struct search *search = context;

    search->is_found = qos_recipient_equals(&copy->recipient, search->recipient);
    return !search->is_found;
}

/* -ENOENT when the message was never for the recipient: somebody may show the last event of the
 * user who was logged in before. */
static int check_was_for(struct qos_repository *repository, uint64_t number,
                         const struct qos_recipient *recipient)
{
    struct search search = {.recipient = recipient};
    int status = repository->ops->states(repository, number, visit_search, &search);

    return status == 0 && !search.is_found ? -ENOENT : status;
}

static bool has_number(const struct qos_copies *copies, uint64_t number)
{
    return copies->count > 0 && copies->items[copies->count - 1].message->number == number;
}

static int end_all_up_to(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                         uint64_t number, const struct qos_recipient *recipient)
{
    const size_t from = acknowledge->ended.count;
    struct seen seen = {.number = number};
    int status =
        repository->ops->read(repository, recipient, 0, (size_t)INT64_MAX, visit_seen, &seen);

    /* Its copies are many when it is for many: they are walked only where it matters. */
    if (status == 0 && seen.copies.count > 0 && !has_number(&seen.copies, number))
        status = check_was_for(repository, number, recipient);
    for (size_t i = 0; status == 0 && i < seen.copies.count; i++)
        qos_copies_add(&acknowledge->ended, &seen.copies.items[i]);
    qos_copies_release(&seen.copies);
    return status == 0 ? qos_ending_run(repository, &acknowledge->ended, from, QOS_ACKNOWLEDGED,
                                        acknowledge->now)
                       : status;
}

static int end_one(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                   uint64_t number, const struct qos_recipient *recipient)
{
    const size_t from = acknowledge->ended.count;
    int status = qos_ending_find(repository, number, recipient, &acknowledge->ended);

    return status == 0 ? qos_ending_run(repository, &acknowledge->ended, from, QOS_ACKNOWLEDGED,
                                        acknowledge->now)
                       : status;
}

static int end_for(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                   uint64_t number, const struct qos_recipient *recipient)
{
    int status;

    if (acknowledge->is_through && qos_recipient_is_individual(recipient))
        status = end_all_up_to(acknowledge, repository, number, recipient);
    else
        status = end_one(acknowledge, repository, number, recipient);
    return status == -ENOENT ? 0 : status;
}

/* Who it is as the recipient is named, where it is one; "": nobody. */
static const char *name_of(const struct qos_identity *identity,
                           const struct qos_recipient *recipient)
{
    const enum sse_dimension dimension = recipient->dimension;
    const char *const names[SSE_DIMENSIONS] = {
        [SSE_BY_USER] = sse_user_key_has_tenant(recipient->value) ? identity->user_in_tenant
                                                                  : identity->user_key,
        [SSE_BY_TOKEN] = identity->token,
        [SSE_BY_TENANT] = identity->tenant_id,
        [SSE_BY_CONNECTION] = identity->connection_id,
    };

    return names[dimension] ? names[dimension] : "";
}

/* recipient: one of the message's, which all have its dimension and its listening. Asked for by
 * value, so that it does not matter how many they are. */
static int end_for_identity(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                            uint64_t number, struct qos_recipient recipient)
{
    const struct qos_identity *identity = &acknowledge->identity;
    int status = 0;

    switch (recipient.dimension) {
    case SSE_ALL:
        return end_for(acknowledge, repository, number, &recipient);
    case SSE_BY_CHANNEL:
        for (size_t i = 0; status == 0 && i < identity->channel_count; i++) {
            recipient.value = identity->channels[i];
            status = end_for(acknowledge, repository, number, &recipient);
        }
        return status;
    default:
        recipient.value = name_of(identity, &recipient);
        return recipient.value[0] != '\0' ? end_for(acknowledge, repository, number, &recipient)
                                          : 0;
    }
}

static bool visit_first(void *context, const struct qos_copy *copy)
{
    struct qos_recipient **first = context;

    if (copy->state == QOS_UNREADABLE)
        return true; /* it may say another dimension than the message has */
    *first = qos_recipient_copy(&copy->recipient);
    return false;
}

static int acknowledge_one(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                           const char *id)
{
    struct qos_recipient *first = NULL;
    struct qos_message message;
    int status = repository->ops->find(repository, id, &message);

    if (status == 0)
        status = repository->ops->states(repository, message.number, visit_first, &first);
    if (status == 0 && first)
        status = end_for_identity(acknowledge, repository, message.number, *first);
    free(first);
    return status == -ENOENT ? 0 : status;
}

static int run_acknowledge(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_acknowledge *acknowledge = container_of(job, struct qos_acknowledge, job);
    int status = 0;

    for (size_t i = 0; status == 0 && i < acknowledge->count; i++)
        status = acknowledge_one(acknowledge, repository, acknowledge->ids[i]);
    return status;
}

void qos_acknowledge_init(struct qos_acknowledge *acknowledge)
{
    acknowledge->job.run = run_acknowledge;
    acknowledge->job.weight = acknowledge->count;
}

void qos_acknowledge_release(struct qos_acknowledge *acknowledge)
{
    qos_copies_release(&acknowledge->ended);
}
