/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections and connections.json: who is connected, page by page. Each worker first looks which
 * of its connections come into question and keeps no more than a page may need; then those of the
 * page are shown.
 */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/details.h"
#include "api/query/ranking.h"
#include "api/query/slices.h"
#include "api/query/survey.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/java_json.h"
#include "sse/service.h"
#include "sse/user.h"

struct query_part {
    struct survey_part base;
    struct ranking ranking;
    size_t total;
};

struct query {
    struct survey survey;
    struct slices slices; /* of the origin, when all parts are there */
    json_t *(*show)(const struct api *api, const struct sse_service *core, const char *id);
    size_t part, entry; /* how far the parts have been joined to the first */
    struct query_part parts[];
};

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);

    if (!connection_filter_passes(&part->base.survey->filter, connection))
        return;
    part->total++;
    ranking_offer(&part->ranking, connection->user->name, connection->create_time,
                  connection->handle);
}

static struct survey_part *begin(struct survey *survey, size_t worker,
                                 const struct sse_service *core)
{
    struct query *query = container_of(survey, struct query, survey);
    struct query_part *part = &query->parts[worker];

    (void)core;
    ranking_init(&part->ranking, paging_end(&query->survey.paging));
    return &part->base;
}

static bool join_step(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);
    const struct ranking *ranking;

    if (query->part == peers_count(query->survey.exchange->api->peers))
        return ranking_sort_step(&query->parts[0].ranking);
    ranking = &query->parts[query->part].ranking;
    if (query->entry < ranking->count) {
        const struct ranking_entry *entry = ranking_at(ranking, query->entry++);

        ranking_offer(&query->parts[0].ranking, entry->name, entry->time, entry->id);
    } else {
        query->part++;
        query->entry = 0;
    }
    return true;
}

static json_t *show(const struct api *api, const struct sse_service *core, const char *id)
{
    const struct sse_connection *connection = sse_registry_find(core->registry, id);

    return connection ? sse_connection_to_json(connection, api->server_id) : NULL;
}

static json_t *show_java(const struct api *api, const struct sse_service *core, const char *id)
{
    const struct sse_connection *connection = sse_registry_find(core->registry, id);

    return connection
               ? sse_java_connection(connection, api->server_id, core->settings->show_secrets)
               : NULL;
}

/* To a page. */
static json_t *show_masked(const struct api *api, const struct sse_service *core, const char *id)
{
    const struct sse_connection *connection = sse_registry_find(core->registry, id);

    return connection ? sse_java_connection(connection, api->server_id, false) : NULL;
}

static void query_free(struct query *query)
{
    for (size_t i = 0; i < peers_count(query->survey.exchange->api->peers); i++)
        ranking_release(&query->parts[i].ranking);
    survey_free(&query->survey);
}

/* A connection that was visited twice stands twice in a row. */
static bool is_repeated(const struct ranking *ranking, size_t index)
{
    return index > 0 &&
           strcmp(ranking_at(ranking, index)->id, ranking_at(ranking, index - 1)->id) == 0;
}

static void joined(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);
    const struct ranking *ranking = &query->parts[0].ranking;
    struct details_page page = {.paging = query->survey.paging};

    for (size_t i = 0; i < peers_count(query->survey.exchange->api->peers); i++)
        page.total += query->parts[i].total;
    page.names = mem_zalloc((query->survey.paging.size + 1) * sizeof(char *));
    for (size_t i = paging_start(&query->survey.paging); i < ranking->count; i++) {
        if (!is_repeated(ranking, i))
            page.names[page.count++] = mem_strdup(ranking_at(ranking, i)->id);
    }
    details_start(query->survey.exchange, &page, query->show);
    query_free(query);
}

static void surveyed(struct survey *survey)
{
    struct query *query = container_of(survey, struct query, survey);

    query->part = 1;
    query->slices.step = join_step;
    query->slices.done = joined;
    slices_start(survey->exchange->api->loop, &query->slices);
}

static const struct survey_ops ops = {.begin = begin, .visit = visit, .done = surveyed};

/* Takes over the filter. */
static void start(struct api_exchange *exchange, const struct paging *paging,
                  const struct connection_filter *filter,
                  json_t *(*show_one)(const struct api *api, const struct sse_service *core,
                                      const char *id))
{
    struct query *query = survey_new(sizeof(*query), sizeof(query->parts[0]), &ops, exchange);

    query->survey.paging = *paging;
    query->survey.filter = *filter;
    query->show = show_one;
    survey_start(&query->survey, exchange);
}

void api_handle_connections(struct api_exchange *exchange)
{
    struct connection_filter filter;
    struct paging paging;

    if (paging_read(exchange, &paging) && connection_filter_init(&filter, exchange, false))
        start(exchange, &paging, &filter, show);
}

void api_handle_java_connections(struct api_exchange *exchange)
{
    struct connection_filter filter;
    struct paging paging;

    if (!paging_read_java(exchange, &paging))
        return;
    connection_filter_init_java(&filter, exchange, false);
    start(exchange, &paging, &filter, exchange->user ? show_masked : show_java);
}
