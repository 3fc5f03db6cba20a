/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/call_order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/connection.h"

struct call_order {
    struct table_node node;
    struct call_orders *orders;
    struct sequence lanes[CALL_LANES];
    struct loop_timer timer; /* runs while a missing number is waited for */
    bool has_ended;          /* the connection */
    bool is_running;         /* go_on() is at work */
    char handle[SSE_HANDLE_SIZE];
};

static struct loop *loop_of(const struct call_order *order)
{
    return order->orders->service->api->loop;
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
    turn->on_turn(turn, order->orders->service, verdict);
}

static void order_free(struct call_order *order)
{
    loop_timer_stop(&order->timer);
    table_remove(&order->orders->orders, &order->node);
    free(order);
}

static bool is_over(const struct call_order *order)
{
    for (size_t lane = CALL_LANE_NONE + 1; lane < CALL_LANES; lane++) {
        if (order->lanes[lane].is_busy || order->lanes[lane].count > 0)
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
    for (size_t lane = CALL_LANE_NONE + 1; lane < CALL_LANES; lane++) {
        if (sequence_due(&order->lanes[lane]) < due)
            due = sequence_due(&order->lanes[lane]);
    }
    if (due == SEQUENCE_NEVER)
        loop_timer_stop(&order->timer);
    else
        loop_timer_start(loop_of(order), &order->timer, due > now ? due - now : 0);
}

static bool begin_next(struct call_order *order, struct sequence *lane)
{
    const uint64_t next = lane->next;
    struct sequence_item *item = sequence_take(lane, loop_served_ms(loop_of(order)));

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
        for (size_t lane = CALL_LANE_NONE + 1; lane < CALL_LANES; lane++)
            has_begun |= begin_next(order, &order->lanes[lane]);
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
    for (size_t lane = CALL_LANE_NONE + 1; lane < CALL_LANES; lane++)
        sequence_init(&order->lanes[lane]);
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
    for (size_t lane = CALL_LANE_NONE + 1; lane < CALL_LANES; lane++) {
        struct sequence *calls = &order->lanes[lane];

        while ((item = was_sent_away(reason) ? sequence_drop_any(calls) : sequence_drop(calls)))
            tell(order, item, CALL_ENDED);
    }
    if (!order->is_running)
        settle(order);
}

void call_orders_init(struct call_orders *orders, struct api_service *service)
{
    *orders = (struct call_orders){.service = service};
    table_init(&orders->orders, TABLE_BY_TEXT(struct call_order, node, handle));
    orders->observer.on_disconnect = on_disconnect;
    list_append(&service->core->observers, &orders->observer.node);
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

/* Digits, which end at *rest. False: there are none, or too many. */
static bool read_digits(const char *text, const char **rest, uint64_t *number)
{
    *rest = text + strspn(text, "0123456789");
    *number = 0;
    while (text < *rest && *number <= CALL_ORDER_MOST)
        *number = *number * 10 + (uint64_t)(*text++ - '0');
    return text == *rest && *number > 0 && *number <= CALL_ORDER_MOST;
}

static bool read_number(const char *text, struct call_number *number)
{
    static const char after[] = ";after=";

    if (!read_digits(text, &text, &number->number))
        return false;
    if (*text == '\0')
        return true;
    return strncmp(text, after, strlen(after)) == 0 &&
           read_digits(text + strlen(after), &text, &number->after) && *text == '\0';
}

bool call_order_read(struct api_exchange *exchange, struct call_number *number)
{
    const char *text = h2_request_header(exchange->request, "x-sse-order");

    *number = (struct call_number){0, 0};
    if (!text || exchange->service->settings->core->ordered_calls == 0 || read_number(text, number))
        return true;
    *number = (struct call_number){0, 0};
    api_reply_error(exchange, 422,
                    "x-sse-order must be a whole number from 1 to %" PRIu64
                    ": the number of this call among those of its connection; or such as "
                    "\"17;after=3\", for a message that comes after a change of listeners",
                    CALL_ORDER_MOST);
    return false;
}

enum call_verdict call_order_enter(struct call_orders *orders,
                                   const struct sse_connection *connection, struct call_turn *turn,
                                   struct call_number number)
{
    const struct sse_service_settings *settings = orders->service->settings->core;
    struct call_order *order = get(orders, connection);
    struct sequence_item *replaced;
    enum sequence_turn verdict;

    turn->item.number = number.number;
    turn->item.after = number.after;
    turn->item.other = turn->lane == CALL_LANE_MESSAGES ? &order->lanes[CALL_LANE_WISHES] : NULL;
    turn->item.until = loop_served_ms(loop_of(order)) + settings->ordered_wait_ms;
    verdict =
        sequence_enter(&order->lanes[turn->lane], &turn->item, settings->ordered_calls, &replaced);
    if (verdict == SEQUENCE_FULL)
        orders->refused++;
    if (verdict == SEQUENCE_HELD)
        orders->waiting++;
    if (replaced)
        tell(order, replaced, CALL_REPLACED);
    if (!order->is_running)
        settle(order);
    switch (verdict) {
    case SEQUENCE_NOW:
        return CALL_BEGINS;
    case SEQUENCE_LATE:
        return CALL_LATE;
    case SEQUENCE_HELD:
        return CALL_WAITS;
    default:
        return CALL_TOO_MANY;
    }
}

void call_order_end(struct call_orders *orders, const char *handle, enum call_lane lane)
{
    struct call_order *order = table_find(&orders->orders, handle);

    sequence_end(&order->lanes[lane]);
    go_on(order);
}

/* A turn that is for nothing. */
struct passing_turn {
    struct call_turn turn;
    char handle[SSE_HANDLE_SIZE];
};

static void on_passing_turn(struct call_turn *turn, struct api_service *service,
                            enum call_verdict verdict)
{
    struct passing_turn *passing = container_of(turn, struct passing_turn, turn);

    if (verdict == CALL_BEGINS)
        call_order_end(&service->call_orders, passing->handle, turn->lane);
    free(passing);
}

void call_order_pass(struct call_orders *orders, const struct sse_connection *connection,
                     enum call_lane lane, uint64_t number)
{
    struct passing_turn *passing = mem_zalloc(sizeof(*passing));
    enum call_verdict verdict;

    passing->turn.lane = lane;
    passing->turn.on_turn = on_passing_turn;
    memcpy(passing->handle, connection->handle, sizeof(passing->handle));
    verdict = call_order_enter(orders, connection, &passing->turn, (struct call_number){number, 0});
    if (verdict != CALL_WAITS)
        on_passing_turn(&passing->turn, orders->service, verdict);
}
