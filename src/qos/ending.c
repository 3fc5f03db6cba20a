/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/ending.h"

#include <errno.h>

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
    if (copy->state == QOS_STORED)
        qos_copies_add(copies, copy);
    return true;
}

int qos_ending_run(struct qos_repository *repository, struct qos_copies *copies, size_t from,
                   enum qos_state state, int64_t at)
{
    int status = 0;

    for (size_t i = from; status == 0 && i < copies->count; i++) {
        struct qos_copy *copy = &copies->items[i];

        /* It is not always told how often; but what was not written nobody acknowledges. */
        if (state == QOS_ACKNOWLEDGED && copy->written == 0)
            copy->written = 1;
        status = repository->ops->end(repository, copy->message->number, &copy->recipient, state,
                                      at, copy->written);
        copy->state = state;
        copy->ended = at;
    }
    return status;
}
