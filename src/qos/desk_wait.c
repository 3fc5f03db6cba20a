/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/desk_box.h"

bool desk_box_lacks(const struct desk_box *box, const struct qos_client *client)
{
    const struct desk_flights *flights = &box->flights;

    if (desk_box_has_backlog(box) || box->run.asked)
        return true;
    for (size_t i = 0; i < flights->count; i++) {
        if (flights->items[i].position == 0 || !qos_client_has(client, flights->items[i].position))
            return true;
    }
    return false;
}

static struct desk_waiter *waiter_new(struct desk_box *box, const struct qos_client *client)
{
    struct desk_waiter *waiter = mem_zalloc(sizeof(*waiter));

    waiter->client = *client;
    waiter->since = desk_box_now(box);
    box->desk->report.waiting++;
    return waiter;
}

void desk_box_wait(struct desk_box *box, const struct qos_client *client)
{
    list_append(&box->waiting, &waiter_new(box, client)->node);
}

void desk_box_stop_waiting(struct desk_box *box, struct desk_waiter *waiter)
{
    list_remove(&waiter->node);
    box->desk->report.waiting--;
    free(waiter);
}

struct desk_waiter *desk_box_waiter(const struct desk_box *box, const char *connection_id)
{
    list_for_each(node, &box->waiting) {
        struct desk_waiter *waiter = container_of(node, struct desk_waiter, node);

        if (strcmp(waiter->client.id, connection_id) == 0)
            return waiter;
    }
    return NULL;
}

struct desk_waiter *desk_box_last_waiter(const struct desk_box *box)
{
    return list_is_empty(&box->waiting) ? NULL
                                        : container_of(box->waiting.prev, struct desk_waiter, node);
}

/* It has had only the beginning of what its successor gets now. As long as it lives, it must not be
 * written what comes behind that. */
void desk_box_demote_receiver(struct desk_box *box)
{
    if (box->is_group || !desk_box_has_receiver(box) ||
        !(desk_box_has_backlog(box) || box->run.asked))
        return;
    list_prepend(&box->waiting, &waiter_new(box, &box->receiver.client)->node);
}

void desk_box_mark_former(struct desk_box *box)
{
    list_for_each(node, &box->waiting) {
        struct desk_waiter *waiter = container_of(node, struct desk_waiter, node);

        if (desk_client_is_page_of(&waiter->client, &box->receiver.client))
            waiter->is_former = true;
    }
}

bool desk_box_admit(struct desk_box *box)
{
    const struct desk_waiter *last = desk_box_last_waiter(box);
    bool is_any = false;

    if (!last)
        return false;
    if (box->flights.count == 0 && !desk_box_has_receiver(box)) {
        desk_box_turn(box, &last->client, false); /* nobody has anything that it could wait for */
        return true;
    }
    list_for_each_safe(node, after, &box->waiting) {
        struct desk_waiter *waiter = container_of(node, struct desk_waiter, node);

        if (desk_box_lacks(box, &waiter->client))
            continue;
        desk_box_receive(box, &waiter->client);
        desk_box_stop_waiting(box, waiter);
        is_any = true;
    }
    return is_any;
}

static struct desk_waiter *first_claim(const struct desk_box *box)
{
    list_for_each(node, &box->waiting) {
        struct desk_waiter *waiter = container_of(node, struct desk_waiter, node);

        if (!waiter->is_former)
            return waiter;
    }
    return NULL;
}

/* As long as the receiver takes what it is given, nobody takes over. */
uint64_t desk_box_takeover_at(const struct desk_box *box)
{
    const struct desk_waiter *waiter = first_claim(box);

    if (!waiter)
        return DESK_NONE;
    return (waiter->since > box->moved_at ? waiter->since : box->moved_at) +
           box->desk->settings->takeover_ms;
}

void desk_box_take_over(struct desk_box *box)
{
    struct desk_waiter *waiter = desk_box_last_waiter(box);

    while (waiter->is_former)
        waiter = container_of(waiter->node.prev, struct desk_waiter, node);
    box->desk->report.takeovers++;
    desk_box_turn(box, &waiter->client, false);
}
