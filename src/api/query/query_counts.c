/* SPDX-License-Identifier: Apache-2.0 */
/* counts: connections, and the different users, access tokens, tenants and channels of them all. */
#include <stdlib.h>
#include <string.h>

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

static bool is_meant(const struct query_part *part, const struct sse_user *user)
{
    const char *tenant_id = part->base.survey->filter.tenant_id;

    return !tenant_id || strcmp(user->tenant_id, tenant_id) == 0;
}

static void visit(struct scan *scan, const struct sse_connection *connection)
{
    struct query_part *part = container_of(scan, struct query_part, base.scan);
    const struct sse_user *user = connection->user;

    if (!is_meant(part, user))
        return;
    if (part->base.survey->filter.tenant_id)
        part->connections++;
    key_set_add(&part->keys[USERS], user->key);
    key_set_add(&part->keys[TOKENS], user->access_token);
    key_set_add(&part->keys[TENANTS], user->tenant_id);
    key_set_add_channels(&part->keys[CHANNELS], connection);
}

static void visit_away(struct survey_part *base, const struct sse_user *user)
{
    struct query_part *part = container_of(base, struct query_part, base);

    if (is_meant(part, user))
        key_set_add(&part->keys[USERS], user->key);
}

static struct survey_part *begin(struct survey *survey, size_t worker,
                                 const struct sse_service *core)
{
    struct query *query = container_of(survey, struct query, survey);
    struct query_part *part = &query->parts[worker];

    /* A tenant's are counted one by one. */
    part->connections = survey->filter.tenant_id ? 0 : sse_registry_count(core->registry);
    for (size_t kind = 0; kind < KINDS; kind++)
        key_set_init(&part->keys[kind]);
    return &part->base;
}

static void released(struct key_union *join)
{
    struct query *query = container_of(join, struct query, join);

    free(query->sets);
    survey_free(&query->survey);
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

static const struct survey_ops ops = {
    .begin = begin, .visit = visit, .visit_away = visit_away, .done = surveyed};

void api_handle_counts(struct api_exchange *exchange)
{
    struct query *query = survey_new(sizeof(*query), sizeof(query->parts[0]), &ops, exchange);
    const char *tenant_id = h2_form_get(&exchange->query, "tenantId");

    if (tenant_id && *tenant_id != '\0')
        query->survey.filter.tenant_id = tenant_id;
    survey_start(&query->survey, exchange);
}
