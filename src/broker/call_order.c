/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/call_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "sse/connection.h"

struct call_order {
    struct table_node node;
    struct call_orders *orders;
    struct sequence queues[CALL_QUEUES];
    struct loop_timer timer; /* runs while a missing number is waited for */
    bool has_ended;          /* the connection */
    bool is_running;         /* go_on() is at work */
    char handle[SSE_HANDLE_SIZE];
};

static struct loop *loop_of(const struct call_order *order)
{
    return order->orders->core->loop;
}

static struct call_turn *turn_of(struct sequence_item *item)
{
    return container_of(item, struct call_turn, item);
}

static void tell(const struct call_order *order, struct sequence_item *item,
                 enum call_verdict verdict)
{
    struct call_turn *turn = turn_of(item);

    order->orders->waiting--;
    turn->on_turn(turn, verdict);
}

static void order_free(struct call_order *order)
{
    loop_timer_stop(&order->timer);
    table_remove(&order->orders->orders, &order->node);
    free(order);
}

static bool is_over(const struct call_order *order)
{
    for (size_t queue = CALL_QUEUE_NONE + 1; queue < CALL_QUEUES; queue++) {
        if (order->queues[queue].is_busy || order->queues[queue].count > 0)
            return false;
    }
    return order->has_ended;
}

/* Frees the order when nothing can follow. */
static void settle(struct call_order *order)
{
    const uint64_t now = loop_served_ms(loop_of(order));
    uint64_t due = SEQUENCE_NEVER;

    if (is_over(order)) {
        order_free(order);
        return;
    }
    for (size_t queue = CALL_QUEUE_NONE + 1; queue < CALL_QUEUES; queue++) {
        if (sequence_due(&order->queues[queue]) < due)
            due = sequence_due(&order->queues[queue]);
    }
    if (due == SEQUENCE_NEVER)
        loop_timer_stop(&order->timer);
    else
        loop_timer_start(loop_of(order), &order->timer, due > now ? due - now : 0);
}

static bool begin_next(struct call_order *order, struct sequence *queue)
{
    const uint64_t next = queue->next;
    struct sequence_item *item = sequence_take(queue, loop_served_ms(loop_of(order)));

    if (!item)
        return false;
    order->orders->gaps += item->number > next ? 1 : 0;
    tell(order, item, CALL_BEGINS);
    return true;
}

/* Lets begin what may. Some end before on_turn returns, which leads here again: it is all one
 * loop. */
static void go_on(struct call_order *order)
{
    bool has_begun;

    if (order->is_running)
        return;
    order->is_running = true;
    do {
        has_begun = false;
        for (size_t queue = CALL_QUEUE_NONE + 1; queue < CALL_QUEUES; queue++)
            has_begun |= begin_next(order, &order->queues[queue]);
    } while (has_begun);
    order->is_running = false;
    settle(order);
}

static void on_timer(struct loop_timer *timer)
{
    go_on(container_of(timer, struct call_order, timer));
}

static struct call_order *get(struct call_orders *orders, const struct sse_connection *connection)
{
    struct call_order *order = table_find(&orders->orders, connection->handle);

    if (order)
        return order;
    order = table_new_item(&orders->orders, connection->handle);
    order->orders = orders;
    order->timer.on_fire = on_timer;
    for (size_t queue = CALL_QUEUE_NONE + 1; queue < CALL_QUEUES; queue++)
        sequence_init(&order->queues[queue]);
    return order;
}

/* ---- the end of a connection ---- */

static bool was_sent_away(enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_KICKED || reason == SSE_CLOSE_EXPIRED;
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct call_orders *orders = container_of(observer, struct call_orders, observer);
    struct call_order *order = table_find(&orders->orders, connection->handle);
    struct sequence_item *item;

    (void)text;
    if (!order)
        return;
    order->has_ended = true;
    for (size_t queue = CALL_QUEUE_NONE + 1; queue < CALL_QUEUES; queue++) {
        struct sequence *calls = &order->queues[queue];

        while ((item = was_sent_away(reason) ? sequence_drop_any(calls) : sequence_drop(calls)))
            tell(order, item, CALL_ENDED);
    }
    if (!order->is_running)
        settle(order);
}

void call_orders_init(struct call_orders *orders, struct sse_service *core)
{
    *orders = (struct call_orders){.core = core};
    table_init(&orders->orders, TABLE_BY_TEXT(struct call_order, node, handle));
    orders->observer.on_disconnect = on_disconnect;
    list_append(&core->observers, &orders->observer.node);
}

void call_orders_release(struct call_orders *orders)
{
    struct call_order *order;

    while ((order = table_first(&orders->orders)))
        order_free(order);
    list_remove(&orders->observer.node);
    table_release(&orders->orders);
}

/* ---- the calls ---- */

enum call_verdict call_order_enter(struct call_orders *orders,
                                   const struct sse_connection *connection, struct call_turn *turn,
                                   struct call_number number)
{
    static const enum call_verdict verdicts[] = {
        [SEQUENCE_NOW] = CALL_BEGINS,
        [SEQUENCE_LATE] = CALL_LATE,
        [SEQUENCE_HELD] = CALL_WAITS,
        [SEQUENCE_FULL] = CALL_TOO_MANY,
    };
    const struct sse_service_settings *settings = orders->core->settings;
    struct call_order *order = get(orders, connection);
    struct sequence_item *replaced;
    enum sequence_turn verdict;

    turn->item.number = number.number;
    turn->item.after = number.after;
    turn->item.other =
        turn->queue == CALL_QUEUE_MESSAGES ? &order->queues[CALL_QUEUE_CHANGES] : NULL;
    turn->item.until = loop_served_ms(loop_of(order)) + settings->ordered_wait_ms;
    verdict = sequence_enter(&order->queues[turn->queue], &turn->item, settings->ordered_calls,
                             &replaced);
    if (verdict == SEQUENCE_FULL)
        orders->refused++;
    if (verdict == SEQUENCE_HELD)
        orders->waiting++;
    if (replaced)
        tell(order, replaced, CALL_REPLACED);
    if (!order->is_running)
        settle(order);
    return verdicts[verdict];
}

void call_order_end(struct call_orders *orders, const char *handle, enum call_queue queue)
{
    struct call_order *order = table_find(&orders->orders, handle);

    sequence_end(&order->queues[queue]);
    go_on(order);
}

/* A turn that is for nothing. */
struct passing_turn {
    struct call_turn turn;
    struct call_orders *orders;
    char handle[SSE_HANDLE_SIZE];
};

static void on_passing_turn(struct call_turn *turn, enum call_verdict verdict)
{
    struct passing_turn *passing = container_of(turn, struct passing_turn, turn);

    if (verdict == CALL_BEGINS)
        call_order_end(passing->orders, passing->handle, turn->queue);
    free(passing);
}

void call_order_pass(struct call_orders *orders, const struct sse_connection *connection,
                     enum call_queue queue, uint64_t number)
{
    struct passing_turn *passing = mem_zalloc(sizeof(*passing));
    enum call_verdict verdict;

    passing->orders = orders;
    passing->turn.queue = queue;
    passing->turn.on_turn = on_passing_turn;
    memcpy(passing->handle, connection->handle, sizeof(passing->handle));
    verdict = call_order_enter(orders, connection, &passing->turn, (struct call_number){number, 0});
    if (verdict != CALL_WAITS)
        on_passing_turn(&passing->turn, verdict);
}
