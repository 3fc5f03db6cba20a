/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/webhook.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/http_url.h"
#include "base/mem.h"
#include "base/text.h"

#define DIGEST_SIZE 32u

/* Of the two, one behind the other. */
static bool digest_of(unsigned char digest[DIGEST_SIZE], const char *secret,
                      const struct iovec parts[2])
{
    char hash[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_utf8_string("digest", hash, sizeof(hash) - 1),
                                     OSSL_PARAM_END};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    size_t length = 0;
    bool ok =
        context &&
        EVP_MAC_init(context, (const unsigned char *)secret, strlen(secret), parameters) == 1 &&
        EVP_MAC_update(context, parts[0].iov_base, parts[0].iov_len) == 1 &&
        EVP_MAC_update(context, parts[1].iov_base, parts[1].iov_len) == 1 &&
        EVP_MAC_final(context, digest, &length, DIGEST_SIZE) == 1 && length == DIGEST_SIZE;

    EVP_MAC_CTX_free(context);
    EVP_MAC_free(hmac);
    return ok;
}

int outbound_signature_write(char to[OUTBOUND_SIGNATURE_SIZE], const char *secret, int64_t time_s,
                             const void *body, size_t length)
{
    unsigned char digest[DIGEST_SIZE];
    size_t at = (size_t)snprintf(to, OUTBOUND_SIGNATURE_SIZE, "t=%" PRId64 ".", time_s);
    const struct iovec parts[] = {{to + 2, at - 2}, {(void *)body, length}};

    if (!digest_of(digest, secret, parts))
        return -EIO;
    at--; /* the point is signed, but not sent */
    at += (size_t)snprintf(to + at, OUTBOUND_SIGNATURE_SIZE - at, ",v1=");
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        at += (size_t)snprintf(to + at, OUTBOUND_SIGNATURE_SIZE - at, "%02x", digest[i]);
    return 0;
}

/* content-type, idempotency-key and the signature. */
#define OWN_FIELDS 4u

/* Should OpenSSL fail, an empty signature goes out, and the back end refuses it. */
static bool sign(const struct outbound_webhook *webhook, char signature[OUTBOUND_SIGNATURE_SIZE],
                 const char *text, size_t length)
{
    if (!webhook->secret || webhook->secret[0] == '\0')
        return false;
    if (outbound_signature_write(signature, webhook->secret, clock_wall_seconds(), text, length) !=
        0)
        signature[0] = '\0';
    return true;
}

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
    if (sign(webhook, signature, delivery->json->data, delivery->json->length))
        fields[count++] = (struct outbound_field){OUTBOUND_SIGNATURE_FIELD, signature};
    if (delivery->traceparent)
        fields[count++] = (struct outbound_field){"traceparent", delivery->traceparent};
    for (size_t i = 0; i < delivery->field_count; i++)
        fields[count++] = delivery->fields[i];

    const struct outbound_request request = {
        .purpose = webhook->purpose,
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

/* The signature covers the field as it is sent. */
struct outbound_call *outbound_webhook_stream(struct outbound_http *http,
                                              const struct outbound_webhook *webhook,
                                              const struct outbound_streaming *streaming)
{
    char signature[OUTBOUND_SIGNATURE_SIZE];
    struct buf about = BUF_INIT;
    struct outbound_field fields[OWN_FIELDS + 1];
    struct outbound_call *call;
    size_t count = 0;

    base64_encode(BASE64_URL, streaming->about->data, streaming->about->length, &about);
    fields[count++] = (struct outbound_field){"content-type", streaming->content_type};
    fields[count++] = (struct outbound_field){"sse-context", buf_str(&about)};
    if (sign(webhook, signature, about.data, about.length) && signature[0] != '\0')
        fields[count++] = (struct outbound_field){OUTBOUND_SIGNATURE_FIELD, signature};
    if (streaming->id)
        fields[count++] = (struct outbound_field){"idempotency-key", streaming->id};
    if (streaming->traceparent)
        fields[count++] = (struct outbound_field){"traceparent", streaming->traceparent};

    const struct outbound_request request = {
        .purpose = OUTBOUND_UPLOAD,
        .method = "POST",
        .url = webhook->url,
        .fields = fields,
        .field_count = count,
        .is_streamed = true,
        .stream_length = streaming->length,
        .on_taken = streaming->on_taken,
        .time_limit_ms = webhook->time_limit_ms,
        .answer_bytes = webhook->answer_bytes,
        .done = streaming->done,
        .context = streaming->context,
    };
    call = outbound_http_start(http, &request);
    buf_release(&about);
    return call;
}

static bool is_loopback(const struct http_url *url)
{
    if (url->is_address)
        return strncmp(url->host, "127.", 4) == 0 || strcmp(url->host, "::1") == 0;
    return strcmp(url->host, "localhost") == 0;
}

bool told_may_have_token(const char *url, const char *secret, bool has_proxy)
{
    struct http_url parts;

    if (*secret == '\0')
        return false;
    if (strncmp(url, "https://", strlen("https://")) == 0)
        return true;
    return !has_proxy && !http_url_read(&parts, url) && is_loopback(&parts);
}
