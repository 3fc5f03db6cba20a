/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/answer.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/http_url.h"
#include "base/json_raw.h"
#include "base/log.h"
#include "base/text.h"

const char *const outbound_purpose_words[OUTBOUND_PURPOSES] = {
    [OUTBOUND_HANDLER] = "handler",
    [OUTBOUND_AUTH] = "authWebhook",
    [OUTBOUND_NOTIFICATION] = "notifications",
    [OUTBOUND_RECEIPT] = "receipt",
    [OUTBOUND_KEYS] = "JWK set",
    [OUTBOUND_UPLOAD] = "upload",
};

static const char *fault_of_status(int status)
{
    switch (status) {
    case 401:
        return "it does not know us: is its secret this service's webhookSecret?";
    case 407:
        return "a proxy before it wants credentials";
    case 429:
    case 503:
        return "it is busy";
    default:
        if (status >= 500)
            return "it failed";
        return status >= 400 ? "it refuses the request"
                             : "it leads elsewhere, and redirects are not followed";
    }
}

const char *outbound_answer_fault(const struct outbound_answer *answer)
{
    static const char html[] = "text/html";

    if (answer->status < 200 || answer->status >= 300)
        return fault_of_status(answer->status);
    if (answer->is_encoded)
        return "its answer is compressed, which it was not asked for (content-encoding)";
    if (answer->content_type && strncasecmp(answer->content_type, html, sizeof(html) - 1) == 0)
        return "its answer is HTML, not JSON";
    return "its answer is not JSON";
}

void outbound_complain(const struct outbound_asker *asker, const char *url,
                       const struct outbound_answer *answer, const char *reason)
{
    struct http_url where = {.host = ""};

    if (!reason)
        reason = answer->error != 0 ? answer->reason : outbound_answer_fault(answer);
    (void)http_url_read(&where, url);
    LOG_LIMITED(LOG_OF_BACK_ENDS + asker->purpose, LOG_WARN_LEVEL,
                "a back end gave no usable answer",
                LOG_STR("asked_as", outbound_purpose_words[asker->purpose]),
                LOG_STR("service", asker->service), LOG_STR("request", asker->request),
                LOG_STR("host", where.host), LOG_STR("reason", reason),
                LOG_INT("status", answer->error != 0 ? 0 : answer->status));
}

/* What is JSON of an answer, which a byte order mark may precede. */
static const char *json_of(const struct outbound_answer *answer, size_t *length)
{
    const size_t mark = utf8_mark_length(answer->body, answer->length);

    *length = answer->length - mark;
    return answer->body + mark;
}

/* ---- text/plain ---- */

static bool is_text(const struct outbound_answer *answer)
{
    static const char plain[] = "text/plain";
    const char *type = answer->content_type;

    return type && strncasecmp(type, plain, sizeof(plain) - 1) == 0 &&
           strchr("; \t", type[sizeof(plain) - 1]) != NULL && !answer->is_encoded;
}

/* Spring's for texts, where nothing else is configured. */
static bool is_latin(const struct outbound_answer *answer)
{
    return strcasestr(answer->content_type, "charset=iso-8859-1") != NULL ||
           strcasestr(answer->content_type, "charset=\"iso-8859-1\"") != NULL;
}

static void append_latin(struct buf *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c >= 0x80)
            buf_append_char(to, (char)(0xc0 | (c >> 6)));
        buf_append_char(to, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
    }
}

/* Appends it as a JSON string. False: it is no UTF-8. */
static bool append_text(struct buf *data, const struct outbound_answer *answer)
{
    struct buf text = BUF_INIT;
    size_t length;
    const char *plain = json_of(answer, &length);
    json_t *string;
    char *dumped;

    if (is_latin(answer))
        append_latin(&text, answer->body, answer->length);
    else
        buf_append(&text, plain, length);
    string = json_stringn(buf_str(&text), text.length);
    dumped = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (dumped)
        buf_append_str(data, dumped);
    free(dumped);
    json_decref(string);
    buf_release(&text);
    return dumped != NULL;
}

/* ---- JSON ---- */

/* Appends what the page gets as data: null of an answer without a body. False: there is nothing
 * that could be it. */
static bool append_data(struct buf *data, const struct outbound_answer *answer)
{
    size_t length;
    const char *json = json_of(answer, &length);

    if (answer->status != 204 && is_text(answer))
        return append_text(data, answer);
    if (length > 0 && !json_raw_is_value(json, length))
        return false;
    if (length > 0)
        buf_append(data, json, length);
    else
        buf_append_str(data, "null");
    return true;
}

/* Who the page's user is has been found out before: who is not known (401) or asked for credentials
 * of a proxy (407) is this server. */
static bool is_for_page(int status)
{
    return status >= 400 && status < 500 && status != 401 && status != 407;
}

/* 500: it has run, and thrown. What stands between may say others: for the page these are the
 * server's. */
static int status_for_page(int status)
{
    return status == 500 || status == 503 ? status : 502;
}

static struct handler_answer failure(enum handler_outcome outcome, int status, const char *reason)
{
    return (struct handler_answer){.outcome = outcome, .status = status, .reason = reason};
}

/* Where nothing was sent, nothing has run. */
static struct handler_answer read_error(int error)
{
    static const char unreachable[] = "the service that handles this path cannot be reached";

    switch (error) {
    case -EBUSY:
        return failure(HANDLER_FAILED, 503,
                       "too many requests wait for the service that handles this path");
    case -EINVAL:
    case -ECONNREFUSED:
    case -EHOSTUNREACH:
        return failure(HANDLER_FAILED, 502, unreachable);
    case -ETIMEDOUT:
        return failure(HANDLER_UNCLEAR, 504,
                       "the service that handles this path did not answer in time");
    case -EMSGSIZE:
        return failure(HANDLER_UNCLEAR, 502,
                       "the service that handles this path answered with more than is taken of it");
    default:
        return failure(HANDLER_UNCLEAR, 502, unreachable);
    }
}

struct handler_answer handler_answer_read(const struct outbound_answer *answer)
{
    struct handler_answer read = {.outcome = HANDLER_ACCEPTED, .status = answer->status};

    if (answer->error != 0)
        return read_error(answer->error);
    if (answer->status >= 200 && answer->status < 300) {
        if (append_data(&read.data, answer))
            return read;
        buf_release(&read.data);
        return failure(HANDLER_UNCLEAR, 502,
                       "the service that handles this path answered with what is neither JSON nor "
                       "text/plain in UTF-8");
    }
    if (is_for_page(answer->status)) {
        read.outcome = HANDLER_REFUSED;
        if (!append_data(&read.data, answer))
            buf_append_str(&read.data, "null");
        return read;
    }
    if (answer->status < 500)
        return failure(HANDLER_FAILED, 502,
                       "the service that handles this path does not accept this server's requests");
    return failure(HANDLER_UNCLEAR, status_for_page(answer->status),
                   "the service that handles this path failed");
}
