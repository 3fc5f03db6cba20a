/* SPDX-License-Identifier: Apache-2.0 */
#include "load_flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_clock.h"
#include "load_crew.h"
#include "load_exchange.h"
#include "load_options.h"
#include "load_template.h"

/* Coprime to any sensible number of targets: spreads messages over them without repeating itself.
 */
#define STRIDE 7919u

/* How soon to look again when other threads may have made room. */
#define LOOK_AGAIN LOAD_MILLISECOND

struct publisher {
    struct load_connection connection;
    struct load_flow *flow;
    const struct load_call *latest; /* NULL once it is closed */
    uint32_t *numbers;              /* the next one of each target; of a broadcast the first */
};

struct publication {
    struct list node; /* while it is free */
    struct load_call call;
    struct publisher *publisher; /* of its latest use */
};

struct load_flow {
    struct load_crew *crew;
    struct publisher *publishers;
    struct publication *publications;
    struct list free;
    char *payload;
    struct load_flow_plan plan;
    struct load_flow_report report;
    uint64_t due;      /* when the next POST of a paced flow is */
    uint64_t interval; /* between POSTs; 0: saturated */
    uint64_t end;      /* of publishing; UINT64_MAX: none */
    uint64_t per_post; /* deliveries that one causes */
    uint64_t undelivered_limit;
    uint32_t in_flight;
    uint32_t turn; /* whose publisher's turn it is */
    bool active;
    bool blocked; /* the last turn published less than it would have */
    bool broken;
};

static void on_publisher_open(struct load_connection *connection)
{
    (void)connection;
}

static void on_publisher_close(struct load_connection *connection)
{
    struct publisher *publisher = container_of(connection, struct publisher, connection);

    (void)fprintf(stderr, "publisher: %s\n", connection->fault);
    publisher->flow->broken = true;
    publisher->flow->active = false;
}

static void count_answer(struct load_flow *flow, int status)
{
    struct load_flow_report *report = &flow->report;

    report->statuses[status > 0 && (unsigned)status < LOAD_STATUSES ? (unsigned)status : 0]++;
    if (status / 100 == 2)
        report->accepted += flow->crew->options->batch;
    else if (report->refused++ == 0)
        (void)fprintf(stderr, "publisher: status %d\n", status);
}

static void on_publication_close(struct load_call *call)
{
    struct publication *publication = container_of(call, struct publication, call);
    struct publisher *publisher = publication->publisher;
    struct load_flow *flow = publisher->flow;
    struct load_flow_report *report = &flow->report;
    uint64_t arrived = call->connection->socket.arrived;

    count_answer(flow, call->status);
    if (arrived > report->answered)
        report->answered = arrived;
    load_histogram_add(&report->answers, arrived > call->started ? arrived - call->started : 0);
    if (publisher->latest == call)
        publisher->latest = NULL;
    flow->in_flight--;
    list_append(&flow->free, &publication->node);
}

static uint32_t most_targets(const struct load_crew *crew)
{
    uint32_t users = crew->options->users;

    return users > crew->stream_count ? users : crew->stream_count;
}

static int open_publishers(struct load_flow *flow)
{
    struct load_crew *crew = flow->crew;
    uint32_t targets = most_targets(crew);
    int rc = 0;

    for (uint32_t i = 0; i < crew->options->publishers && rc == 0; i++) {
        struct publisher *publisher = &flow->publishers[i];

        publisher->flow = flow;
        publisher->numbers = mem_zalloc(targets * sizeof(*publisher->numbers));
        publisher->connection.poller = &crew->workers[0].poller;
        publisher->connection.endpoint = crew->endpoint;
        publisher->connection.on_open = on_publisher_open;
        publisher->connection.on_close = on_publisher_close;
        rc = load_connection_open(&publisher->connection, 0);
    }
    return rc;
}

struct load_flow *load_flow_new(struct load_crew *crew)
{
    const struct load_options *options = crew->options;
    struct load_flow *flow = mem_zalloc(sizeof(*flow));
    int rc;

    flow->crew = crew;
    flow->publishers = mem_zalloc(options->publishers * sizeof(*flow->publishers));
    flow->publications = mem_zalloc(options->in_flight * sizeof(*flow->publications));
    flow->payload = mem_alloc(options->payload);
    memset(flow->payload, 'x', options->payload);
    list_init(&flow->free);
    for (uint32_t i = 0; i < options->in_flight; i++) {
        flow->publications[i].call.on_close = on_publication_close;
        list_append(&flow->free, &flow->publications[i].node);
    }
    rc = open_publishers(flow);
    if (rc == 0)
        return flow;
    (void)fprintf(stderr, "publisher: %s\n", strerror(-rc));
    load_flow_free(flow);
    return NULL;
}

void load_flow_free(struct load_flow *flow)
{
    if (flow == NULL)
        return;
    for (uint32_t i = 0; i < flow->crew->options->publishers; i++) {
        load_connection_release(&flow->publishers[i].connection);
        free(flow->publishers[i].numbers);
    }
    for (uint32_t i = 0; i < flow->crew->options->in_flight; i++)
        load_call_release(&flow->publications[i].call);
    free(flow->payload);
    free(flow->publications);
    free(flow->publishers);
    free(flow);
}

bool load_flow_is_open(const struct load_flow *flow)
{
    for (uint32_t i = 0; i < flow->crew->options->publishers; i++) {
        if (flow->publishers[i].connection.state != LOAD_CONNECTION_OPEN)
            return false;
    }
    return true;
}

bool load_flow_is_broken(const struct load_flow *flow)
{
    return flow->broken;
}

void load_flow_start(struct load_flow *flow, const struct load_flow_plan *plan)
{
    const struct load_options *options = flow->crew->options;
    uint64_t per_post = (uint64_t)options->batch * plan->audience;
    uint64_t paced = per_post > 0 ? per_post : options->batch;

    flow->plan = *plan;
    memset(&flow->report, 0, sizeof(flow->report));
    for (uint32_t i = 0; i < options->publishers; i++)
        memset(flow->publishers[i].numbers, 0,
               most_targets(flow->crew) * sizeof(*flow->publishers[i].numbers));
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

void load_flow_stop(struct load_flow *flow)
{
    flow->active = false;
}

/* Appends one message to the body, as the template wants it. */
static uint32_t append_message(struct load_flow *flow, uint32_t publisher, struct buf *body)
{
    const struct load_options *options = flow->crew->options;
    uint32_t *numbers = flow->publishers[publisher].numbers;
    uint32_t target = flow->plan.targets > 0
                          ? (uint32_t)(flow->report.messages * STRIDE % flow->plan.targets)
                          : LOAD_EVERYONE;
    struct load_stamp stamp = {.sent = load_now(),
                               .target = target,
                               .number = numbers[target == LOAD_EVERYONE ? 0 : target]++,
                               .phase = flow->crew->phase,
                               .publisher = (uint8_t)publisher};
    struct load_values values = {
        .target = target, .payload = flow->payload, .payload_length = options->payload};

    load_stamp_write(&stamp, flow->payload);
    load_template_expand(options->publish.body, &values, body);
    flow->report.messages++;
    flow->report.expected += flow->plan.audience;
    return target;
}

/* HTTP/2 has no order between streams but that of their frames, and a body may be cut by a window
 * or the size of a frame: events are in order for sure only when a body is all frames before the
 * next one begins. */
static bool is_sending(const struct load_flow *flow)
{
    struct publisher *publisher = &flow->publishers[flow->turn % flow->crew->options->publishers];
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
    uint32_t publisher = flow->turn++ % options->publishers;
    struct load_connection *connection = &flow->publishers[publisher].connection;
    struct publication *publication =
        container_of(list_take_first(&flow->free), struct publication, node);
    struct buf *body = &publication->call.body;
    struct load_values values = {0};

    buf_clear(body);
    if (options->batch > 1)
        buf_append_char(body, '[');
    for (uint32_t i = 0; i < options->batch; i++) {
        if (i > 0)
            buf_append_char(body, ',');
        values.target = append_message(flow, publisher, body);
    }
    if (options->batch > 1)
        buf_append_char(body, ']');
    flow->report.posts++;
    flow->in_flight++;
    publication->publisher = &flow->publishers[publisher];
    publication->call.connection = connection;
    if (load_exchange_submit(&options->publish, &values, connection, &publication->call) < 0) {
        publication->call.status = 0;
        on_publication_close(&publication->call);
        return;
    }
    publication->publisher->latest = &publication->call;
    load_connection_gather(connection);
}

void load_flow_turn(struct load_flow *flow, uint64_t now, uint64_t *wake)
{
    const struct load_options *options = flow->crew->options;

    flow->blocked = false;
    while (flow->active) {
        if (flow->report.messages >= flow->plan.messages || now >= flow->end) {
            flow->active = false;
            break;
        }
        if (now < flow->due) {
            *wake = flow->due < *wake ? flow->due : *wake;
            break;
        }
        flow->blocked = true;
        if (flow->in_flight >= options->in_flight || is_sending(flow))
            break;
        if (flow->report.expected + flow->per_post >
            load_crew_delivered(flow->crew) + flow->undelivered_limit) {
            *wake = now + LOOK_AGAIN < *wake ? now + LOOK_AGAIN : *wake;
            break;
        }
        post(flow);
        flow->blocked = false;
        flow->due += flow->interval;
    }
}

bool load_flow_is_done(const struct load_flow *flow)
{
    return !flow->active && flow->in_flight == 0;
}

bool load_flow_is_stuck(const struct load_flow *flow)
{
    return flow->blocked || (!flow->active && flow->in_flight > 0);
}

const struct load_flow_report *load_flow_report(const struct load_flow *flow)
{
    return &flow->report;
}
