/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse-load: puts a push server under load and measures it: connects everyone, then has one or two
 * stretches of traffic, as the scenario says. Exit status 0 when everybody got everything once and
 * in order, 1 when not, 2 when it could not be run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_options.h"
#include "load_report.h"

#define USERS     10000u /* who are not there, of the scenario store */
#define BUSY_RATE 20000  /* events per second, when requests are measured and no rate is given */

/* How long nothing may come before the rest is given up; and when all has come, how long to look
 * whether something comes twice. */
#define PATIENCE        (3000 * CLOCK_NS_PER_MS)
#define GRACE           (100 * CLOCK_NS_PER_MS)
#define MEMORY_INTERVAL (250 * CLOCK_NS_PER_MS)

struct run {
    struct load_options options;
    struct load_report report;
    struct load_endpoint endpoint;
    struct load_crew crew;
    struct load_flow flow;
    struct load_requester requester;
    uint64_t deadline;
    uint64_t rest_until;
};

struct traffic {
    struct run *run;
    bool flows; /* events do */
    bool asks;  /* requests are asked; with events, they end them */
    uint64_t delivered;
    uint64_t answers;  /* to POSTs */
    uint64_t progress; /* when one of these grew, or something was still to do */
    uint64_t memory_due;
    uint64_t memory_peak;
};

static uint64_t server_cpu(const struct run *run)
{
    return load_process_cpu(run->options.pids, run->options.pid_count);
}

static uint64_t server_memory(const struct run *run)
{
    return load_process_pss(run->options.pids, run->options.pid_count);
}

static void watch_memory(struct traffic *traffic, uint64_t now)
{
    uint64_t size;

    if (traffic->run->options.scenario != LOAD_SLOW || now < traffic->memory_due)
        return;
    traffic->memory_due = now + MEMORY_INTERVAL;
    size = server_memory(traffic->run);
    if (size > traffic->memory_peak)
        traffic->memory_peak = size;
}

/* Starts what is due. True while there is more to do without anybody's help. */
static bool is_working(struct traffic *traffic, uint64_t now, uint64_t *wake)
{
    struct run *run = traffic->run;
    bool working = false;

    if (traffic->asks) {
        working = load_requester_turn(&run->requester, now, wake);
        if (!working)
            run->flow.active = false;
    }
    if (traffic->flows && load_flow_turn(&run->flow, now, wake))
        working = true;
    return working;
}

static bool has_all(const struct traffic *traffic)
{
    const struct load_flow *flow = &traffic->run->flow;

    return !traffic->flows ||
           (load_flow_is_done(flow) && traffic->delivered >= flow->report.expected);
}

/* True when something came since it was asked last. */
static bool has_moved(struct traffic *traffic)
{
    uint64_t delivered = traffic->run->crew.statistics.delivered;
    uint64_t answers = traffic->run->flow.report.answers.total;
    bool moved = delivered != traffic->delivered || answers != traffic->answers;

    traffic->delivered = delivered;
    traffic->answers = answers;
    return moved;
}

static bool traffic_turn(void *context, uint64_t now, uint64_t *wake)
{
    struct traffic *traffic = context;
    bool moved = has_moved(traffic);

    watch_memory(traffic, now);
    if (is_working(traffic, now, wake) || moved) {
        traffic->progress = now;
        return traffic->flows && traffic->run->flow.broken;
    }
    return now - traffic->progress >= (has_all(traffic) ? GRACE : PATIENCE);
}

static void conclude_flow(const struct run *run, struct load_result *result)
{
    const struct load_flow_report *flow = &run->flow.report;
    uint64_t end = result->statistics.last_arrival;

    result->flow = *flow;
    if (!load_flow_is_done(&run->flow))
        result->timed_out = true; /* posts without an answer */
    if (flow->expected > result->counted)
        result->lost = flow->expected - result->counted;
    if (run->flow.plan.audience == 0) {
        result->counted = flow->accepted;
        end = flow->answered;
    }
    if (end > flow->began)
        result->seconds = (double)(end - flow->began) / (double)LOAD_SECOND;
}

/* One measured stretch. plan: of the events, NULL for none. */
static void run_traffic(struct run *run, const char *name, const struct load_flow_plan *plan)
{
    struct load_result *result = &run->report.results[run->report.result_count++];
    struct traffic traffic = {
        .run = run, .flows = plan != NULL, .asks = run->requester.crew != NULL};
    uint64_t began = load_now();
    uint64_t server, own;

    load_crew_reset(&run->crew);
    result->name = name;
    result->memory_before = server_memory(run);
    server = server_cpu(run);
    own = load_process_own_cpu();
    traffic.progress = began;
    if (traffic.flows)
        load_flow_start(&run->flow, plan);
    if (traffic.asks)
        load_requester_start(&run->requester);
    result->timed_out = load_crew_run(&run->crew, traffic_turn, &traffic, run->deadline) < 0;
    result->server_cpu = server_cpu(run) - server;
    result->own_cpu = load_process_own_cpu() - own;
    result->own_share = (double)result->own_cpu * 1000 / (double)(load_now() - began + 1);
    result->memory_peak = traffic.memory_peak;
    result->statistics = run->crew.statistics;
    result->counted = result->statistics.delivered;
    if (traffic.asks)
        result->requests = run->requester.report;
    if (traffic.flows)
        conclude_flow(run, result);
}

static bool is_connected(void *context, uint64_t now, uint64_t *wake)
{
    const struct load_crew *crew = &((struct run *)context)->crew;

    (void)now;
    (void)wake;
    return crew->opened + crew->failed >= crew->stream_count;
}

static bool has_rested(void *context, uint64_t now, uint64_t *wake)
{
    (void)wake;
    return now >= ((struct run *)context)->rest_until;
}

static bool can_publish(void *context, uint64_t now, uint64_t *wake)
{
    const struct load_flow *flow = &((struct run *)context)->flow;

    (void)now;
    (void)wake;
    return load_flow_is_open(flow) || flow->broken;
}

/* Every n-th session, so that each part of the server has its share. */
static void choose_slow(struct run *run)
{
    double share = run->options.slow_percent / 100;

    for (uint32_t i = 0; i < run->options.sessions; i++) {
        bool slow = (uint64_t)((i + 1) * share) > (uint64_t)(i * share);

        run->crew.sessions[i].slow = slow;
        run->report.slow_sessions += slow ? 1 : 0;
    }
}

static void connect_all(struct run *run)
{
    struct load_report *report = &run->report;
    uint64_t began = load_now();
    uint64_t cpu = server_cpu(run);

    report->memory_empty = server_memory(run);
    if (load_crew_run(&run->crew, is_connected, run, run->deadline) < 0)
        report->timed_out = true;
    report->connect_seconds = (double)(load_now() - began) / (double)LOAD_SECOND;
    report->connect_cpu = server_cpu(run) - cpu;
    report->opened = run->crew.opened;
    report->failed = run->crew.failed;
    report->resumed = (uint64_t)SSL_CTX_sess_hits(run->endpoint.tls);
    run->rest_until = load_now() + run->options.settle_ms * CLOCK_NS_PER_MS;
    (void)load_crew_run(&run->crew, has_rested, run, run->deadline);
    report->memory_idle = server_memory(run);
}

/* Whoever runs this program looks at the server meanwhile. */
static void wait_for_line(const struct run *run)
{
    int character;

    if (!run->options.steps)
        return;
    (void)puts("step");
    (void)fflush(stdout);
    do
        character = getchar();
    while (character != '\n' && character != EOF);
}

static int open_publishers(struct run *run)
{
    int rc;

    wait_for_line(run);
    if (load_flow_init(&run->flow, &run->crew) < 0)
        return -EIO;
    rc = load_crew_run(&run->crew, can_publish, run, run->deadline);
    return rc == 0 && run->flow.broken ? -EIO : rc;
}

static struct load_flow_plan flow_plan(const struct run *run, uint64_t messages)
{
    const struct load_options *options = &run->options;
    uint32_t slow = (uint32_t)run->report.slow_sessions * options->streams;
    struct load_flow_plan plan = {.audience = run->crew.stream_count - slow,
                                  .messages = messages,
                                  .seconds = options->duration,
                                  .rate = options->rate};

    if (options->scenario == LOAD_UNICAST) {
        plan.targets = run->crew.stream_count;
        plan.audience = 1;
    } else if (options->scenario == LOAD_STORE) {
        plan.targets = USERS;
        plan.audience = 0;
    }
    return plan;
}

static void measure_events(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, run->options.messages);

    if (run->options.warmup > 0) {
        struct load_flow_plan warmup = flow_plan(run, run->options.warmup);

        warmup.seconds = 0;
        run_traffic(run, "warm-up", &warmup);
    }
    wait_for_line(run);
    run_traffic(run, load_scenario_names[run->options.scenario], &plan);
    wait_for_line(run);
}

static void measure_requests(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, UINT64_MAX);

    plan.seconds = 0;
    if (plan.rate <= 0)
        plan.rate = BUSY_RATE;
    load_requester_init(&run->requester, &run->crew);
    run_traffic(run, "requests, idle", NULL);
    if (run->options.scenario == LOAD_REQUESTS)
        run_traffic(run, "requests, busy", &plan);
}

static void measure_slow(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, run->options.messages);
    struct load_flow_plan before = flow_plan(run, run->options.messages / 4 + 1);

    run_traffic(run, "all read", &before);
    for (uint32_t i = 0; i < run->options.sessions; i++) {
        if (run->crew.sessions[i].slow)
            load_connection_stall(&run->crew.sessions[i].connection);
    }
    run_traffic(run, "some do not", &plan);
}

static int run_scenario(struct run *run)
{
    const enum load_scenario scenario = run->options.scenario;
    int rc;

    if (scenario == LOAD_SLOW)
        choose_slow(run);
    connect_all(run);
    if (scenario == LOAD_IDLE || run->report.opened == 0 || run->report.timed_out)
        return 0;
    rc = open_publishers(run);
    if (rc < 0)
        return rc;
    if (scenario == LOAD_REQUESTS || scenario == LOAD_ASK)
        measure_requests(run);
    else if (scenario == LOAD_SLOW)
        measure_slow(run);
    else
        measure_events(run);
    return 0;
}

/* 0, or a negative errno when it could not be run at all. */
static int run_all(struct run *run)
{
    int rc;

    run->report.options = &run->options;
    run->deadline = load_now() + run->options.timeout_seconds * LOAD_SECOND;
    rc = load_endpoint_init(&run->endpoint, &run->options);
    if (rc < 0)
        return rc;
    rc = load_crew_init(&run->crew, &run->options, &run->endpoint);
    if (rc == 0)
        rc = run_scenario(run);
    run->report.closed = run->crew.closed;
    load_flow_release(&run->flow);
    load_crew_release(&run->crew);
    load_requester_release(&run->requester);
    load_endpoint_release(&run->endpoint);
    return rc;
}

static int print(const struct run *run)
{
    const char *path = run->options.json;
    bool is_stdout = path != NULL && strcmp(path, "-") == 0;
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
    json_t *json = load_report_json(&run->report);
    int rc = 0;

    if (is_stdout)
        rc = json_dumpf(json, stdout, flags) < 0 || putchar('\n') == EOF ? -EIO : 0;
    else
        load_report_print(json, stdout);
    if (path != NULL && !is_stdout && json_dump_file(json, path, flags) < 0) {
        (void)fprintf(stderr, "--json: %s: %s\n", path, strerror(errno));
        rc = -EIO;
    }
    json_decref(json);
    return rc;
}

int main(int argc, char **argv)
{
    struct run *run = mem_zalloc(sizeof(*run));
    int rc = load_options_parse(&run->options, argc, argv);
    int status = rc > 0 ? 0 : 2;

    if (rc == 0) {
        rc = run_all(run);
        if (rc < 0)
            (void)fprintf(stderr, "the scenario could not be run: %s\n", strerror(-rc));
        else if (print(run) == 0)
            status = load_report_is_good(&run->report) ? 0 : 1;
    }
    free(run);
    return status;
}
