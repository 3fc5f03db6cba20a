/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange_identity.h"

#include "api/exchange.h"
#include "api/facts.h"
#include "api/origin.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "sse/user.h"

static void on_checked(void *context, const struct auth_result *result)
{
    struct api_exchange *exchange = context;

    exchange->is_identified = true;
    exchange->revocations = exchange->service->auth->revocations;
    exchange->verdict = result->verdict;
    exchange->source = result->source;
    exchange->refusal = result->message;
    bytes_unref(exchange->refusal_data);
    exchange->refusal_data = result->data ? bytes_ref(result->data) : NULL;
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

/* In the words of who knows the users. */
static void refuse_with_data(struct api_exchange *exchange, int status)
{
    const struct bytes *given = exchange->refusal_data;
    struct buf data = BUF_INIT;

    buf_append(&data, given->data, given->length);

    const struct api_answer answer =
        api_reply_make_refusal(exchange, status, &data, exchange->refusal);

    api_reply_answer(exchange, &answer);
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
    if (exchange->refusal_data)
        refuse_with_data(exchange, statuses[exchange->verdict]);
    else
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
