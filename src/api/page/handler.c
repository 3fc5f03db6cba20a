/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/handler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/limit.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "broker/call.h"
#include "broker/service.h"
#include "h2/request.h"
#include "outbound/answer.h"
#include "outbound/webhook.h"
#include "sse/service.h"
#include "sse/user.h"

void handler_subject_note(struct handler_subject *subject, const struct broker_message *answer)
{
    if (!answer->called.user)
        return;
    handler_subject_release(subject);
    subject->told = broker_message_keep(answer);
}

void handler_subject_note_user(struct handler_subject *subject, const struct sse_user *user)
{
    free(subject->user);
    subject->user = broker_text_of_user(user, &subject->telling);
}

void handler_subject_release(struct handler_subject *subject)
{
    if (subject->told)
        broker_message_free(subject->told);
    free(subject->user);
    subject->told = NULL;
    subject->user = NULL;
}

void handler_subject_open(struct buf *text, const struct api_exchange *exchange, const char *type,
                          const struct handler_subject *subject)
{
    const struct broker_called *called = subject->told ? &subject->told->called : NULL;
    const char *user = called ? called->user : subject->user;

    buf_append_char(text, '{');
    json_text_member(text, "type", type);
    json_text_member(text, "service", exchange->service->settings->core->name);
    json_text_member(text, "path", api_exchange_path(exchange));
    buf_printf(text, ",\"time\":%" PRId64 ",\"user\":", loop_wall_ms(exchange->api->loop));
    buf_append_str(text, user ? user : "null");
    buf_append_str(text, ",\"connection\":");
    buf_append_str(text, called && called->connection ? called->connection : "null");
}

/* What says who is asking is not for the handler, whichever kind of auth knows it. */
static bool is_credential(const struct api_exchange *exchange, const char *name)
{
    return strcmp(name, "connectionId") == 0 || strcmp(name, "access-token") == 0 ||
           words_have(exchange->service->settings->secret_names, name);
}

json_t *handler_subject_query(const struct api_exchange *exchange)
{
    json_t *object = json_object();

    for (size_t i = 0; i < exchange->query.count; i++) {
        const struct h2_form_field *field = &exchange->query.fields[i];

        /* Of a name that comes twice the first counts, as everywhere. */
        if (!is_credential(exchange, field->name) && !json_object_get(object, field->name))
            json_object_set_new(object, field->name, json_string(field->value));
    }
    return object;
}

static struct api_answer answer_of(const struct handler_call *call, struct handler_answer *said)
{
    if (said->outcome == HANDLER_ACCEPTED)
        return api_reply_make_data(call->exchange, said->status == 204 ? 200 : said->status,
                                   &said->data);
    /* What it says against a request is for its page, in whatever form it says it. */
    return api_reply_make_refusal(call->exchange, said->status, &said->data,
                                  "the service that handles this path refused it");
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct handler_call *call = context;
    struct api_exchange *exchange = call->exchange;
    struct handler_answer said = handler_answer_read(answer);

    call->call = NULL;
    if (said.outcome == HANDLER_ACCEPTED || said.outcome == HANDLER_REFUSED) {
        const struct api_answer made = answer_of(call, &said);

        call->done(call, said.outcome, &made);
    } else {
        outbound_complain(&(struct outbound_asker){OUTBOUND_HANDLER,
                                                   exchange->service->settings->core->name,
                                                   exchange->request_id},
                          call->url, answer, NULL);
        call->failure = said.status;
        call->reason = said.reason;
        call->done(call, said.outcome, NULL);
    }
    api_exchange_unref(exchange);
}

static struct outbound_webhook webhook_of(const struct api_exchange *exchange, const char *url)
{
    const struct api_service_settings *settings = exchange->service->settings;

    return (struct outbound_webhook){
        .url = url,
        .secret = settings->broker.webhook_secret,
        .time_limit_ms = settings->handlers.time_limit_ms,
        .answer_bytes = settings->handlers.answer_bytes,
    };
}

void handler_call_post(struct handler_call *call, struct api_exchange *exchange, const char *url,
                       struct buf *text)
{
    const struct outbound_webhook webhook = webhook_of(exchange, url);
    const struct outbound_delivery delivery = {
        .json = buf_freeze(text),
        .id = h2_request_header(exchange->request, "idempotency-key"),
        .traceparent = request_traceparent(exchange->request),
        .done = on_answer,
        .context = call,
    };

    call->exchange = api_exchange_ref(exchange);
    call->url = url;
    call->call = outbound_webhook_post(exchange->api->outbound, &webhook, &delivery);
    bytes_unref(delivery.json);
}

void handler_call_stream(struct handler_call *call, struct api_exchange *exchange, const char *url,
                         struct outbound_streaming *streaming)
{
    const struct outbound_webhook webhook = webhook_of(exchange, url);

    streaming->content_type = h2_request_header(exchange->request, "content-type");
    streaming->id = h2_request_header(exchange->request, "idempotency-key");
    streaming->traceparent = request_traceparent(exchange->request);
    streaming->done = on_answer;
    streaming->context = call;
    call->exchange = api_exchange_ref(exchange);
    call->url = url;
    call->call = outbound_webhook_stream(exchange->api->outbound_streams, &webhook, streaming);
}

void handler_call_cancel(struct handler_call *call)
{
    outbound_call_cancel(call->call);
    call->call = NULL;
    api_exchange_unref(call->exchange);
}

void handler_call_refuse(struct handler_call *call)
{
    api_reply_error(call->exchange, call->failure, "%s", call->reason);
}

const char *idempotency_key_of(struct api_exchange *exchange, bool *refused)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    size_t length = key ? strlen(key) : 0;

    *refused = key && (length == 0 || length > IDEMPOTENCY_KEY_MOST);
    if (*refused)
        api_reply_error(exchange, 422, "idempotency-key must have 1 to %u characters",
                        IDEMPOTENCY_KEY_MOST);
    return key;
}

static void on_claimed(struct broker_request *request, const struct broker_message *answer)
{
    struct key_claim *claim = container_of(request, struct key_claim, request);
    struct api_exchange *exchange = claim->exchange;

    if (answer->outcome.body)
        claim->answer =
            (struct api_answer){answer->outcome.status, bytes_ref(answer->outcome.body)};
    claim->is_refused = answer->outcome.status < 0;
    if (claim->is_refused) {
        key_claim_release(claim);
        engine_refuse(exchange);
    }
    claim->done(claim);
    api_exchange_unref(exchange);
}

void idempotency_key_claim(struct key_claim *claim, struct api_exchange *exchange,
                           const char *tenant_id, const char *user_id)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    const struct broker_service *service = &exchange->service->broker;
    char *user = sse_user_key_counted(tenant_id, user_id);
    struct buf whole = BUF_INIT;
    struct broker_message *message;

    /* Told apart whatever is in them: a header field holds no newline. Each path has keys of its
     * own, for messages and for uploads: the answer to one is none to another. */
    buf_printf(&whole, "%s\n%d %s\n%s", user, exchange->endpoint->body, key,
               api_exchange_path(exchange));
    message = broker_message_new(BROKER_CLAIM, service->index,
                                 broker_text_size(user) + broker_text_size(buf_str(&whole)));
    message->claim.user = broker_message_text(message, user);
    message->claim.key = broker_message_text(message, buf_str(&whole));
    free(user);
    claim->key = buf_detach(&whole);
    claim->exchange = api_exchange_ref(exchange);
    claim->request.on_answer = on_claimed;
    broker_ask(service->broker, broker_service_owner(service), message, &claim->request);
}

void idempotency_key_settle(struct key_claim *claim, struct api_service *service,
                            const struct api_answer *answer)
{
    struct broker_message *message;

    if (!claim->key)
        return;
    message = broker_message_new(BROKER_SETTLE, service->index, broker_text_size(claim->key));
    message->outcome.key = broker_message_text(message, claim->key);
    if (answer) {
        message->outcome.status = answer->status;
        message->outcome.body = bytes_ref(answer->body);
    }
    free(claim->key);
    claim->key = NULL;
    broker_tell_owner(&service->broker, message);
}

void key_claim_release(struct key_claim *claim)
{
    free(claim->key);
    claim->key = NULL;
    claim->answer.body = bytes_unref(claim->answer.body);
}
