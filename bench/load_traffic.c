/* SPDX-License-Identifier: Apache-2.0 */
#include "load_traffic.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "load_clock.h"
#include "load_crew.h"
#include "load_options.h"
#include "load_process.h"

/* When all has come: how long to look whether something comes twice. */
#define GRACE           (100 * LOAD_MILLISECOND)
#define MEMORY_INTERVAL (250 * LOAD_MILLISECOND)

struct traffic {
    struct load_phase phase;
    struct load_crew *crew;
    const struct load_traffic_plan *plan;
    uint64_t delivered;
    uint64_t answers;  /* to POSTs */
    uint64_t progress; /* when one of these grew, or something was still to do */
    uint64_t memory_due;
    uint64_t memory_peak;
};

static void watch_memory(struct traffic *traffic, uint64_t now)
{
    const struct load_options *options = traffic->crew->options;
    uint64_t size;

    if (!traffic->plan->watch_memory || now < traffic->memory_due)
        return;
    traffic->memory_due = now + MEMORY_INTERVAL;
    size = load_process_pss(options->pids, options->pid_count);
    if (size > traffic->memory_peak)
        traffic->memory_peak = size;
}

/* Starts what is due. True while there is more to do without anybody's help. */
static bool is_working(struct traffic *traffic, uint64_t now, uint64_t *wake)
{
    const struct load_traffic_plan *plan = traffic->plan;
    bool working = false;

    if (plan->requester != NULL) {
        load_requester_turn(plan->requester, now, wake);
        working = !load_requester_is_done(plan->requester);
        if (!working && plan->flow != NULL)
            load_flow_stop(plan->flow);
    }
    if (plan->flow != NULL) {
        load_flow_turn(plan->flow, now, wake);
        working = working || !(load_flow_is_done(plan->flow) || load_flow_is_stuck(plan->flow));
    }
    return working;
}

static bool has_all(const struct traffic *traffic)
{
    const struct load_flow *flow = traffic->plan->flow;

    return flow == NULL ||
           (load_flow_is_done(flow) && traffic->delivered >= load_flow_report(flow)->expected);
}

/* True when something came since it was asked last. */
static bool has_moved(struct traffic *traffic)
{
    const struct load_flow *flow = traffic->plan->flow;
    uint64_t delivered = load_crew_delivered(traffic->crew);
    uint64_t answers = flow != NULL ? load_flow_report(flow)->answers.total : 0;
    bool moved = delivered != traffic->delivered || answers != traffic->answers;

    traffic->delivered = delivered;
    traffic->answers = answers;
    return moved;
}

static bool traffic_turn(struct load_phase *phase, uint64_t now, uint64_t *wake)
{
    struct traffic *traffic = container_of(phase, struct traffic, phase);
    const struct load_traffic_plan *plan = traffic->plan;
    bool moved = has_moved(traffic);
    uint64_t patience = traffic->crew->options->linger_ms * LOAD_MILLISECOND;

    watch_memory(traffic, now);
    if (is_working(traffic, now, wake) || moved) {
        traffic->progress = now;
        return plan->flow != NULL && load_flow_is_broken(plan->flow);
    }
    return now - traffic->progress >= (has_all(traffic) ? GRACE : patience);
}

static void conclude(struct traffic *traffic, struct load_result *result)
{
    const struct load_traffic_plan *plan = traffic->plan;
    struct load_crew *crew = traffic->crew;
    uint64_t end;

    load_crew_collect(crew, &result->statistics);
    result->delivered = load_crew_delivered(crew);
    result->counted = result->delivered;
    result->memory_peak = traffic->memory_peak;
    if (plan->requester != NULL)
        result->requests = *load_requester_report(plan->requester);
    if (plan->flow == NULL)
        return;
    result->flow = *load_flow_report(plan->flow);
    if (!load_flow_is_done(plan->flow))
        result->rc = -ETIMEDOUT; /* posts without an answer */
    if (result->flow.expected > result->delivered)
        result->lost = result->flow.expected - result->delivered;
    end = result->statistics.last_arrival;
    if (plan->flow_plan.audience == 0) {
        result->counted = result->flow.accepted;
        end = result->flow.answered;
    }
    if (end > result->flow.began)
        result->seconds = (double)(end - result->flow.began) / (double)LOAD_SECOND;
}

void load_traffic_run(struct load_crew *crew, const struct load_traffic_plan *plan,
                      struct load_result *result)
{
    const struct load_options *options = crew->options;
    struct traffic traffic = {
        .phase.turn = traffic_turn, .crew = crew, .plan = plan, .progress = load_now()};
    uint64_t began = traffic.progress;
    uint64_t server, own;

    memset(result, 0, sizeof(*result));
    result->name = plan->name;
    load_crew_reset(crew);
    result->memory_before = load_process_pss(options->pids, options->pid_count);
    server = load_process_cpu(options->pids, options->pid_count);
    own = load_process_own_cpu();
    if (plan->flow != NULL)
        load_flow_start(plan->flow, &plan->flow_plan);
    if (plan->requester != NULL)
        load_requester_start(plan->requester);
    result->rc = load_crew_run(crew, &traffic.phase, plan->deadline);
    result->server_cpu = load_process_cpu(options->pids, options->pid_count) - server;
    result->own_cpu = load_process_own_cpu() - own;
    result->own_share = (double)result->own_cpu * 1000 / (double)(load_now() - began + 1);
    conclude(&traffic, result);
}

static double per(uint64_t amount, uint64_t count)
{
    return count > 0 ? (double)amount / (double)count : 0;
}

double load_result_rate(const struct load_result *result)
{
    return result->seconds > 0 ? (double)result->counted / result->seconds : 0;
}

double load_result_server_cpu(const struct load_result *result)
{
    return per(result->server_cpu, result->counted);
}

double load_result_own_cpu(const struct load_result *result)
{
    return per(result->own_cpu, result->counted);
}

double load_result_per_read(const struct load_result *result)
{
    return per(result->delivered, result->statistics.reads);
}
