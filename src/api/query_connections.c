/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections: who is connected, page by page. Each worker first looks which of its connections
 * come into question and keeps no more than a page may need; then those of the page are shown.
 */
#include <stdlib.h>
#include <string.h>

#include "api/details.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/ranking.h"
#include "api/scan.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

struct query;

struct query_part {
    struct scan scan;
    struct query *query;
    struct ranking ranking;
    size_t total;
};

struct query {
    struct peers_call call;
    struct slices slices;          /* of the origin, when all parts are there */
    struct api_exchange *exchange; /* a reference; it lends the filters */
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
    if (is_said(query->id) && strcmp(connection->id, query->id) != 0)
        return false;
    return !is_said(query->client_id) ||
           strcmp(sse_connection_info(connection).client_id, query->client_id) == 0;
}

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, scan);

    if (!matches(part->query, connection))
        return;
    part->total++;
    ranking_offer(&part->ranking, connection->user->name, connection->create_time, connection->id);
}

static void scanned(struct scan *scan)
{
    struct query_part *part = container_of(scan, struct query_part, scan);

    peers_call_done(&part->query->call);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct query *query = container_of(call, struct query, call);
    struct query_part *part = &query->parts[worker];
    const struct api *api = context;

    part->query = query;
    ranking_init(&part->ranking, paging_end(&query->paging));
    part->scan.core = api->services[query->exchange->service->index].core;
    part->scan.visit = visit;
    part->scan.done = scanned;
    scan_start(api->loop, &part->scan);
}

static bool join_step(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);
    const struct ranking *ranking;

    if (query->part == peers_count(query->exchange->api->peers))
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
    for (size_t i = 0; i < peers_count(query->exchange->api->peers); i++)
        ranking_release(&query->parts[i].ranking);
    api_exchange_unref(query->exchange);
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

    for (size_t i = 0; i < peers_count(query->exchange->api->peers); i++)
        page.total += query->parts[i].total;
    page.names = mem_zalloc((query->paging.size + 1) * sizeof(char *));
    for (size_t i = paging_start(&query->paging); i < ranking->count; i++) {
        if (!is_repeated(ranking, i))
            page.names[page.count++] = mem_strdup(ranking->entries[i].id);
    }
    details_start(query->exchange, &page, show);
    query_free(query);
}

static void finish(struct peers_call *call, void *context)
{
    struct query *query = container_of(call, struct query, call);
    const struct api *api = context;

    query->part = 1;
    query->slices.step = join_step;
    query->slices.done = joined;
    slices_start(api->loop, &query->slices);
}

void api_handle_connections(struct api_exchange *exchange)
{
    const struct api *api = exchange->api;
    struct paging paging;
    struct query *query;

    if (!paging_read(exchange, &paging))
        return;
    query = mem_zalloc(sizeof(*query) + peers_count(api->peers) * sizeof(query->parts[0]));
    query->exchange = api_exchange_ref(exchange);
    query->paging = paging;
    query->name = h2_form_get(&exchange->query, "name");
    query->client_id = h2_form_get(&exchange->query, "clientId");
    query->id = h2_form_get(&exchange->query, "id");
    query->call.run = run;
    query->call.finish = finish;
    peers_call_start(api->peers, api->worker, &query->call);
}
