/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/aside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "qos/decode.h"
#include "sse/message.h"
#include "sse/user_key.h"

/* In a row, each a pause of the reader after the other, for want of memory to pass. */
#define TRIES 5u
/* Messages of which all copies are looked at in one go. */
#define SLICE 64u

/* Tokens and connection ids are nothing for the log. */
static const char *shown_value(const struct qos_recipient *recipient)
{
    const bool is_secret =
        recipient->dimension == SSE_BY_TOKEN || recipient->dimension == SSE_BY_CONNECTION;

    return is_secret ? "…" : sse_user_key_id(recipient->value);
}

static void tell(const struct qos_repository *repository, const struct qos_copy *copy)
{
    char *tenant = sse_user_key_tenant(copy->recipient.value); /* of a user in one */

    log_error("a stored message cannot be read: it is set aside, and kept until it is deleted",
              LOG_STR("service", repository->service ? repository->service : ""),
              LOG_STR("id", copy->message->id), LOG_INT("number", (int64_t)copy->message->number),
              LOG_STR("queue", sse_dimension_keys[copy->recipient.dimension]),
              LOG_STR("value", shown_value(&copy->recipient)),
              LOG_STR("cause", qos_cause_words[copy->cause]),
              LOG_STR("tenant", tenant ? tenant : ""));
    free(tenant);
}

int qos_aside_set(struct qos_repository *repository, struct qos_copy *copy, enum qos_cause cause)
{
    const int status =
        repository->ops->set_aside(repository, copy->message->number, copy->recipient.value, cause);

    copy->state = QOS_UNREADABLE;
    copy->cause = cause;
    if (status == 0)
        tell(repository, copy);
    return status;
}

/* Whether it is given up to find memory for it. */
static bool is_tried_enough(struct qos_repository *repository, uint64_t number)
{
    if (repository->want.number != number)
        repository->want.times = 0;
    repository->want.number = number;
    return ++repository->want.times >= TRIES;
}

/* QOS_READABLE with the message in *decoded; with NULL: later, perhaps. */
static enum qos_cause decode(struct qos_repository *repository, struct qos_copy *copy)
{
    int error;

    if (copy->state == QOS_UNREADABLE)
        return copy->cause;
    copy->decoded = qos_decode(copy, &error);
    if (copy->decoded && repository->want.number == copy->message->number)
        repository->want.times = 0;
    if (copy->decoded)
        return QOS_READABLE;
    if (error != -ENOMEM)
        return QOS_BAD_MESSAGE;
    return is_tried_enough(repository, copy->message->number) ? QOS_NO_MEMORY : QOS_READABLE;
}

int qos_aside_decode(struct qos_repository *repository, struct qos_copies *copies,
                     struct qos_copies *aside)
{
    size_t kept = 0, i = 0;
    int status = 0;

    for (; i < copies->count && status == 0; i++) {
        struct qos_copy *copy = &copies->items[i];
        const enum qos_cause cause = decode(repository, copy);

        if (cause == QOS_READABLE && !copy->decoded)
            break;
        if (cause == QOS_READABLE) {
            copies->items[kept++] = *copy;
            continue;
        }
        status = qos_aside_set(repository, copy, cause);
        qos_copies_take(aside, copy);
    }
    if (status == 0 && kept == 0 && aside->count == 0 && i < copies->count)
        status = -ENOMEM;
    qos_copies_cut(copies, kept, i);
    return status;
}

static int take_back(struct qos_repository *repository, const struct qos_copies *copies)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < copies->count; i++) {
        const struct qos_copy *copy = &copies->items[i];
        int error;
        struct sse_message *message = qos_decode(copy, &error);

        if (!message)
            continue;
        sse_message_unref(message);
        status =
            repository->ops->take_back(repository, copy->message->number, copy->recipient.value);
        log_info("a stored message that was set aside can be read, and is in its queue again",
                 LOG_STR("service", repository->service ? repository->service : ""),
                 LOG_STR("id", copy->message->id));
    }
    return status;
}

static int run_take_back(struct qos_job *job, struct qos_repository *repository)
{
    uint64_t after = 0;
    size_t count = 1;
    int status = 0;

    (void)job;
    while (status == 0 && count > 0) {
        struct qos_copies copies = {0};

        status = repository->ops->aside(repository, after, SLICE, qos_copies_visit, &copies);
        count = copies.count;
        if (count > 0)
            after = copies.items[count - 1].message->number;
        if (status == 0)
            status = take_back(repository, &copies);
        qos_copies_release(&copies);
    }
    return status;
}

void qos_take_back_init(struct qos_take_back *take_back)
{
    take_back->job.run = run_take_back;
}
