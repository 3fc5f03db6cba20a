/* SPDX-License-Identifier: Apache-2.0 */
/* users and users.json, and the lists of different user ids, tenants, channels and access tokens.
 */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/query/details.h"
#include "api/query/key_set.h"
#include "api/query/ranking.h"
#include "api/query/slices.h"
#include "api/query/survey.h"
#include "api/reply.h"
#include "api/shown_token.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/java_json.h"
#include "sse/presence.h"
#include "sse/service.h"
#include "sse/user.h"
#include "sse/user_key.h"

struct query_part {
    struct survey_part base;
    struct key_set keys;
};

struct query {
    struct survey survey;
    enum sse_group_kind kind;
    /* A user, instead of the id; NULL: keys are shown. */
    json_t *(*show)(const struct api *api, const struct sse_service *core, const char *key);
    struct key_union join; /* of the origin, when all parts are there */
    struct slices slices;  /* and then this */
    struct key_cursor cursor;
    bool is_ranked;
    struct ranking ranking;
    struct key_set **sets;
    struct query_part parts[];
};

static void add_keys(struct key_set *keys, const struct sse_connection *connection,
                     enum sse_group_kind kind)
{
    switch (kind) {
    case SSE_GROUP_USER:
        key_set_add(keys, connection->user->key);
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

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);
    const struct query *query = container_of(part->base.survey, struct query, survey);

    if (connection_filter_passes(&query->survey.filter, connection))
        add_keys(&part->keys, connection, query->kind);
}

static void visit_away(struct survey_part *base, const struct sse_user *user)
{
    struct query_part *part = container_of(base, struct query_part, base);

    if (connection_filter_passes_away(&base->survey->filter, user))
        key_set_add(&part->keys, user->key);
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
    free(query->sets);
    survey_free(&query->survey);
}

static const struct api_service *service_of(const struct api *api, const struct sse_service *core)
{
    size_t index = 0;

    while (api->services[index].core != core)
        index++;
    return &api->services[index];
}

static const struct sse_user *user_here(const struct sse_service *core, const char *key)
{
    const struct sse_group *group = sse_registry_group(core->registry, SSE_GROUP_USER, key);

    for (size_t i = 0; group && i < group->count; i++) {
        if (sse_user_is(group->members[i]->user, key))
            return group->members[i]->user;
    }
    return NULL;
}

static json_t *show_user(const struct api *api, const struct sse_service *core, const char *key)
{
    const struct sse_presence *presence = service_of(api, core)->online.presence;
    const struct sse_user *here = user_here(core, key);
    const struct sse_user *user = here ? here : sse_presence_find_away(presence, key);
    json_t *shown;

    if (!user)
        return NULL;
    shown = core->settings->show_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user);
    if (!here)
        json_object_set_new(shown, "grace", json_true());
    return shown;
}

static json_t *show_java(const struct api *api, const struct sse_service *core, const char *key)
{
    const struct sse_user *user = user_here(core, key);

    (void)api;
    return user ? sse_java_user(user, core->settings->show_secrets) : NULL;
}

/* To a page. */
static json_t *show_masked(const struct api *api, const struct sse_service *core, const char *key)
{
    const struct sse_user *user = user_here(core, key);

    (void)api;
    return user ? sse_java_user(user, false) : NULL;
}

/* Who was asked for in one tenant is shown as that tenant knows them. */
static char *name_of(const struct query *query, const char *key)
{
    const char *tenant_id = query->survey.filter.tenant_id;

    return tenant_id && *tenant_id != '\0' ? sse_user_key_new(tenant_id, sse_user_key_id(key))
                                           : mem_strdup(key);
}

static void answer_users(const struct query *query)
{
    const struct ranking *ranking = &query->ranking;
    struct details_page page = {.paging = query->survey.paging,
                                .total = key_set_count(&query->parts[0].keys)};

    page.names = mem_zalloc((query->survey.paging.size + 1) * sizeof(char *));
    for (size_t i = paging_start(&query->survey.paging); i < ranking->count; i++)
        page.names[page.count++] = name_of(query, ranking_at(ranking, i)->name);
    details_start(query->survey.exchange, &page, query->show);
}

static void answer_keys(const struct query *query)
{
    const struct ranking *ranking = &query->ranking;
    const bool is_whole = shown_token_is_whole(query->survey.exchange);
    size_t start = paging_start(&query->survey.paging);
    struct buf text = BUF_INIT;

    paging_open(&text, &query->survey.paging, key_set_count(&query->parts[0].keys));
    for (size_t i = start; i < ranking->count; i++) {
        if (i > start)
            buf_append_char(&text, ',');
        if (query->kind == SSE_GROUP_TOKEN)
            shown_token_append(&text, ranking_at(ranking, i)->name, is_whole);
        else if (query->kind == SSE_GROUP_USER)
            json_text_user(&text, ranking_at(ranking, i)->name);
        else
            json_text_string(&text, ranking_at(ranking, i)->name);
    }
    paging_close(&text, false);
    api_reply_data(query->survey.exchange, &text);
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

    if (query->show)
        answer_users(query);
    else
        answer_keys(query);
    query->join.done = released;
    key_union_release(query->survey.exchange->api->loop, &query->join);
}

static void joined(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    ranking_init(&query->ranking, paging_end(&query->survey.paging));
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

static const struct survey_ops of_connections = {.begin = begin, .visit = visit, .done = surveyed};
static const struct survey_ops of_users = {
    .begin = begin, .visit = visit, .visit_away = visit_away, .done = surveyed};

static struct query *query_new(const struct api_exchange *exchange, const struct survey_ops *ops)
{
    return survey_new(sizeof(struct query), sizeof(struct query_part), ops, exchange);
}

static void start(struct api_exchange *exchange, enum sse_group_kind kind, bool shows_users)
{
    const bool is_of_users = kind == SSE_GROUP_USER;
    struct connection_filter filter;
    struct paging paging;
    struct query *query;

    if (!paging_read(exchange, &paging) || !connection_filter_init(&filter, exchange, is_of_users))
        return;
    query = query_new(exchange, is_of_users ? &of_users : &of_connections);
    query->survey.paging = paging;
    query->survey.filter = filter;
    query->kind = kind;
    query->show = shows_users ? show_user : NULL;
    survey_start(&query->survey, exchange);
}

void api_handle_users(struct api_exchange *exchange)
{
    start(exchange, SSE_GROUP_USER, true);
}

/* Who is away is in no list of the Java system. */
void api_handle_java_users(struct api_exchange *exchange)
{
    struct paging paging;
    struct query *query;

    if (!paging_read_java(exchange, &paging))
        return;
    query = query_new(exchange, &of_connections);
    query->survey.paging = paging;
    connection_filter_init_java(&query->survey.filter, exchange, true);
    query->kind = SSE_GROUP_USER;
    query->show = exchange->user ? show_masked : show_java;
    survey_start(&query->survey, exchange);
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
