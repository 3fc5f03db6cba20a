/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/survey.h"

#include "api/exchange.h"

static void scanned(struct scan *scan)
{
    struct survey_part *part = container_of(scan, struct survey_part, scan);

    peers_call_done(&part->survey->call);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct survey *survey = container_of(call, struct survey, call);
    const struct api *api = context;
    const struct sse_service *core = api->services[survey->exchange->service->index].core;
    struct survey_part *part = survey->begin(survey, worker, core);

    part->survey = survey;
    part->scan.core = core;
    part->scan.key = survey->key;
    part->scan.kind = survey->kind;
    part->scan.visit = survey->visit;
    part->scan.done = scanned;
    scan_start(api->loop, &part->scan);
}

static void finish(struct peers_call *call, void *context)
{
    struct survey *survey = container_of(call, struct survey, call);

    (void)context;
    survey->done(survey);
}

void survey_start(struct survey *survey, struct api_exchange *exchange)
{
    const struct api *api = exchange->api;

    survey->exchange = api_exchange_ref(exchange);
    survey->call.run = run;
    survey->call.finish = finish;
    peers_call_start(api->peers, api->worker, &survey->call);
}
