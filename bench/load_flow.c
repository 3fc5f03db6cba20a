/* SPDX-License-Identifier: Apache-2.0 */
#include "load_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_options.h"

/* Coprime to any sensible number of targets: spreads messages over them without repeating itself.
 */
#define STRIDE   7919u
#define MAX_OPEN 2000u /* requests */

struct load_publisher {
    struct load_connection connection;
    struct load_flow *flow;
    const struct load_call *latest; /* NULL once it is closed */
    uint32_t *numbers;              /* the next one of each target; of a broadcast the first */
};

/* Calls that are used again and again, all in the list of the free ones. */
static struct load_call *calls_new(uint32_t count, void (*on_close)(struct load_call *call),
                                   void *owner, struct list *free)
{
    struct load_call *calls = mem_zalloc(count * sizeof(*calls));

    list_init(free);
    for (uint32_t i = 0; i < count; i++) {
        calls[i].on_close = on_close;
        calls[i].owner = owner;
        list_append(free, &calls[i].node);
    }
    return calls;
}

static void calls_free(struct load_call *calls, uint32_t count)
{
    for (uint32_t i = 0; calls != NULL && i < count; i++)
        buf_release(&calls[i].body);
    free(calls);
}

static void on_publisher_close(struct load_connection *connection)
{
    struct load_flow *flow = container_of(connection, struct load_publisher, connection)->flow;

    (void)fprintf(stderr, "publisher: %s\n", connection->fault);
    flow->broken = true;
    flow->active = false;
}

static void on_post_close(struct load_call *call)
{
    struct load_publisher *publisher =
        container_of(call->connection, struct load_publisher, connection);
    struct load_flow *flow = call->owner;
    struct load_flow_report *report = &flow->report;
    uint64_t arrived = call->connection->socket.arrived;

    if (call->status / 100 == 2)
        report->accepted += flow->crew->options->batch;
    else if (report->refused++ == 0)
        (void)fprintf(stderr, "publisher: status %d\n", call->status);
    if (arrived > report->answered)
        report->answered = arrived;
    load_histogram_add(&report->answers, call->started, arrived);
    if (publisher->latest == call)
        publisher->latest = NULL;
    flow->in_flight--;
    list_append(&flow->free, &call->node);
}

int load_flow_init(struct load_flow *flow, struct load_crew *crew)
{
    const struct load_options *options = crew->options;
    int rc = 0;

    *flow = (struct load_flow){.crew = crew};
    flow->publishers = mem_zalloc(options->publishers * sizeof(*flow->publishers));
    flow->posts = calls_new(options->in_flight, on_post_close, flow, &flow->free);
    buf_reserve(&flow->payload, options->payload);
    memset(flow->payload.data, LOAD_PADDING, options->payload);
    flow->payload.length = options->payload;
    for (uint32_t i = 0; i < options->publishers && rc == 0; i++) {
        struct load_publisher *publisher = &flow->publishers[i];

        publisher->flow = flow;
        publisher->connection.poller = &crew->poller;
        publisher->connection.endpoint = crew->endpoint;
        publisher->connection.on_close = on_publisher_close;
        rc = load_connection_open(&publisher->connection, 0);
    }
    if (rc < 0)
        (void)fprintf(stderr, "publisher: %s\n", strerror(-rc));
    return rc;
}

void load_flow_release(struct load_flow *flow)
{
    if (flow->crew == NULL)
        return;
    for (uint32_t i = 0; i < flow->crew->options->publishers; i++) {
        load_connection_release(&flow->publishers[i].connection);
        free(flow->publishers[i].numbers);
    }
    calls_free(flow->posts, flow->crew->options->in_flight);
    buf_release(&flow->payload);
    free(flow->publishers);
}

bool load_flow_is_open(const struct load_flow *flow)
{
    for (uint32_t i = 0; i < flow->crew->options->publishers; i++) {
        if (flow->publishers[i].connection.state != LOAD_OPEN)
            return false;
    }
    return true;
}

void load_flow_start(struct load_flow *flow, const struct load_flow_plan *plan)
{
    const struct load_options *options = flow->crew->options;
    const uint64_t per_post = (uint64_t)options->batch * plan->audience;
    const uint64_t paced = per_post > 0 ? per_post : options->batch;
    const uint32_t targets = plan->targets > 0 ? plan->targets : 1;

    flow->plan = *plan;
    memset(&flow->report, 0, sizeof(flow->report));
    for (uint32_t i = 0; i < options->publishers; i++) {
        free(flow->publishers[i].numbers);
        flow->publishers[i].numbers = mem_zalloc(targets * sizeof(uint32_t));
    }
    flow->per_post = per_post;
    flow->undelivered_limit = options->backlog * per_post;
    flow->interval = plan->rate > 0 ? (uint64_t)((double)(LOAD_SECOND * paced) / plan->rate) : 0;
    flow->report.began = load_now();
    flow->due = flow->report.began;
    flow->end = plan->seconds > 0
                    ? flow->report.began + (uint64_t)(plan->seconds * (double)LOAD_SECOND)
                    : UINT64_MAX;
    flow->active = !flow->broken;
}

/* Appends one message to the body, as the template wants it, and returns whom it is for. */
static uint32_t append_message(struct load_flow *flow, uint32_t publisher, struct buf *body)
{
    uint32_t *numbers = flow->publishers[publisher].numbers;
    uint32_t target = flow->plan.targets > 0
                          ? (uint32_t)(flow->report.messages * STRIDE % flow->plan.targets)
                          : LOAD_EVERYONE;
    struct load_stamp stamp = {.sent = load_now(),
                               .target = target,
                               .number = numbers[target == LOAD_EVERYONE ? 0 : target]++,
                               .phase = flow->crew->phase,
                               .publisher = (uint8_t)publisher};

    load_stamp_write(&stamp, flow->payload.data);
    load_expand(flow->crew->options->publish.body, target, &flow->payload, body);
    flow->report.messages++;
    flow->report.expected += flow->plan.audience;
    return target;
}

/* HTTP/2 has no order between streams but that of their frames, and a body may be cut by a window
 * or the size of a frame: events are in order for sure only when a body is all frames before the
 * next one begins. */
static bool is_sending(const struct load_flow *flow)
{
    struct load_publisher *publisher =
        &flow->publishers[flow->turn % flow->crew->options->publishers];
    const struct load_call *latest = publisher->latest;

    if (latest == NULL || latest->body_sent == latest->body.length)
        return false;
    load_connection_flush(&publisher->connection);
    latest = publisher->latest;
    return latest != NULL && latest->body_sent < latest->body.length;
}

static void post(struct load_flow *flow)
{
    const struct load_options *options = flow->crew->options;
    const uint32_t index = flow->turn++ % options->publishers;
    struct load_publisher *publisher = &flow->publishers[index];
    struct load_call *call = container_of(list_take_first(&flow->free), struct load_call, node);
    struct buf *body = &call->body;
    uint32_t target = 0;

    buf_clear(body);
    for (uint32_t i = 0; i < options->batch; i++) {
        if (options->batch > 1)
            buf_append_char(body, i == 0 ? '[' : ',');
        target = append_message(flow, index, body);
    }
    if (options->batch > 1)
        buf_append_char(body, ']');
    flow->report.posts++;
    flow->in_flight++;
    if (load_connection_submit(&publisher->connection, call, &options->publish, target) < 0) {
        on_post_close(call);
        return;
    }
    publisher->latest = call;
    load_http_gather(&publisher->connection);
}

bool load_flow_turn(struct load_flow *flow, uint64_t now, uint64_t *wake)
{
    const struct load_flow_report *report = &flow->report;

    while (flow->active) {
        if (report->messages >= flow->plan.messages || now >= flow->end) {
            flow->active = false;
            break;
        }
        if (now < flow->due) {
            *wake = flow->due < *wake ? flow->due : *wake;
            return true;
        }
        if (flow->in_flight >= flow->crew->options->in_flight || is_sending(flow) ||
            report->expected + flow->per_post >
                flow->crew->statistics.delivered + flow->undelivered_limit)
            return false;
        post(flow);
        flow->due += flow->interval;
    }
    return false;
}

bool load_flow_is_done(const struct load_flow *flow)
{
    return !flow->active && flow->in_flight == 0;
}

static void on_request_close(struct load_call *call)
{
    struct load_requester *requester = call->owner;

    if (call->status / 100 == 2)
        load_histogram_add(&requester->report.latency, call->started,
                           call->connection->socket.arrived);
    else
        requester->report.failed++;
    requester->open--;
    list_append(&requester->free, &call->node);
}

void load_requester_init(struct load_requester *requester, struct load_crew *crew)
{
    *requester = (struct load_requester){
        .crew = crew,
        .interval = (uint64_t)((double)LOAD_SECOND / crew->options->request_rate),
    };
    requester->calls = calls_new(MAX_OPEN, on_request_close, requester, &requester->free);
}

void load_requester_release(struct load_requester *requester)
{
    calls_free(requester->calls, MAX_OPEN);
}

void load_requester_start(struct load_requester *requester)
{
    memset(&requester->report, 0, sizeof(requester->report));
    requester->due = load_now();
}

static void ask(struct load_requester *requester)
{
    const struct load_options *options = requester->crew->options;
    const struct load_exchange *request = &options->request;
    struct load_session *session =
        &requester->crew->sessions[requester->turn++ % options->sessions];
    const uint32_t number = session->subscribers[0].number;
    struct list *node = list_take_first(&requester->free);
    struct load_call *call;

    requester->report.sent++;
    if (node == NULL) {
        requester->report.failed++;
        return;
    }
    call = container_of(node, struct load_call, node);
    buf_clear(&call->body);
    if (request->body != NULL)
        load_expand(request->body, number, NULL, &call->body);
    requester->open++;
    if (load_connection_submit(&session->connection, call, request, number) < 0)
        on_request_close(call);
}

bool load_requester_turn(struct load_requester *requester, uint64_t now, uint64_t *wake)
{
    const uint64_t limit = requester->crew->options->requests;

    while (requester->report.sent < limit && requester->due <= now) {
        ask(requester);
        requester->due += requester->interval;
    }
    if (requester->report.sent < limit && requester->due < *wake)
        *wake = requester->due;
    return requester->report.sent < limit || requester->open > 0;
}
