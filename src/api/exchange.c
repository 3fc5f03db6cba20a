/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <assert.h>
#include <stdlib.h>

#include "api/facts.h"
#include "api/origin.h"
#include "api/reply.h"
#include "base/mem.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/user.h"

static void on_stream_close(struct h2_stream *stream, void *context)
{
    struct api_exchange *exchange = context;

    (void)stream;
    if (exchange->on_close)
        exchange->on_close(exchange);
    api_exchange_unref(exchange);
}

struct api_exchange *api_exchange_new(struct api *api, struct h2_stream *stream)
{
    struct api_exchange *exchange = mem_zalloc(sizeof(*exchange));

    exchange->refs = 1;
    exchange->api = api;
    exchange->stream = h2_stream_ref(stream);
    exchange->request = h2_stream_request(stream);
    exchange->session_number = h2_session_number(h2_stream_session(stream));
    exchange->body = "";
    exchange->verdict = AUTH_NONE;
    api->exchange_count++;
    h2_stream_set_context(stream, exchange, on_stream_close);
    return exchange;
}

struct api_exchange *api_exchange_ref(struct api_exchange *exchange)
{
    exchange->refs++;
    return exchange;
}

struct api_exchange *api_exchange_unref(struct api_exchange *exchange)
{
    assert(exchange->refs > 0);
    if (--exchange->refs > 0)
        return NULL;
    exchange->api->exchange_count--;
    h2_form_release(&exchange->query);
    h2_form_release(&exchange->form);
    api_facts_free(exchange->facts);
    if (exchange->user)
        sse_user_unref(exchange->user);
    free(exchange->kept_body);
    h2_stream_unref(exchange->stream);
    free(exchange);
    return NULL;
}

void api_exchange_detach(struct api_exchange *exchange)
{
    h2_stream_set_context(exchange->stream, NULL, NULL);
    api_exchange_unref(exchange);
}

const char *api_exchange_parameter(const struct api_exchange *exchange, const char *name)
{
    const char *value = h2_form_get(&exchange->query, name);

    return value ? value : h2_form_get(&exchange->form, name);
}

static void on_checked(void *context, const struct auth_result *result)
{
    struct api_exchange *exchange = context;

    exchange->is_identified = true;
    exchange->revocations = exchange->service->auth->revocations;
    exchange->verdict = result->verdict;
    exchange->source = result->source;
    exchange->refusal = result->message;
    exchange->retry_after_s = result->retry_after_s;
    if (result->verdict == AUTH_OK)
        exchange->user = result->user;
    exchange->on_identity(exchange);
    api_exchange_unref(exchange);
}

static void ask(struct api_exchange *exchange)
{
    api_exchange_ref(exchange);
    auth_check(exchange->service->auth, api_facts_view(exchange->facts), on_checked, exchange);
}

void api_exchange_identify(struct api_exchange *exchange,
                           void (*on_identity)(struct api_exchange *exchange))
{
    exchange->on_identity = on_identity;
    exchange->is_identified = false;
    if (exchange->user)
        exchange->user = sse_user_unref(exchange->user);
    api_facts_free(exchange->facts);
    exchange->facts = api_facts_new(exchange);
    ask(exchange);
}

bool api_exchange_is_overtaken(const struct api_exchange *exchange)
{
    return exchange->revocations != exchange->service->auth->revocations;
}

void api_exchange_identify_again(struct api_exchange *exchange)
{
    exchange->is_identified = false;
    exchange->user = sse_user_unref(exchange->user);
    ask(exchange);
}

static bool refuse_frequent(struct api_exchange *exchange)
{
    if (!exchange->user || limits_take_user_request(&exchange->service->limits, exchange->user))
        return false;
    limits_refuse(exchange, LIMIT_USER_REQUESTS);
    return true;
}

bool api_exchange_refuse_wrong(struct api_exchange *exchange)
{
    static const int statuses[AUTH_VERDICTS] = {[AUTH_BAD] = 401,
                                                [AUTH_DENIED] = 403,
                                                [AUTH_FAILED] = 502,
                                                [AUTH_TIMEOUT] = 504,
                                                [AUTH_BUSY] = 503};

    if (exchange->verdict == AUTH_OK || exchange->verdict == AUTH_NONE)
        return origin_refuse(exchange) || refuse_frequent(exchange);
    api_reply_error_later(exchange, statuses[exchange->verdict], exchange->retry_after_s,
                          exchange->refusal);
    return true;
}

bool api_exchange_require_user(struct api_exchange *exchange)
{
    if (exchange->user)
        return true;
    api_reply_error(exchange, 401, "%s", exchange->refusal);
    return false;
}
