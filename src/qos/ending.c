/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/ending.h"

#include <errno.h>

#include "qos/aside.h"

struct wanted {
    uint64_t number;
    struct qos_copies *copies;
    bool is_found;
};

static bool visit_first(void *context, const struct qos_copy *copy)
{
    struct wanted *wanted = context;

    wanted->is_found = copy->message->number == wanted->number;
    if (wanted->is_found)
        qos_copies_add(wanted->copies, copy);
    return false;
}

int qos_ending_find(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, struct qos_copies *copies)
{
    struct wanted wanted = {.number = number, .copies = copies};
    int status = repository->ops->read(repository, recipient, number - 1, 1, visit_first, &wanted);

    return status == 0 && !wanted.is_found ? -ENOENT : status;
}

bool qos_ending_visit_stored(void *copies, const struct qos_copy *copy)
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

static int end_copy(struct qos_repository *repository, struct qos_copy *copy, enum qos_state state,
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

int qos_ending_run(struct qos_repository *repository, struct qos_copies *copies, size_t from,
                   enum qos_state state, int64_t at)
{
    int status = 0;

    for (size_t i = from; status == 0 && i < copies->count; i++)
        status = end_copy(repository, &copies->items[i], state, at);
    return status;
}
