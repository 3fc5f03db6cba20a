/* SPDX-License-Identifier: Apache-2.0 */
/* online: whether a user has a connection, in any worker, or had one within the grace time. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/user_query.h"
#include "api/reply.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"
#include "sse/user_key.h"

struct query {
    struct peers_call call;
    struct api_exchange *exchange; /* a reference */
    char *user_key;
    enum { OFFLINE, AWAY, ONLINE } states[]; /* one per worker */
};

static bool has_connection(const struct sse_registry *registry, const char *user_key)
{
    const struct sse_group *group = sse_registry_group(registry, SSE_GROUP_USER, user_key);

    for (size_t i = 0; group && i < group->count; i++) {
        if (sse_user_is(group->members[i]->user, user_key))
            return true;
    }
    return false;
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct query *query = container_of(call, struct query, call);
    const struct api *api = context;
    const struct api_service *service = &api->services[query->exchange->service->index];

    if (has_connection(service->core->registry, query->user_key))
        query->states[worker] = ONLINE;
    else if (sse_presence_find_away(service->online.presence, query->user_key))
        query->states[worker] = AWAY;
    peers_call_done(call);
}

static void finish(struct peers_call *call, void *context)
{
    struct query *query = container_of(call, struct query, call);
    unsigned state = OFFLINE;
    json_t *answer;

    (void)context;
    for (size_t worker = 0; worker < peers_count(call->peers); worker++)
        state = query->states[worker] > state ? query->states[worker] : state;
    answer = json_pack("{s:b}", "online", state != OFFLINE);
    if (state == AWAY)
        json_object_set_new(answer, "grace", json_true());
    api_reply_json(query->exchange, answer);
    api_exchange_unref(query->exchange);
    free(query->user_key);
    free(query);
}

void api_handle_online(struct api_exchange *exchange)
{
    const struct api *api = exchange->api;
    struct user_query user;
    struct query *query;

    if (!user_query_read(&user, exchange))
        return;
    if (!user.user_id) {
        api_reply_error(exchange, 400, "userId is missing; ask for /online?userId=…");
        return;
    }
    query = mem_zalloc(sizeof(*query) + peers_count(api->peers) * sizeof(query->states[0]));
    query->exchange = api_exchange_ref(exchange);
    query->user_key =
        user.tenant_id ? sse_user_key_new(user.tenant_id, user.user_id) : mem_strdup(user.user_id);
    query->call.run = run;
    query->call.finish = finish;
    peers_call_start(api->peers, api->worker, &query->call);
}
