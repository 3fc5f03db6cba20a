/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "qos/aside.h"
#include "sse/target.h"
#include "sse/user.h"

static bool is_named(const char *name, const char *value)
{
    return name && strcmp(name, value) == 0;
}

static bool passes_listening(const struct qos_filter *filter, const char *listening)
{
    if (!filter->listeners)
        return !filter->is_exact || listening[0] == '\0';
    if (listening[0] == '\0')
        return !filter->is_strict;
    return texts_have(filter->listeners, filter->listener_count, listening);
}

static bool names_nobody(const struct qos_filter *filter)
{
    return !filter->user_id && !filter->token && !filter->tenant_id && !filter->channels;
}

/* key: of the copy's user (sse/user.h). */
static bool passes_user(const struct qos_filter *filter, const char *key)
{
    if (!filter->user_id)
        return false;
    if (!sse_user_key_has_tenant(key))
        return !filter->of_tenant && !(filter->is_strict && filter->tenant_id) &&
               strcmp(filter->user_id, key) == 0;
    return filter->tenant_id ? sse_user_key_is(key, filter->tenant_id, filter->user_id)
                             : strcmp(filter->user_id, sse_user_key_id(key)) == 0;
}

static bool passes_recipient(const struct qos_filter *filter, const struct qos_recipient *recipient)
{
    switch (recipient->dimension) {
    case SSE_BY_USER:
        return passes_user(filter, recipient->value);
    case SSE_BY_TOKEN:
        return is_named(filter->token, recipient->value);
    case SSE_BY_TENANT:
        return is_named(filter->tenant_id, recipient->value) &&
               !(filter->is_strict && filter->user_id);
    case SSE_BY_CHANNEL:
        return texts_have(filter->channels, filter->channel_count, recipient->value);
    case SSE_ALL:
        return !filter->is_strict;
    default:
        return false;
    }
}

bool qos_copy_is_of_tenants(const struct qos_copy *copy, const char *tenants)
{
    char *tenant;
    bool is_so;

    if (!tenants)
        return true;
    if (copy->state == QOS_UNREADABLE)
        return false;
    tenant = sse_target_tenant(copy->recipient.dimension, copy->recipient.value);
    is_so = tenant && words_have(tenants, tenant);
    free(tenant);
    return is_so;
}

bool qos_filter_passes(const struct qos_filter *filter, const struct qos_copy *copy)
{
    if (!qos_copy_is_of_tenants(copy, filter->tenants))
        return false;
    if (filter->is_exact && names_nobody(filter) && !filter->listeners)
        return true;
    return passes_listening(filter, copy->recipient.listening) &&
           ((names_nobody(filter) && !filter->is_exact) ||
            passes_recipient(filter, &copy->recipient));
}

struct walk {
    const struct qos_filter *filter;
    struct qos_slice *slice;
    size_t messages; /* seen */
    uint64_t wanted; /* of those that are named: the number of the message at hand */
    qos_visit visit;
    void *context;
};

static bool walk_on(void *context, const struct qos_copy *copy)
{
    struct walk *walk = context;
    struct qos_slice *slice = walk->slice;

    if (copy->message->number != slice->after) {
        slice->is_all = walk->messages < slice->limit;
        if (!slice->is_all)
            return false;
        slice->after = copy->message->number;
        walk->messages++;
    }
    if (qos_filter_passes(walk->filter, copy))
        (void)walk->visit(walk->context, copy);
    return true;
}

/* Whether all that can pass is for somebody who is named in full. */
static bool is_of_named(const struct qos_filter *filter, const struct qos_repository *repository)
{
    const bool is_of_any_tenant = filter->user_id && !filter->tenant_id && repository->has_tenants;

    return !filter->is_aside && !names_nobody(filter) && !is_of_any_tenant;
}

/* Adds the number of a message that the slice may have. */
static bool visit_number(void *numbers, const struct qos_copy *copy)
{
    buf_append(numbers, &copy->message->number, sizeof(copy->message->number));
    return true;
}

static int compare_numbers(const void *one, const void *other)
{
    const uint64_t left = *(const uint64_t *)one, right = *(const uint64_t *)other;

    return (left > right) - (left < right);
}

/* Of those that are for one of them: as many as the slice and one more. */
static int add_numbers(struct qos_repository *repository, const struct qos_slice *slice,
                       const struct qos_recipient *named, struct buf *numbers)
{
    return named->value ? repository->ops->read_value(repository, named, slice->after,
                                                      slice->limit + 1, visit_number, numbers)
                        : 0;
}

static int find_numbers(const struct qos_filter *filter, struct qos_repository *repository,
                        const struct qos_slice *slice, struct buf *numbers)
{
    char *key = filter->user_id && filter->tenant_id
                    ? sse_user_key_new(filter->tenant_id, filter->user_id)
                    : NULL;
    const struct qos_recipient named[] = {
        {SSE_BY_USER, filter->user_id, ""},
        {SSE_BY_USER, key, ""},
        {SSE_BY_TOKEN, filter->token, ""},
        {SSE_BY_TENANT, filter->tenant_id, ""},
        {SSE_ALL, "", ""},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof(named) / sizeof(named[0]); i++)
        status = add_numbers(repository, slice, &named[i], numbers);
    for (size_t i = 0; status == 0 && i < filter->channel_count; i++)
        status =
            add_numbers(repository, slice,
                        &(struct qos_recipient){SSE_BY_CHANNEL, filter->channels[i], ""}, numbers);
    if (numbers->length > 0)
        qsort(numbers->data, numbers->length / sizeof(uint64_t), sizeof(uint64_t), compare_numbers);
    free(key);
    return status;
}

/* One message of those that were found. */
static bool walk_one(void *context, const struct qos_copy *copy)
{
    struct walk *walk = context;

    return copy->message->number == walk->wanted && walk_on(walk, copy);
}

static int walk_named(struct walk *walk, struct qos_repository *repository)
{
    struct buf numbers = BUF_INIT;
    int status = find_numbers(walk->filter, repository, walk->slice, &numbers);
    const uint64_t *found = (const uint64_t *)(const void *)numbers.data;

    for (size_t i = 0; status == 0 && walk->slice->is_all && i < numbers.length / sizeof(*found);
         i++) {
        if (walk->wanted == found[i])
            continue;
        walk->wanted = found[i];
        status = repository->ops->scan(repository, walk->wanted - 1, 1, walk_one, walk);
    }
    buf_release(&numbers);
    return status;
}

int qos_filter_scan(const struct qos_filter *filter, struct qos_repository *repository,
                    struct qos_slice *slice, qos_visit visit, void *context)
{
    struct walk walk = {.filter = filter, .slice = slice, .visit = visit, .context = context};

    slice->is_all = true;
    if (is_of_named(filter, repository))
        return walk_named(&walk, repository);
    /* One more, to see whether there is one. */
    return (filter->is_aside ? repository->ops->aside : repository->ops->scan)(
        repository, slice->after, slice->limit + 1, walk_on, &walk);
}

static bool visit_read(void *context, const struct qos_copy *copy)
{
    struct qos_read *read = context;

    read->is_all = read->copies.count < read->limit;
    if (read->is_all)
        qos_copies_add(&read->copies, copy);
    return read->is_all;
}

static int run_read(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_read *read = container_of(job, struct qos_read, job);

    size_t found;
    int status;

    read->is_all = true;
    /* One more, to see whether there is one. */
    status = repository->ops->read(repository, read->recipient, read->after, read->limit + 1,
                                   visit_read, read);
    found = read->copies.count;
    if (status == 0)
        status = qos_aside_decode(repository, &read->copies, &read->aside);
    read->is_all = read->is_all && read->copies.count + read->aside.count == found;
    return status;
}

void qos_read_init(struct qos_read *read, const struct qos_recipient *recipient)
{
    read->job.run = run_read;
    read->recipient = qos_recipient_copy(recipient);
}

void qos_read_release(struct qos_read *read)
{
    free(read->recipient);
    qos_copies_release(&read->copies);
    qos_copies_release(&read->aside);
}

struct wanted_queue {
    struct qos_copies *copies;
    const char *listening;
};

static bool visit_queue(void *context, const struct qos_copy *copy)
{
    const struct wanted_queue *wanted = context;

    if (!wanted->listening || strcmp(wanted->listening, copy->recipient.listening) == 0)
        qos_copies_add(wanted->copies, copy);
    return true;
}

static int run_queues(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_queues *queues = container_of(job, struct qos_queues, job);
    int status = 0;

    for (size_t i = 0; status == 0 && i < queues->count; i++) {
        const struct qos_recipient *recipient = &queues->recipients[i];
        struct wanted_queue wanted = {&queues->copies, recipient->listening};

        status = repository->ops->queues(repository, recipient->dimension, recipient->value,
                                         visit_queue, &wanted);
    }
    return status;
}

void qos_queues_init(struct qos_queues *queues)
{
    queues->job.run = run_queues;
}

static bool visit_inspected(void *context, const struct qos_copy *copy)
{
    struct qos_inspect *inspect = context;

    if (qos_copy_is_of_tenants(copy, inspect->tenants))
        qos_copies_add(&inspect->copies, copy);
    return true;
}

static int run_inspect(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_inspect *inspect = container_of(job, struct qos_inspect, job);
    struct qos_message message;
    int status = repository->ops->find(repository, inspect->id, &message);

    if (status == 0)
        status = repository->ops->states(repository, message.number, visit_inspected, inspect);
    return status == 0 && inspect->tenants && inspect->copies.count == 0 ? -ENOENT : status;
}

void qos_inspect_init(struct qos_inspect *inspect)
{
    inspect->job.run = run_inspect;
}

static int run_count_plain(struct qos_job *job, struct qos_repository *repository)
{
    return repository->ops->count_plain(repository,
                                        &container_of(job, struct qos_count_plain, job)->count);
}

void qos_count_plain_init(struct qos_count_plain *count)
{
    count->job.run = run_count_plain;
}

static bool visit_list(void *context, const struct qos_copy *copy)
{
    struct qos_list *list = context;

    if (list->passed++ >= list->skip && list->copies.count < list->most)
        qos_copies_add(&list->copies, copy);
    return true;
}

struct message_walk {
    struct qos_list *list;
    struct qos_copies first; /* of each message that is to be kept: one that passes */
};

static bool visit_message(void *context, const struct qos_copy *copy)
{
    struct message_walk *walk = context;
    struct qos_list *list = walk->list;

    if (copy->message->number == list->last)
        return true;
    list->last = copy->message->number;
    if (list->passed++ >= list->skip && list->messages < list->most) {
        qos_copies_add(&walk->first, copy);
        list->messages++;
    }
    return true;
}

static bool keep_stored(void *context, const struct qos_copy *copy)
{
    struct qos_list *list = context;

    if (copy->state == QOS_STORED && qos_copy_is_of_tenants(copy, list->filter->tenants))
        qos_copies_add(&list->copies, copy);
    return true;
}

static int compare_values(const void *one, const void *other)
{
    return strcmp(((const struct qos_copy *)one)->recipient.value,
                  ((const struct qos_copy *)other)->recipient.value);
}

static int list_messages(struct qos_list *list, struct qos_repository *repository,
                         struct qos_slice *slice)
{
    struct message_walk walk = {.list = list};
    int status = qos_filter_scan(list->filter, repository, slice, visit_message, &walk);

    for (size_t i = 0; status == 0 && i < walk.first.count; i++) {
        const size_t from = list->copies.count;

        status = repository->ops->states(repository, walk.first.items[i].message->number,
                                         keep_stored, list);
        if (list->copies.count > from)
            qsort(&list->copies.items[from], list->copies.count - from,
                  sizeof(list->copies.items[0]), compare_values);
    }
    qos_copies_release(&walk.first);
    return status;
}

static int run_list(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_list *list = container_of(job, struct qos_list, job);
    struct qos_slice slice = {.after = list->after, .limit = list->limit};
    int status = list->is_by_message
                     ? list_messages(list, repository, &slice)
                     : qos_filter_scan(list->filter, repository, &slice, visit_list, list);

    list->after = slice.after;
    list->is_all = slice.is_all;
    return status;
}

void qos_list_init(struct qos_list *list)
{
    list->job.run = run_list;
}
