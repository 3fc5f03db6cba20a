/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "broker/service.h"

const char *repeats_key(struct api_exchange *exchange, bool *refused)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    size_t length = key ? strlen(key) : 0;

    *refused = key && (length == 0 || length > REPEATS_MAX_KEY);
    if (*refused)
        api_reply_error(exchange, 422, "idempotency-key must have 1 to %u characters",
                        REPEATS_MAX_KEY);
    return key;
}

static void on_claimed(struct broker_request *request, const struct broker_message *answer)
{
    struct repeat_claim *claim = container_of(request, struct repeat_claim, request);
    struct api_exchange *exchange = claim->exchange;

    if (answer->outcome.body)
        claim->answer =
            (struct api_answer){answer->outcome.status, bytes_ref(answer->outcome.body)};
    claim->done(claim);
    api_exchange_unref(exchange);
}

void repeats_claim(struct repeat_claim *claim, struct api_exchange *exchange, const char *tenant_id,
                   const char *user_id)
{
    const char *key = h2_request_header(exchange->request, "idempotency-key");
    const struct broker_service *service = &exchange->service->broker;
    struct buf user = BUF_INIT, whole = BUF_INIT;
    struct broker_message *message;

    /* Told apart whatever is in them: a header field holds no newline. Each path has keys of its
     * own, for messages and for uploads: the answer to one is none to another. */
    buf_printf(&user, "%zu:%s%s", strlen(tenant_id), tenant_id, user_id);
    buf_printf(&whole, "%s\n%d %s\n%s", buf_str(&user), exchange->endpoint->body, key,
               exchange->variable);
    message = broker_message_new(BROKER_CLAIM, service->index, user.length + whole.length + 2);
    message->claim.user = broker_message_text(message, buf_str(&user));
    message->claim.key = broker_message_text(message, buf_str(&whole));
    buf_release(&user);
    claim->key = buf_detach(&whole);
    claim->exchange = api_exchange_ref(exchange);
    claim->request.on_answer = on_claimed;
    broker_ask(service->broker, broker_service_owner(service), message, &claim->request);
}

void repeats_settle(struct repeat_claim *claim, struct api_service *service,
                    const struct api_answer *answer)
{
    struct broker_message *message =
        broker_message_new(BROKER_SETTLE, service->index, broker_text_size(claim->key));

    message->outcome.key = broker_message_text(message, claim->key);
    if (answer) {
        message->outcome.status = answer->status;
        message->outcome.body = bytes_ref(answer->body);
    }
    free(claim->key);
    claim->key = NULL;
    broker_tell_owner(&service->broker, message);
}

void repeat_claim_release(struct repeat_claim *claim)
{
    free(claim->key);
    claim->key = NULL;
    claim->answer.body = bytes_unref(claim->answer.body);
}
