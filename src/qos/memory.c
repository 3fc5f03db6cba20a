/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "qos/memory_queues.h"
#include "qos/order.h"
#include "qos/recipient.h"
#include "qos/repository.h"
#include "sse/user_key.h"

struct stored_copy {
    struct qos_order_node node; /* in its queue while it is stored; or in aside */
    struct stored_message *message;
    struct qos_memory_queue *queue;
    enum qos_state state;
    enum qos_cause cause;
    uint32_t written;
    int64_t ended;
};

struct stored_message {
    struct table_node by_id;
    struct qos_order_node by_number;
    struct qos_order_node by_time; /* in open, by when it expires; then in ended, by when it did; in
                                    * neither while its copies that have not ended are set aside */
    struct qos_message message;    /* owns json and receipt; id is the text below */
    size_t open, aside;            /* copies that are stored, and those that are set aside */
    size_t count;
    struct stored_copy *copies;
    char id[];
};

struct memory {
    struct qos_repository repository;
    uint64_t last_number;
    struct table ids;
    struct qos_order numbers;
    struct qos_order open, ended; /* messages that have a stored copy, and those that have ended */
    struct qos_order aside;       /* copies, by message and place in it */
    struct qos_memory_queues queues;
};

static struct memory *of(struct qos_repository *repository)
{
    return container_of(repository, struct memory, repository);
}

static struct stored_copy *copy_of(struct qos_order_node *node)
{
    return node ? container_of(node, struct stored_copy, node) : NULL;
}

static struct stored_message *by_number(struct qos_order_node *node)
{
    return node ? container_of(node, struct stored_message, by_number) : NULL;
}

static struct stored_message *by_time(struct qos_order_node *node)
{
    return node ? container_of(node, struct stored_message, by_time) : NULL;
}

static bool show(const struct stored_copy *copy, qos_visit visit, void *context)
{
    const struct qos_copy shown = {
        .message = &copy->message->message,
        .recipient = qos_memory_queue_recipient(copy->queue),
        .state = copy->state,
        .written = copy->written,
        .ended = copy->ended,
        .cause = copy->cause,
    };

    return visit(context, &shown);
}

static int memory_begin(struct qos_repository *repository)
{
    (void)repository;
    return 0;
}

static int memory_commit(struct qos_repository *repository)
{
    (void)repository;
    return 0;
}

static void memory_rollback(struct qos_repository *repository)
{
    assert(repository->fault != 0); /* and here is nothing that sets it */
}

static int memory_find(struct qos_repository *repository, const char *id,
                       struct qos_message *message)
{
    const struct stored_message *stored = table_find(&of(repository)->ids, id);

    if (!stored)
        return -ENOENT;
    *message =
        (struct qos_message){.number = stored->message.number, .digest = stored->message.digest};
    return 0;
}

static struct stored_message *new_message(struct memory *memory, const struct qos_message *message,
                                          size_t most)
{
    struct stored_message *stored = table_new_item(&memory->ids, message->id);

    stored->message = *message;
    stored->message.id = stored->id;
    stored->message.receipt = mem_strdup(message->receipt);
    stored->copies = mem_zalloc(most * sizeof(*stored->copies));
    return stored;
}

static void add_copy(struct memory *memory, struct stored_message *message,
                     const struct qos_recipient *recipient)
{
    struct qos_memory_queue *queue = qos_memory_queues_ref(&memory->queues, recipient);
    struct stored_copy *copy = &message->copies[message->count];

    if (qos_order_find(&queue->copies, 0, message->message.number)) {
        qos_memory_queues_unref(&memory->queues, queue);
        return;
    }
    copy->message = message;
    copy->queue = queue;
    qos_order_add(&queue->copies, &copy->node, 0, message->message.number);
    queue->count++;
    message->count++;
    message->open++;
    memory->repository.totals.copies++;
}

static void remember_ended(struct memory *memory, struct stored_message *message, int64_t at)
{
    qos_order_add(&memory->ended, &message->by_time, at, message->message.number);
    memory->repository.totals.ended++;
}

static int memory_put(struct qos_repository *repository, struct qos_message *message,
                      const struct sse_target *target)
{
    struct memory *memory = of(repository);
    const size_t most = sse_target_size(target);
    struct stored_message *stored;

    message->number = ++memory->last_number;
    stored = new_message(memory, message, most);
    qos_order_add(&memory->numbers, &stored->by_number, 0, message->number);
    for (size_t i = 0; i < most; i++) {
        const struct qos_recipient recipient = qos_recipient_at(target, i);

        add_copy(memory, stored, &recipient);
    }
    if (stored->open == 0) { /* for nobody */
        stored->message.json = NULL;
        remember_ended(memory, stored, message->created);
        return 0;
    }
    stored->message.json = mem_strndup(message->json, message->length);
    qos_order_add(&memory->open, &stored->by_time, message->expires, message->number);
    repository->totals.messages++;
    repository->totals.bytes += message->length;
    return 0;
}

static struct stored_copy *find_stored(struct memory *memory, uint64_t number,
                                       const struct qos_recipient *recipient)
{
    const struct qos_memory_queue *queue = qos_memory_queues_find(&memory->queues, recipient);

    return queue ? copy_of(qos_order_find(&queue->copies, 0, number)) : NULL;
}

/* The last of its copies has ended. */
static void end_message(struct memory *memory, struct stored_message *message, int64_t at)
{
    remember_ended(memory, message, at);
    memory->repository.totals.messages--;
    memory->repository.totals.bytes -= message->message.length;
    free((void *)message->message.json);
    message->message.json = NULL;
}

/* A copy that was stored is not any more. */
static void close_copy(struct memory *memory, struct stored_copy *copy)
{
    struct stored_message *message = copy->message;

    qos_order_remove(&copy->queue->copies, &copy->node);
    copy->queue->count--;
    memory->repository.totals.copies--;
    if (--message->open == 0)
        qos_order_remove(&memory->open, &message->by_time);
}

static int memory_end(struct qos_repository *repository, uint64_t number,
                      const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                      uint32_t written)
{
    struct memory *memory = of(repository);
    struct stored_copy *copy = find_stored(memory, number, recipient);

    if (!copy)
        return -ENOENT;
    close_copy(memory, copy);
    copy->state = state;
    copy->written = written;
    copy->ended = at;
    if (copy->message->open + copy->message->aside == 0)
        end_message(memory, copy->message, at);
    return 0;
}

static struct stored_copy *find_in_state(struct memory *memory, uint64_t number, const char *value,
                                         enum qos_state state)
{
    struct stored_message *message = by_number(qos_order_find(&memory->numbers, 0, number));

    for (size_t i = 0; message && i < message->count; i++) {
        struct stored_copy *copy = &message->copies[i];

        if (copy->state == state &&
            strcmp(qos_memory_queue_recipient(copy->queue).value, value) == 0)
            return copy;
    }
    return NULL;
}

static int memory_set_aside(struct qos_repository *repository, uint64_t number, const char *value,
                            enum qos_cause cause)
{
    struct memory *memory = of(repository);
    struct stored_copy *copy = find_in_state(memory, number, value, QOS_STORED);

    if (!copy)
        return -ENOENT;
    close_copy(memory, copy);
    copy->state = QOS_UNREADABLE;
    copy->cause = cause;
    copy->message->aside++;
    qos_order_add(&memory->aside, &copy->node, (int64_t)number,
                  (uint64_t)(copy - copy->message->copies));
    repository->totals.aside++;
    return 0;
}

/* NULL: there is no such copy. */
static struct stored_copy *leave_aside(struct memory *memory, uint64_t number, const char *value)
{
    struct stored_copy *copy = find_in_state(memory, number, value, QOS_UNREADABLE);

    if (!copy)
        return NULL;
    qos_order_remove(&memory->aside, &copy->node);
    copy->message->aside--;
    copy->cause = QOS_READABLE;
    memory->repository.totals.aside--;
    return copy;
}

static int memory_take_back(struct qos_repository *repository, uint64_t number, const char *value)
{
    struct memory *memory = of(repository);
    struct stored_copy *copy = leave_aside(memory, number, value);
    struct stored_message *message = copy ? copy->message : NULL;

    if (!copy)
        return -ENOENT;
    copy->state = QOS_STORED;
    qos_order_add(&copy->queue->copies, &copy->node, 0, number);
    copy->queue->count++;
    if (message->open++ == 0)
        qos_order_add(&memory->open, &message->by_time, message->message.expires, number);
    repository->totals.copies++;
    return 0;
}

static int memory_discard(struct qos_repository *repository, uint64_t number, const char *value,
                          int64_t at)
{
    struct memory *memory = of(repository);
    struct stored_copy *copy = leave_aside(memory, number, value);

    if (!copy)
        return -ENOENT;
    copy->state = QOS_DELETED;
    copy->ended = at;
    if (copy->message->open + copy->message->aside == 0)
        end_message(memory, copy->message, at);
    return 0;
}

static int memory_note(struct qos_repository *repository, uint64_t number,
                       const struct qos_recipient *recipient, uint32_t written)
{
    struct stored_copy *copy = find_stored(of(repository), number, recipient);

    if (!copy)
        return -ENOENT;
    copy->written = written;
    return 0;
}

static int memory_count(struct qos_repository *repository, const struct qos_recipient *recipient,
                        uint64_t *count)
{
    const struct qos_memory_queue *queue =
        qos_memory_queues_find(&of(repository)->queues, recipient);

    *count = queue ? queue->count : 0;
    return 0;
}

static int memory_count_plain(struct qos_repository *repository, uint64_t *count)
{
    const struct stored_message *message = by_number(qos_order_first(&of(repository)->numbers));

    *count = 0;
    for (; message; message = by_number(qos_order_next(&message->by_number))) {
        for (size_t i = 0; i < message->count; i++) {
            const struct stored_copy *copy = &message->copies[i];
            const struct qos_recipient recipient = qos_memory_queue_recipient(copy->queue);

            if (copy->state == QOS_STORED && recipient.dimension == SSE_BY_USER &&
                !sse_user_key_has_tenant(recipient.value))
                ++*count;
        }
    }
    return 0;
}

static int memory_read(struct qos_repository *repository, const struct qos_recipient *recipient,
                       uint64_t after, size_t limit, qos_visit visit, void *context)
{
    const struct qos_memory_queue *queue =
        qos_memory_queues_find(&of(repository)->queues, recipient);
    struct qos_order_node *node = queue ? qos_order_behind(&queue->copies, 0, after) : NULL;

    for (; node && limit > 0; node = qos_order_next(node), limit--)
        if (!show(copy_of(node), visit, context))
            break;
    return 0;
}

static int memory_queues(struct qos_repository *repository, enum sse_dimension dimension,
                         const char *value, qos_visit visit, void *context)
{
    const struct qos_memory_value *found =
        qos_memory_queues_value(&of(repository)->queues, dimension, value);

    if (!found)
        return 0;
    list_for_each(link, &found->queues) {
        const struct qos_memory_queue *queue = container_of(link, struct qos_memory_queue, link);

        if (queue->count > 0 && !show(copy_of(qos_order_first(&queue->copies)), visit, context))
            break;
    }
    return 0;
}

/* False when the visit, or the limit, says that it is enough. */
static bool show_stored(const struct stored_message *message, size_t *limit, qos_visit visit,
                        void *context)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->copies[i].state != QOS_STORED)
            continue;
        if (*limit == 0 || !show(&message->copies[i], visit, context))
            return false;
        (*limit)--;
    }
    return true;
}

static int memory_scan(struct qos_repository *repository, uint64_t after, size_t limit,
                       qos_visit visit, void *context)
{
    const struct stored_message *message =
        by_number(qos_order_behind(&of(repository)->numbers, 0, after));

    for (; message && limit > 0; message = by_number(qos_order_next(&message->by_number))) {
        size_t all = message->count;

        if (message->open == 0)
            continue;
        if (!show_stored(message, &all, visit, context))
            break;
        limit--;
    }
    return 0;
}

static int memory_aside(struct qos_repository *repository, uint64_t after, size_t limit,
                        qos_visit visit, void *context)
{
    struct qos_order_node *node =
        qos_order_behind(&of(repository)->aside, (int64_t)after, UINT64_MAX);
    const struct stored_message *last = NULL;

    for (; node; node = qos_order_next(node)) {
        const struct stored_copy *copy = copy_of(node);

        if (copy->message != last && limit-- == 0)
            break;
        last = copy->message;
        if (!show(copy, visit, context))
            break;
    }
    return 0;
}

static int memory_expired(struct qos_repository *repository, int64_t now, size_t limit,
                          qos_visit visit, void *context)
{
    const struct stored_message *message = by_time(qos_order_first(&of(repository)->open));

    while (message && message->message.expires <= now &&
           show_stored(message, &limit, visit, context))
        message = by_time(qos_order_next(&message->by_time));
    return 0;
}

static int memory_states(struct qos_repository *repository, uint64_t number, qos_visit visit,
                         void *context)
{
    const struct stored_message *message =
        by_number(qos_order_find(&of(repository)->numbers, 0, number));

    if (!message)
        return -ENOENT;
    for (size_t i = 0; i < message->count; i++)
        if (!show(&message->copies[i], visit, context))
            break;
    return 0;
}

static void free_message(struct memory *memory, struct stored_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        qos_memory_queues_unref(&memory->queues, message->copies[i].queue);
    table_remove(&memory->ids, &message->by_id);
    qos_order_remove(&memory->numbers, &message->by_number);
    free((void *)message->message.json);
    free((void *)message->message.receipt);
    free(message->copies);
    free(message);
}

static int memory_forget(struct qos_repository *repository, int64_t before, size_t most,
                         size_t limit, size_t *forgotten)
{
    struct memory *memory = of(repository);

    for (*forgotten = 0; *forgotten < limit; (*forgotten)++) {
        struct stored_message *oldest = by_time(qos_order_first(&memory->ended));

        if (!oldest || (oldest->by_time.key >= before && repository->totals.ended <= most))
            break;
        qos_order_remove(&memory->ended, &oldest->by_time);
        repository->totals.ended--;
        free_message(memory, oldest);
    }
    return 0;
}

/* The allocator's, at once. */
static int memory_shrink(struct qos_repository *repository, bool *is_more)
{
    (void)repository;
    *is_more = false;
    return 0;
}

static void memory_free(struct qos_repository *repository)
{
    struct memory *memory = of(repository);
    struct stored_message *message;

    while ((message = by_number(qos_order_first(&memory->numbers))) != NULL)
        free_message(memory, message);
    table_release(&memory->ids);
    qos_memory_queues_release(&memory->queues);
    free(memory);
}

static const struct qos_repository_ops ops = {
    .name = "memory",
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .find = memory_find,
    .put = memory_put,
    .end = memory_end,
    .note = memory_note,
    .set_aside = memory_set_aside,
    .take_back = memory_take_back,
    .discard = memory_discard,
    .count = memory_count,
    .count_plain = memory_count_plain,
    .read = memory_read,
    .queues = memory_queues,
    .scan = memory_scan,
    .aside = memory_aside,
    .expired = memory_expired,
    .states = memory_states,
    .forget = memory_forget,
    .shrink = memory_shrink,
    .free = memory_free,
};

struct qos_repository *qos_memory_new(void)
{
    struct memory *memory = mem_zalloc(sizeof(*memory));

    memory->repository.ops = &ops;
    table_init(&memory->ids, TABLE_BY_TEXT(struct stored_message, by_id, id));
    qos_memory_queues_init(&memory->queues);
    return &memory->repository;
}
