/* SPDX-License-Identifier: Apache-2.0 */
/* counts: connections, and the different users, access tokens, tenants and channels of them all. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/key_set.h"
#include "api/query/survey.h"
#include "api/reply.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

enum { USERS, TOKENS, TENANTS, CHANNELS, KINDS };

struct query_part {
    struct survey_part base;
    size_t connections;
    struct key_set keys[KINDS];
};

struct query {
    struct survey survey;
    struct key_union join; /* of the origin: one kind after the other */
    size_t kind;
    struct key_set **sets; /* of one kind, and all in the end */
    struct query_part parts[];
};

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);
    const struct sse_user *user = connection->user;

    key_set_add(&part->keys[USERS], user->id);
    key_set_add(&part->keys[TOKENS], user->access_token);
    key_set_add(&part->keys[TENANTS], user->tenant_id);
    key_set_add_channels(&part->keys[CHANNELS], connection);
}

static void visit_away(struct survey_part *base, const struct sse_user *user)
{
    key_set_add(&container_of(base, struct query_part, base)->keys[USERS], user->id);
}

static struct survey_part *begin(struct survey *survey, size_t worker,
                                 const struct sse_service *core)
{
    struct query_part *part = &container_of(survey, struct query, survey)->parts[worker];

    part->connections = sse_registry_count(core->registry);
    for (size_t kind = 0; kind < KINDS; kind++)
        key_set_init(&part->keys[kind]);
    return &part->base;
}

static void released(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    api_exchange_unref(query->survey.exchange);
    free(query->sets);
    free(query);
}

static void release_all(struct query *query)
{
    size_t count = 0;

    for (size_t i = 0; i < peers_count(query->survey.call.peers); i++) {
        for (size_t kind = 0; kind < KINDS; kind++)
            query->sets[count++] = &query->parts[i].keys[kind];
    }
    query->join.count = count;
    query->join.done = released;
    key_union_release(query->survey.exchange->api->loop, &query->join);
}

static void answer(const struct query *query)
{
    const struct key_set *keys = query->parts[0].keys;
    size_t connections = 0;

    for (size_t i = 0; i < peers_count(query->survey.exchange->api->peers); i++)
        connections += query->parts[i].connections;
    api_reply_json(query->survey.exchange,
                   json_pack("{s:I,s:I,s:I,s:I,s:I}", "connections", (json_int_t)connections,
                             "users", (json_int_t)key_set_count(&keys[USERS]), "accessTokens",
                             (json_int_t)key_set_count(&keys[TOKENS]), "tenants",
                             (json_int_t)key_set_count(&keys[TENANTS]), "channels",
                             (json_int_t)key_set_count(&keys[CHANNELS])));
}

static void join_kind(struct query *query)
{
    const struct api *api = query->survey.exchange->api;
    size_t workers = peers_count(api->peers);

    for (size_t i = 0; i < workers; i++)
        query->sets[i] = &query->parts[i].keys[query->kind];
    key_union_start(api->loop, &query->join, query->sets, workers);
}

static void joined(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    query->kind++;
    if (query->kind < KINDS) {
        join_kind(query);
        return;
    }
    answer(query);
    release_all(query);
}

static void surveyed(struct survey *survey)
{
    struct query *query = container_of(survey, struct query, survey);

    query->sets = mem_zalloc(KINDS * peers_count(survey->call.peers) * sizeof(struct key_set *));
    query->join.done = joined;
    join_kind(query);
}

void api_handle_counts(struct api_exchange *exchange)
{
    const struct api *api = exchange->api;
    struct query *query =
        mem_zalloc(sizeof(*query) + peers_count(api->peers) * sizeof(query->parts[0]));

    query->survey.begin = begin;
    query->survey.visit = visit;
    query->survey.visit_away = visit_away;
    query->survey.done = surveyed;
    survey_start(&query->survey, exchange);
}
