/* SPDX-License-Identifier: Apache-2.0 */
#include "load_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "load_address.h"
#include "load_clock.h"
#include "load_crew.h"
#include "load_options.h"
#include "load_process.h"

#define BUSY_RATE 20000 /* events per second, when requests are measured and no rate is given */

struct run {
    const struct load_options *options;
    struct load_report *report;
    struct load_endpoint endpoint;
    struct load_tls tls;
    struct load_crew crew;
    struct load_flow *flow;
    struct load_requester *requester;
    uint64_t deadline;
};

struct waiting {
    struct load_phase phase;
    struct run *run;
    uint64_t until;
};

static bool connect_turn(struct load_phase *phase, uint64_t now, uint64_t *wake)
{
    struct load_crew *crew = &container_of(phase, struct waiting, phase)->run->crew;

    (void)now;
    (void)wake;
    return load_crew_opened(crew) + load_crew_failed(crew) >= crew->stream_count;
}

static bool rest_turn(struct load_phase *phase, uint64_t now, uint64_t *wake)
{
    (void)wake;
    return now >= container_of(phase, struct waiting, phase)->until;
}

static bool publishers_turn(struct load_phase *phase, uint64_t now, uint64_t *wake)
{
    struct run *run = container_of(phase, struct waiting, phase)->run;

    (void)now;
    (void)wake;
    return load_flow_is_open(run->flow) || load_flow_is_broken(run->flow);
}

static void rest(struct run *run, uint32_t milliseconds)
{
    struct waiting waiting = {
        .phase.turn = rest_turn, .run = run, .until = load_now() + milliseconds * LOAD_MILLISECOND};

    (void)load_crew_run(&run->crew, &waiting.phase, run->deadline);
}

/* Every n-th session, so that each thread and each part of the server has its share. */
static void choose_slow(struct run *run)
{
    const struct load_options *options = run->options;
    double share = options->slow_percent / 100;

    for (uint32_t i = 0; i < options->sessions; i++) {
        bool slow = (uint64_t)((i + 1) * share) > (uint64_t)(i * share);

        run->crew.sessions[i].slow = slow;
        run->report->slow_sessions += slow ? 1 : 0;
    }
}

static void connect_all(struct run *run)
{
    const struct load_options *options = run->options;
    struct load_report *report = run->report;
    struct waiting waiting = {.phase.turn = connect_turn, .run = run};
    uint64_t began = load_now();
    uint64_t cpu = load_process_cpu(options->pids, options->pid_count);

    report->memory_empty = load_process_pss(options->pids, options->pid_count);
    if (load_crew_run(&run->crew, &waiting.phase, run->deadline) < 0)
        report->timed_out = true;
    report->connect_seconds = (double)(load_now() - began) / (double)LOAD_SECOND;
    report->connect_cpu = load_process_cpu(options->pids, options->pid_count) - cpu;
    report->opened = load_crew_opened(&run->crew);
    report->failed = load_crew_failed(&run->crew);
    report->resumed = load_tls_resumed(&run->tls);
    rest(run, options->settle_ms);
    report->memory_idle = load_process_pss(options->pids, options->pid_count);
}

/* Whoever runs this program looks at the server meanwhile. */
static void wait_for_line(const struct load_options *options)
{
    int character;

    if (!options->steps)
        return;
    (void)puts("step");
    (void)fflush(stdout);
    do
        character = getchar();
    while (character != '\n' && character != EOF);
}

static int open_publishers(struct run *run)
{
    struct waiting waiting = {.phase.turn = publishers_turn, .run = run};
    int rc;

    wait_for_line(run->options);
    run->flow = load_flow_new(&run->crew);
    if (run->flow == NULL)
        return -EIO;
    rc = load_crew_run(&run->crew, &waiting.phase, run->deadline);
    if (rc == 0 && load_flow_is_broken(run->flow))
        rc = -EIO;
    return rc;
}

static struct load_flow_plan flow_plan(const struct run *run, uint64_t messages)
{
    const struct load_options *options = run->options;
    uint32_t slow = (uint32_t)run->report->slow_sessions * options->streams;
    struct load_flow_plan plan = {.audience = run->crew.stream_count - slow,
                                  .messages = messages,
                                  .seconds = options->duration,
                                  .rate = options->rate};

    if (options->scenario == LOAD_UNICAST) {
        plan.targets = run->crew.stream_count;
        plan.audience = 1;
    } else if (options->scenario == LOAD_STORE) {
        plan.targets = options->users;
        plan.audience = 0;
    }
    return plan;
}

static void traffic(struct run *run, const char *name, const struct load_flow_plan *plan)
{
    struct load_traffic_plan traffic_plan = {.name = name,
                                             .flow = plan != NULL ? run->flow : NULL,
                                             .requester = run->requester,
                                             .watch_memory = run->options->scenario == LOAD_SLOW,
                                             .deadline = run->deadline};

    if (plan != NULL)
        traffic_plan.flow_plan = *plan;
    load_traffic_run(&run->crew, &traffic_plan, &run->report->results[run->report->result_count++]);
}

static void measure_events(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, run->options->messages);

    if (run->options->warmup > 0) {
        struct load_flow_plan warmup = flow_plan(run, run->options->warmup);

        warmup.seconds = 0;
        traffic(run, "warm-up", &warmup);
    }
    wait_for_line(run->options);
    traffic(run, load_scenario_name(run->options->scenario), &plan);
    wait_for_line(run->options);
}

static void measure_requests(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, UINT64_MAX);

    plan.seconds = 0;
    if (plan.rate <= 0)
        plan.rate = BUSY_RATE;
    run->requester = load_requester_new(&run->crew);
    traffic(run, "requests, idle", NULL);
    if (run->options->scenario == LOAD_REQUESTS)
        traffic(run, "requests, busy", &plan);
}

static void stall(struct run *run, bool stalled)
{
    for (uint32_t i = 0; i < run->options->sessions; i++) {
        if (run->crew.sessions[i].slow)
            load_connection_stall(&run->crew.sessions[i].connection, stalled);
    }
}

static void measure_slow(struct run *run)
{
    struct load_flow_plan plan = flow_plan(run, run->options->messages);
    struct load_flow_plan before = flow_plan(run, run->options->messages / 4 + 1);
    struct load_statistics late;

    traffic(run, "all read", &before);
    stall(run, true);
    traffic(run, "some do not", &plan);
    stall(run, false);
    load_crew_reset(&run->crew);
    rest(run, 2000);
    load_crew_collect(&run->crew, &late);
    run->report->slow_events = late.stalled;
    run->report->slow_closed = load_crew_slow_closed(&run->crew);
}

static void measure(struct run *run)
{
    switch (run->options->scenario) {
    case LOAD_FANOUT:
    case LOAD_UNICAST:
    case LOAD_STORE:
        measure_events(run);
        break;
    case LOAD_REQUESTS:
    case LOAD_ASK:
        measure_requests(run);
        break;
    case LOAD_SLOW:
        measure_slow(run);
        break;
    case LOAD_IDLE:
    case LOAD_SCENARIOS:
        break;
    }
}

int load_run(const struct load_options *options, struct load_report *report)
{
    struct run run = {.options = options, .report = report};
    int rc;

    memset(report, 0, sizeof(*report));
    report->options = options;
    run.deadline = load_now() + options->timeout_seconds * LOAD_SECOND;
    rc = load_address_resolve(options->address, &run.endpoint);
    if (rc < 0)
        return rc;
    run.endpoint.reset = options->reset;
    rc = load_tls_init(&run.tls, options->resume);
    if (rc < 0)
        return rc;
    run.endpoint.tls = &run.tls;
    rc = load_crew_init(&run.crew, options, &run.endpoint);
    if (rc == 0) {
        if (options->scenario == LOAD_SLOW)
            choose_slow(&run);
        connect_all(&run);
        if (options->scenario != LOAD_IDLE && report->opened > 0 && !report->timed_out)
            rc = open_publishers(&run);
        if (rc == 0 && run.flow != NULL)
            measure(&run);
        report->closed = load_crew_closed(&run.crew);
    }
    load_flow_free(run.flow);
    load_crew_release(&run.crew);
    load_requester_free(run.requester);
    load_tls_release(&run.tls);
    return rc;
}

double load_report_connect_cpu(const struct load_report *report)
{
    return (double)report->connect_cpu / report->options->sessions;
}

double load_report_memory(const struct load_report *report)
{
    return ((double)report->memory_idle - (double)report->memory_empty) / report->options->sessions;
}

static bool is_result_good(const struct load_result *result, bool may_lose)
{
    const struct load_statistics *statistics = &result->statistics;

    if (result->rc < 0 || result->flow.refused > 0 || result->requests.failed > 0)
        return false;
    if (result->lost > 0 && !may_lose)
        return false;
    return statistics->duplicated == 0 && statistics->disordered == 0 && statistics->damaged == 0 &&
           statistics->stray == 0;
}

bool load_report_is_good(const struct load_report *report)
{
    bool may_lose = report->options->expect_slow;

    if (report->timed_out || report->failed > 0 || (report->closed > 0 && !may_lose))
        return false;
    for (uint32_t i = 0; i < report->result_count; i++) {
        if (!is_result_good(&report->results[i], may_lose))
            return false;
    }
    return true;
}
