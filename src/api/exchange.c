/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <assert.h>
#include <stdlib.h>

#include "api/body_reading.h"
#include "api/facts.h"
#include "base/bytes.h"
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
    h2_body_free(&exchange->kept);
    body_turn_free(exchange->turn, &exchange->api->bodies);
    free(exchange->tenants);
    bytes_unref(exchange->refusal_data);
    api_audit_release(&exchange->audit);
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

void api_exchange_keep_body(struct api_exchange *exchange)
{
    if (exchange->kept.data)
        return;
    exchange->kept = h2_stream_take_body(exchange->stream);
    exchange->body = h2_body_text(&exchange->kept);
}
