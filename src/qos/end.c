/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/aside.h"
#include "sse/user.h"

struct wanted {
    uint64_t number;
    struct qos_copies *copies;
    bool is_found;
};

static bool visit_wanted(void *context, const struct qos_copy *copy)
{
    struct wanted *wanted = context;

    wanted->is_found = copy->message->number == wanted->number;
    if (wanted->is_found)
        qos_copies_add(wanted->copies, copy);
    return false;
}

/* Adds the copy to the list; -ENOENT when it is not stored (any more). */
static int find_copy(struct qos_repository *repository, uint64_t number,
                     const struct qos_recipient *recipient, struct qos_copies *copies)
{
    struct wanted wanted = {.number = number, .copies = copies};
    int status = repository->ops->read(repository, recipient, number - 1, 1, visit_wanted, &wanted);

    return status == 0 && !wanted.is_found ? -ENOENT : status;
}

/* Adds the copies that are still stored, or set aside. */
static bool visit_stored(void *copies, const struct qos_copy *copy)
{
    if (copy->state == QOS_STORED || copy->state == QOS_UNREADABLE)
        qos_copies_add(copies, copy);
    return true;
}

/* The page had it, when it could be read still; a back end may delete it; else it is kept. */
static int end_unreadable(struct qos_repository *repository, struct qos_copy *copy,
                          enum qos_state state, int64_t at)
{
    const uint64_t number = copy->message->number;
    int status;

    if (state != QOS_DELETED)
        return qos_aside_set(repository, copy, copy->cause);
    status = repository->ops->set_aside(repository, number, copy->recipient.value, copy->cause);
    if (status == 0 || status == -ENOENT)
        status = repository->ops->discard(repository, number, copy->recipient.value, at);
    copy->state = state;
    copy->ended = at;
    return status == -ENOENT ? 0 : status; /* in a state that nobody knows */
}

static int end_one(struct qos_repository *repository, struct qos_copy *copy, enum qos_state state,
                   int64_t at)
{
    int status;

    if (copy->state == QOS_UNREADABLE && state != QOS_ACKNOWLEDGED)
        return end_unreadable(repository, copy, state, at);
    /* It is not always told how often; but what was not written nobody acknowledges. */
    if (state == QOS_ACKNOWLEDGED && copy->written == 0)
        copy->written = 1;
    status = repository->ops->end(repository, copy->message->number, &copy->recipient, state, at,
                                  copy->written);
    copy->state = state;
    copy->ended = at;
    return status;
}

int qos_end_copies(struct qos_repository *repository, struct qos_copies *copies, size_t from,
                   enum qos_state state, int64_t at)
{
    int status = 0;

    for (size_t i = from; status == 0 && i < copies->count; i++)
        status = end_one(repository, &copies->items[i], state, at);
    return status;
}

static int run_mark(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_mark *mark = container_of(job, struct qos_mark, job);
    int status;

    if (mark->state == QOS_STORED)
        return repository->ops->note(repository, mark->number, mark->recipient, mark->written);
    status = find_copy(repository, mark->number, mark->recipient, &mark->ended);
    if (status != 0)
        return status;
    mark->ended.items[0].written = mark->written;
    return qos_end_copies(repository, &mark->ended, 0, mark->state, mark->now);
}

void qos_mark_init(struct qos_mark *mark, const struct qos_recipient *recipient)
{
    mark->job.run = run_mark;
    mark->recipient = qos_recipient_copy(recipient);
}

void qos_mark_release(struct qos_mark *mark)
{
    free(mark->recipient);
    qos_copies_release(&mark->ended);
}

struct search {
    struct qos_delete *delete;
    const char *tenants; /* NULL: any */
    bool is_known;       /* to them */
};

static bool visit_of_message(void *context, const struct qos_copy *copy)
{
    struct search *search = context;

    if (!qos_copy_is_of_tenants(copy, search->tenants))
        return true;
    search->is_known = true;
    return visit_stored(&search->delete->ended, copy);
}

static int find_by_id(struct qos_delete *delete, struct qos_repository *repository)
{
    struct search search = {.delete = delete,
                            .tenants = delete->filter ? delete->filter->tenants : NULL};
    struct qos_message message;
    int status = repository->ops->find(repository, delete->id, &message);

    delete->is_all = true;
    if (status == 0)
        status = repository->ops->states(repository, message.number, visit_of_message, &search);
    return status == 0 && search.tenants && !search.is_known ? -ENOENT : status;
}

/* What cannot be read is deleted only where it is asked for. */
static bool visit_asked_for(void *context, const struct qos_copy *copy)
{
    struct qos_delete *delete = context;

    if ((copy->state == QOS_UNREADABLE) == delete->filter->is_aside)
        qos_copies_add(&delete->ended, copy);
    return true;
}

static int find_by_filter(struct qos_delete *delete, struct qos_repository *repository)
{
    struct qos_slice slice = {.after = delete->after, .limit = delete->limit};
    int status = qos_filter_scan(delete->filter, repository, &slice, visit_asked_for, delete);

    delete->after = slice.after;
    delete->is_all = slice.is_all;
    return status;
}

static int run_delete(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_delete *delete = container_of(job, struct qos_delete, job);
    int status = delete->id ? find_by_id(delete, repository) : find_by_filter(delete, repository);

    return status == 0 ? qos_end_copies(repository, &delete->ended, 0, QOS_DELETED, delete->now)
                       : status;
}

void qos_delete_init(struct qos_delete *delete)
{
    delete->job.run = run_delete;
    delete->job.weight = delete->limit;
}

/* One that is not what its row says holds up nothing behind it. */
static int expire(struct qos_sweep *sweep, struct qos_repository *repository)
{
    struct qos_copies *ended = &sweep->ended;
    int status =
        repository->ops->expired(repository, sweep->now, sweep->limit, qos_copies_visit, ended);

    for (size_t i = 0; status == 0 && i < ended->count;) {
        status = end_one(repository, &ended->items[i], QOS_EXPIRED, sweep->now);
        if (status == -ENOENT)
            qos_copies_drop(ended, i);
        else
            i++;
        status = status == -ENOENT ? 0 : status;
    }
    return status;
}

/* With what the expired ones have left of the limit. */
static int forget_ended(struct qos_sweep *sweep, struct qos_repository *repository)
{
    repository->remembered.is_known = true;
    repository->remembered.before = sweep->now - sweep->remember_ms;
    repository->remembered.most = sweep->remembered_most;
    if (sweep->ended.count >= sweep->limit)
        return 0;
    return repository->ops->forget(repository, repository->remembered.before,
                                   repository->remembered.most, sweep->limit - sweep->ended.count,
                                   &sweep->forgotten);
}

static int run_sweep(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_sweep *sweep = container_of(job, struct qos_sweep, job);
    int status = expire(sweep, repository);

    if (status == 0)
        status = forget_ended(sweep, repository);
    sweep->is_all = sweep->ended.count + sweep->forgotten < sweep->limit;
    if (status == 0 && sweep->is_all)
        status = repository->ops->shrink(repository, &sweep->has_surplus);
    return status;
}

void qos_forget_surplus(struct qos_repository *repository, uint64_t ended_before)
{
    const uint64_t ended = repository->totals.ended;
    size_t forgotten;

    /* Before the first sweep nobody knows what is too many. */
    if (repository->fault == 0 && ended > ended_before && repository->remembered.is_known)
        (void)repository->ops->forget(repository, repository->remembered.before,
                                      repository->remembered.most, 2 * (ended - ended_before),
                                      &forgotten); /* what fails is the transaction's fault */
}

void qos_sweep_init(struct qos_sweep *sweep)
{
    sweep->job.run = run_sweep;
    sweep->job.weight = sweep->limit;
}

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

struct was_for {
    const struct qos_recipient *recipient;
    bool is_found;
};

static bool visit_was_for(void *context, const struct qos_copy *copy)
{
    struct was_for *search = context;

    search->is_found = qos_recipient_equals(&copy->recipient, search->recipient);
    return !search->is_found;
}

/* -ENOENT when the message was never for the recipient: somebody may show the last event of the
 * user who was logged in before. */
static int check_was_for(struct qos_repository *repository, uint64_t number,
                         const struct qos_recipient *recipient)
{
    struct was_for search = {.recipient = recipient};
    int status = repository->ops->states(repository, number, visit_was_for, &search);

    return status == 0 && !search.is_found ? -ENOENT : status;
}

/* Adds all that were seen when that one was. */
static int find_up_to(struct qos_repository *repository, uint64_t number,
                      const struct qos_recipient *recipient, struct qos_copies *copies)
{
    struct seen seen = {.number = number};
    int status =
        repository->ops->read(repository, recipient, 0, (size_t)INT64_MAX, visit_seen, &seen);
    const size_t count = seen.copies.count;

    /* Its copies are many when it is for many: they are walked only where it matters. */
    if (status == 0 && count > 0 && seen.copies.items[count - 1].message->number != number)
        status = check_was_for(repository, number, recipient);
    for (size_t i = 0; status == 0 && i < count; i++)
        qos_copies_add(copies, &seen.copies.items[i]);
    qos_copies_release(&seen.copies);
    return status;
}

static int acknowledge_for(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                           uint64_t number, const struct qos_recipient *recipient)
{
    struct qos_copies *ended = &acknowledge->ended;
    const size_t from = ended->count;
    const bool is_through = acknowledge->is_through && qos_recipient_is_individual(recipient);
    int status = (is_through ? find_up_to : find_copy)(repository, number, recipient, ended);

    if (status == 0)
        status = qos_end_copies(repository, ended, from, QOS_ACKNOWLEDGED, acknowledge->now);
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

/* Whether the recipient is who acknowledges, or a group of his. */
static bool is_of(const struct qos_identity *identity, const struct qos_recipient *recipient)
{
    const char *value = recipient->value;

    if (recipient->dimension == SSE_ALL)
        return true;
    for (size_t i = 0; recipient->dimension == SSE_BY_CHANNEL && i < identity->channel_count; i++) {
        if (strcmp(identity->channels[i], value) == 0)
            return true;
    }
    return *value != '\0' && strcmp(name_of(identity, recipient), value) == 0;
}

static bool visit_single(void *context, const struct qos_copy *copy)
{
    struct qos_acknowledge *acknowledge = context;
    const struct qos_recipient *recipient = &copy->recipient;

    if (copy->state == QOS_STORED && is_of(&acknowledge->identity, recipient) &&
        !(acknowledge->is_through && qos_recipient_is_individual(recipient)))
        qos_copies_add(&acknowledge->ended, copy);
    return false;
}

/* Most messages are for one recipient: they are found at once. -ENOENT: this one has to be looked
 * for. */
static int acknowledge_single(struct qos_acknowledge *acknowledge,
                              struct qos_repository *repository, const char *id)
{
    struct qos_copies *ended = &acknowledge->ended;
    const size_t from = ended->count;
    const int status = repository->ops->single(repository, id, visit_single, acknowledge);

    if (status == 0 && ended->count == from)
        return -ENOENT;
    return status == 0 ? qos_end_copies(repository, ended, from, QOS_ACKNOWLEDGED, acknowledge->now)
                       : status;
}

/* recipient: one of the message's, which all have its dimension and its listening. Asked for by
 * value, so that it does not matter how many they are. */
static int acknowledge_as(struct qos_acknowledge *acknowledge, struct qos_repository *repository,
                          uint64_t number, struct qos_recipient recipient)
{
    const struct qos_identity *identity = &acknowledge->identity;
    int status = 0;

    switch (recipient.dimension) {
    case SSE_ALL:
        return acknowledge_for(acknowledge, repository, number, &recipient);
    case SSE_BY_CHANNEL:
        for (size_t i = 0; status == 0 && i < identity->channel_count; i++) {
            recipient.value = identity->channels[i];
            status = acknowledge_for(acknowledge, repository, number, &recipient);
        }
        return status;
    default:
        recipient.value = name_of(identity, &recipient);
        return recipient.value[0] != '\0'
                   ? acknowledge_for(acknowledge, repository, number, &recipient)
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
    int status = acknowledge_single(acknowledge, repository, id);

    if (status != -ENOENT)
        return status;
    status = repository->ops->find(repository, id, &message);
    if (status == 0)
        status = repository->ops->states(repository, message.number, visit_first, &first);
    if (status == 0 && first)
        status = acknowledge_as(acknowledge, repository, message.number, *first);
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
