/* SPDX-License-Identifier: Apache-2.0 */
/* users, and the lists of different user ids, tenants, channels and access tokens. */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/query/details.h"
#include "api/query/key_set.h"
#include "api/query/paging.h"
#include "api/query/ranking.h"
#include "api/query/slices.h"
#include "api/query/survey.h"
#include "api/reply.h"
#include "api/shown_token.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/service.h"
#include "sse/user.h"

struct query_part {
    struct survey_part base;
    struct key_set keys;
};

struct query {
    struct survey survey; /* its exchange lends the filters */
    struct paging paging;
    enum sse_group_kind kind;
    bool shows_users;                         /* instead of their ids */
    const char *name, *listening, *tenant_id; /* NULL or "": any */
    struct key_union join;                    /* of the origin, when all parts are there */
    struct slices slices;                     /* and then this */
    struct key_cursor cursor;
    bool is_ranked;
    struct ranking ranking;
    struct key_set **sets;
    struct query_part parts[];
};

static bool is_said(const char *filter)
{
    return filter && filter[0] != '\0';
}

static void add_keys(struct key_set *keys, const struct sse_connection *connection,
                     enum sse_group_kind kind)
{
    switch (kind) {
    case SSE_GROUP_USER:
        key_set_add(keys, connection->user->id);
        break;
    case SSE_GROUP_TOKEN:
        key_set_add(keys, connection->user->access_token);
        break;
    case SSE_GROUP_TENANT:
        key_set_add(keys, connection->user->tenant_id);
        break;
    default:
        key_set_add_channels(keys, connection);
    }
}

static bool is_meant(const struct query *query, const struct sse_user *user)
{
    if (is_said(query->tenant_id) && strcmp(user->tenant_id, query->tenant_id) != 0)
        return false;
    return !is_said(query->name) || strcasestr(user->name, query->name);
}

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);
    const struct query *query = container_of(part->base.survey, struct query, survey);

    if (is_meant(query, connection->user))
        add_keys(&part->keys, connection, query->kind);
}

static void visit_away(struct survey_part *base, const struct sse_user *user)
{
    struct query_part *part = container_of(base, struct query_part, base);

    if (is_meant(container_of(base->survey, struct query, survey), user))
        key_set_add(&part->keys, user->id);
}

static struct survey_part *begin(struct survey *survey, size_t worker,
                                 const struct sse_service *core)
{
    struct query_part *part = &container_of(survey, struct query, survey)->parts[worker];

    (void)core;
    key_set_init(&part->keys);
    return &part->base;
}

static void released(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    ranking_release(&query->ranking);
    api_exchange_unref(query->survey.exchange);
    free(query->sets);
    free(query);
}

static const struct api_service *service_of(const struct api *api, const struct sse_service *core)
{
    size_t index = 0;

    while (api->services[index].core != core)
        index++;
    return &api->services[index];
}

static json_t *show_user(const struct api *api, const struct sse_service *core, const char *id)
{
    const struct sse_group *group = sse_registry_group(core->registry, SSE_GROUP_USER, id);
    const struct sse_presence *presence = service_of(api, core)->online.presence;
    const struct sse_user *user =
        group ? group->members[0]->user : sse_presence_find_away(presence, id);
    json_t *shown;

    if (!user)
        return NULL;
    shown = core->settings->show_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user);
    if (!group)
        json_object_set_new(shown, "grace", json_true());
    return shown;
}

static void answer_users(const struct query *query)
{
    const struct ranking *ranking = &query->ranking;
    struct details_page page = {.paging = query->paging,
                                .total = key_set_count(&query->parts[0].keys)};

    page.names = mem_zalloc((query->paging.size + 1) * sizeof(char *));
    for (size_t i = paging_start(&query->paging); i < ranking->count; i++)
        page.names[page.count++] = mem_strdup(ranking->entries[i].name);
    details_start(query->survey.exchange, &page, show_user);
}

static void answer_keys(const struct query *query)
{
    const struct ranking *ranking = &query->ranking;
    const bool is_whole = shown_token_is_whole(query->survey.exchange);
    size_t start = paging_start(&query->paging);
    struct buf text = BUF_INIT;

    api_reply_begin(query->survey.exchange, &text);
    paging_open(&text, &query->paging, key_set_count(&query->parts[0].keys));
    for (size_t i = start; i < ranking->count; i++) {
        if (i > start)
            buf_append_char(&text, ',');
        if (query->kind == SSE_GROUP_TOKEN)
            shown_token_append(&text, ranking->entries[i].name, is_whole);
        else
            json_text_string(&text, ranking->entries[i].name);
    }
    paging_close(&text, false);
    api_reply_end(query->survey.exchange, &text);
}

static bool rank_step(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);
    const char *key;

    if (query->is_ranked)
        return ranking_sort_step(&query->ranking);
    key = key_set_next(&query->parts[0].keys, &query->cursor);
    if (key)
        ranking_offer(&query->ranking, key, 0, "");
    else
        query->is_ranked = true;
    return true;
}

static void ranked(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);

    if (query->shows_users)
        answer_users(query);
    else
        answer_keys(query);
    query->join.done = released;
    key_union_release(query->survey.exchange->api->loop, &query->join);
}

static void joined(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    ranking_init(&query->ranking, paging_end(&query->paging));
    query->slices.step = rank_step;
    query->slices.done = ranked;
    slices_start(query->survey.exchange->api->loop, &query->slices);
}

static void surveyed(struct survey *survey)
{
    struct query *query = container_of(survey, struct query, survey);
    size_t workers = peers_count(survey->call.peers);

    query->sets = mem_zalloc(workers * sizeof(struct key_set *));
    for (size_t i = 0; i < workers; i++)
        query->sets[i] = &query->parts[i].keys;
    query->join.done = joined;
    key_union_start(survey->exchange->api->loop, &query->join, query->sets, workers);
}

/* The smallest group that has all who come into question. */
static void choose_group(struct query *query)
{
    if (is_said(query->listening)) {
        query->survey.kind = SSE_GROUP_LISTENER;
        query->survey.key = query->listening;
    } else if (is_said(query->tenant_id)) {
        query->survey.kind = SSE_GROUP_TENANT;
        query->survey.key = query->tenant_id;
    }
}

static void start(struct api_exchange *exchange, enum sse_group_kind kind, bool shows_users)
{
    const struct api *api = exchange->api;
    struct paging paging;
    struct query *query;

    if (!paging_read(exchange, &paging))
        return;
    query = mem_zalloc(sizeof(*query) + peers_count(api->peers) * sizeof(query->parts[0]));
    query->paging = paging;
    query->kind = kind;
    query->shows_users = shows_users;
    query->name = shows_users ? h2_form_get(&exchange->query, "name") : NULL;
    query->listening = h2_form_get(&exchange->query, "listening");
    query->tenant_id = h2_form_get(&exchange->query, "tenantId");
    choose_group(query);
    query->survey.begin = begin;
    query->survey.visit = visit;
    /* Who is away listens to nothing. */
    if (kind == SSE_GROUP_USER && !is_said(query->listening))
        query->survey.visit_away = visit_away;
    query->survey.done = surveyed;
    survey_start(&query->survey, exchange);
}

void api_handle_users(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_USER, true);
}

void api_handle_user_ids(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_USER, false);
}

void api_handle_tenant_ids(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_TENANT, false);
}

void api_handle_channels(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_CHANNEL, false);
}

void api_handle_access_tokens(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_TOKEN, false);
}
