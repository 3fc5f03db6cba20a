/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/java_message.h"

#include <stdlib.h>

#include "api/json_text.h"
#include "api/qos/qos_text.h"
#include "api/shown_token.h"
#include "base/buf.h"
#include "qos/repository.h"
#include "sse/user_key.h"

/* What a connection must have to get it; a mask. */
enum java_filter {
    BY_TENANT = 1 << 1,
    BY_TOKEN = 1 << 2,
    BY_USER = 1 << 3,
    BY_LISTENER = 1 << 4,
    BY_CHANNEL = 1 << 5,
};

static const unsigned filters[SSE_DIMENSIONS] = {
    [SSE_BY_TENANT] = BY_TENANT,
    [SSE_BY_TOKEN] = BY_TOKEN,
    [SSE_BY_USER] = BY_USER,
    [SSE_BY_CHANNEL] = BY_CHANNEL,
};

static bool has_tenant(const struct qos_copy *copy)
{
    return copy->recipient.dimension == SSE_BY_USER &&
           sse_user_key_has_tenant(copy->recipient.value);
}

static unsigned filters_of(const struct qos_copy *copy)
{
    return filters[copy->recipient.dimension] | (has_tenant(copy) ? BY_TENANT : 0) |
           (copy->recipient.listening[0] != '\0' ? BY_LISTENER : 0);
}

/* ,"tenantIdList":["3"] of the values of a dimension; null where the copies have another one. */
static void append_values(struct buf *to, const char *name, const struct qos_copy *copies,
                          size_t count, enum sse_dimension dimension, bool is_token_whole)
{
    buf_printf(to, ",\"%s\":", name);
    if (copies->recipient.dimension != dimension) {
        buf_append_str(to, "null");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *value = copies[i].recipient.value;

        buf_append_char(to, i == 0 ? '[' : ',');
        if (dimension == SSE_BY_TOKEN)
            shown_token_append(to, value, is_token_whole);
        else
            json_text_string(to, dimension == SSE_BY_USER ? sse_user_key_id(value) : value);
    }
    buf_append_char(to, ']');
}

static void append_tenants(struct buf *to, const struct qos_copy *copies, size_t count)
{
    char *tenant = has_tenant(copies) ? sse_user_key_tenant(copies->recipient.value) : NULL;

    if (tenant) { /* all are users of one */
        buf_append_str(to, ",\"tenantIdList\":[");
        json_text_string(to, tenant);
        buf_append_char(to, ']');
    } else {
        append_values(to, "tenantIdList", copies, count, SSE_BY_TENANT, false);
    }
    free(tenant);
}

/* The Java system names the event of whatever goes to a channel. */
static void append_listener(struct buf *to, struct qos_text *text, const struct qos_copy *copy)
{
    buf_append_str(to, ",\"listenerName\":");
    if (copy->recipient.listening[0] != '\0' || copy->recipient.dimension == SSE_BY_CHANNEL)
        qos_text_member(text, to, copy->message, "event");
    else
        buf_append_str(to, "null");
}

void java_message_append(struct buf *to, struct qos_text *text, const struct qos_copy *copies,
                         size_t count, bool is_token_whole)
{
    const struct qos_message *message = copies->message;

    buf_append_str(to, "{\"arrayClassName\":null,\"objectClassName\":null,\"id\":");
    json_text_string(to, message->id);
    buf_append_str(to, ",\"eventName\":");
    qos_text_member(text, to, message, "event");
    buf_append_str(to, ",\"body\":");
    qos_text_data(text, to, message);
    buf_printf(to, ",\"filters\":%u", filters_of(copies));
    append_listener(to, text, copies);
    append_tenants(to, copies, count);
    append_values(to, "userIdList", copies, count, SSE_BY_USER, false);
    append_values(to, "accessTokenList", copies, count, SSE_BY_TOKEN, is_token_whole);
    append_values(to, "channelList", copies, count, SSE_BY_CHANNEL, false);
    buf_append_char(to, '}');
}
