/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections: who is connected, page by page. Each worker first looks which of its connections
 * come into question and keeps no more than a page may need; then those of the page are shown.
 */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/details.h"
#include "api/query/paging.h"
#include "api/query/ranking.h"
#include "api/query/slices.h"
#include "api/query/survey.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

struct query_part {
    struct survey_part base;
    struct ranking ranking;
    size_t total;
};

struct query {
    struct survey survey; /* its exchange lends the filters */
    struct slices slices; /* of the origin, when all parts are there */
    struct paging paging;
    const char *name, *client_id, *id; /* NULL or "": any */
    size_t part, entry;                /* how far the parts have been joined to the first */
    struct query_part parts[];
};

static bool is_said(const char *filter)
{
    return filter && filter[0] != '\0';
}

static bool matches(const struct query *query, const struct sse_connection *connection)
{
    if (is_said(query->name) && !strcasestr(connection->user->name, query->name))
        return false;
    if (is_said(query->id) && !sse_connection_id_names(connection, query->id))
        return false;
    return !is_said(query->client_id) ||
           strcmp(sse_connection_info(connection).client_id, query->client_id) == 0;
}

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);

    if (!matches(container_of(part->base.survey, struct query, survey), connection))
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
    ranking_init(&part->ranking, paging_end(&query->paging));
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
        const struct ranking_entry *entry = &ranking->entries[query->entry++];

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

    return connection ? sse_connection_to_json(connection, api->settings->server_id) : NULL;
}

static void query_free(struct query *query)
{
    for (size_t i = 0; i < peers_count(query->survey.exchange->api->peers); i++)
        ranking_release(&query->parts[i].ranking);
    api_exchange_unref(query->survey.exchange);
    free(query);
}

/* A connection that was visited twice stands twice in a row. */
static bool is_repeated(const struct ranking *ranking, size_t index)
{
    return index > 0 && strcmp(ranking->entries[index].id, ranking->entries[index - 1].id) == 0;
}

static void joined(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);
    const struct ranking *ranking = &query->parts[0].ranking;
    struct details_page page = {.paging = query->paging};

    for (size_t i = 0; i < peers_count(query->survey.exchange->api->peers); i++)
        page.total += query->parts[i].total;
    page.names = mem_zalloc((query->paging.size + 1) * sizeof(char *));
    for (size_t i = paging_start(&query->paging); i < ranking->count; i++) {
        if (!is_repeated(ranking, i))
            page.names[page.count++] = mem_strdup(ranking->entries[i].id);
    }
    details_start(query->survey.exchange, &page, show);
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

void api_handle_connections(struct api_exchange *exchange)
{
    const struct api *api = exchange->api;
    struct paging paging;
    struct query *query;

    if (!paging_read(exchange, &paging))
        return;
    query = mem_zalloc(sizeof(*query) + peers_count(api->peers) * sizeof(query->parts[0]));
    query->paging = paging;
    query->name = h2_form_get(&exchange->query, "name");
    query->client_id = h2_form_get(&exchange->query, "clientId");
    query->id = h2_form_get(&exchange->query, "id");
    query->survey.begin = begin;
    query->survey.visit = visit;
    query->survey.done = surveyed;
    survey_start(&query->survey, exchange);
}
