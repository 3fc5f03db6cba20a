/* SPDX-License-Identifier: Apache-2.0 */
/* online: whether a user has a connection, in any worker, or had one within the grace time. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/query/user_query.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "sse/user_key.h"

struct query {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    char *user_key;
    enum broker_online online; /* as far as is known */
};

static void reply(struct query *query)
{
    json_t *answer = json_pack("{s:b}", "online", query->online != BROKER_IS_OFFLINE);

    if (query->online == BROKER_IS_AWAY)
        json_object_set_new(answer, "grace", json_true());
    api_reply_json(query->exchange, answer);
    api_exchange_unref(query->exchange);
    free(query->user_key);
    free(query);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct query *query = container_of(request, struct query, request);

    if (answer->online > query->online)
        query->online = answer->online;
    if (request->open == 0)
        reply(query);
}

static struct broker_message *make(void *context, size_t worker)
{
    const struct query *query = context;
    struct broker_message *message = broker_message_new(
        BROKER_IS_ONLINE, query->exchange->service->index, broker_text_size(query->user_key));

    (void)worker;
    message->user_key = broker_message_text(message, query->user_key);
    return message;
}

void api_handle_online(struct api_exchange *exchange)
{
    struct user_query user;
    struct query *query;

    if (!user_query_read(&user, exchange))
        return;
    if (!user.user_id) {
        api_reply_error(exchange, 400, "userId is missing; ask for /online?userId=…");
        return;
    }
    query = mem_zalloc(sizeof(*query));
    query->exchange = api_exchange_ref(exchange);
    query->user_key =
        user.tenant_id ? sse_user_key_new(user.tenant_id, user.user_id) : mem_strdup(user.user_id);
    query->request.on_answer = on_answer;
    broker_ask_all(exchange->api->broker, make, query, &query->request);
}
