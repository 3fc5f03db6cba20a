/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "outbound/signature.h"

/* content-type, idempotency-key and the signature. */
#define OWN_FIELDS 3u

struct outbound_call *outbound_webhook_post(struct outbound_http *http,
                                            const struct outbound_webhook *webhook,
                                            const struct outbound_delivery *delivery)
{
    struct outbound_field *fields =
        mem_alloc((delivery->field_count + OWN_FIELDS) * sizeof(struct outbound_field));
    char signature[OUTBOUND_SIGNATURE_SIZE];
    struct outbound_call *call;
    size_t count = 0;

    fields[count++] = (struct outbound_field){"content-type", "application/json"};
    if (delivery->id)
        fields[count++] = (struct outbound_field){"idempotency-key", delivery->id};
    if (webhook->secret && webhook->secret[0] != '\0') {
        /* Should OpenSSL fail, an empty signature goes out, and the back end refuses it. */
        if (outbound_signature_write(signature, webhook->secret, clock_wall_seconds(),
                                     delivery->json->data, delivery->json->length) != 0)
            signature[0] = '\0';
        fields[count++] = (struct outbound_field){OUTBOUND_SIGNATURE_FIELD, signature};
    }
    for (size_t i = 0; i < delivery->field_count; i++)
        fields[count++] = delivery->fields[i];

    const struct outbound_request request = {
        .method = "POST",
        .url = webhook->url,
        .fields = fields,
        .field_count = count,
        .body = delivery->json,
        .time_limit_ms = webhook->time_limit_ms,
        .answer_bytes = webhook->answer_bytes,
        .only_public = webhook->only_public,
        .done = delivery->done,
        .context = delivery->context,
    };
    call = outbound_http_start(http, &request);
    free(fields);
    return call;
}
