/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/aside.h"

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

void qos_queues_release(struct qos_queues *queues)
{
    qos_copies_release(&queues->copies);
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

void qos_inspect_release(struct qos_inspect *inspect)
{
    qos_copies_release(&inspect->copies);
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

void qos_list_release(struct qos_list *list)
{
    qos_copies_release(&list->copies);
}
