/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/survey.h"

#include <stdint.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "base/mem.h"
#include "sse/presence.h"

/* From the end to the start, as sse/presence.h asks. */
static bool away_step(struct slices *slices)
{
    struct survey_part *part = container_of(slices, struct survey_part, slices);
    const size_t count = sse_presence_online(part->presence);
    const struct sse_user *user;

    if (part->position > count)
        part->position = count;
    if (part->position == 0)
        return false;
    user = sse_presence_away(part->presence, --part->position);
    if (user)
        part->survey->ops->visit_away(part, user);
    return part->position > 0;
}

static void away_done(struct slices *slices)
{
    peers_call_done(&container_of(slices, struct survey_part, slices)->survey->call);
}

static void scanned(struct scan *scan)
{
    struct survey_part *part = container_of(scan, struct survey_part, scan);

    if (!part->survey->ops->visit_away) {
        peers_call_done(&part->survey->call);
        return;
    }
    part->position = SIZE_MAX;
    part->slices.step = away_step;
    part->slices.done = away_done;
    slices_start(part->loop, &part->slices);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct survey *survey = container_of(call, struct survey, call);
    const struct api *api = context;
    const struct sse_service *core = api->services[survey->exchange->service->index].core;
    struct survey_part *part = survey->ops->begin(survey, worker, core);

    part->survey = survey;
    part->presence = api->services[survey->exchange->service->index].online.presence;
    part->loop = api->loop;
    part->scan.core = core;
    part->scan.key = survey->key;
    part->scan.kind = survey->kind;
    part->scan.visit = survey->ops->visit;
    part->scan.done = scanned;
    scan_start(api->loop, &part->scan);
}

static void finish(struct peers_call *call, void *context)
{
    struct survey *survey = container_of(call, struct survey, call);

    (void)context;
    survey->ops->done(survey);
}

void *survey_new(size_t size, size_t part_size, const struct survey_ops *ops,
                 const struct api_exchange *exchange)
{
    struct survey *survey = mem_zalloc(size + peers_count(exchange->api->peers) * part_size);

    survey->ops = ops;
    return survey;
}

void survey_free(struct survey *survey)
{
    connection_filter_release(&survey->filter);
    api_exchange_unref(survey->exchange);
    free(survey);
}

void survey_start(struct survey *survey, struct api_exchange *exchange)
{
    const struct api *api = exchange->api;

    survey->exchange = api_exchange_ref(exchange);
    survey->key = connection_filter_group(&survey->filter, &survey->kind);
    survey->call.run = run;
    survey->call.finish = finish;
    peers_call_start(api->peers, api->worker, &survey->call);
}
