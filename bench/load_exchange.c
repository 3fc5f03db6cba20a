/* SPDX-License-Identifier: Apache-2.0 */
#include "load_exchange.h"

#include <stdio.h>
#include <string.h>

#include "load_connection.h"
#include "load_options.h"
#include "load_template.h"

#define MAX_FIELDS 8u

struct fields {
    nghttp2_nv list[MAX_FIELDS];
    size_t count;
};

static void add(struct fields *fields, const char *name, const char *value, size_t length)
{
    fields->list[fields->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .value = (uint8_t *)(uintptr_t)value,
        .namelen = strlen(name),
        .valuelen = length,
        .flags = NGHTTP2_NV_FLAG_NONE,
    };
}

static void add_text(struct fields *fields, const char *name, const char *value)
{
    if (value != NULL)
        add(fields, name, value, strlen(value));
}

int load_exchange_submit(const struct load_exchange *exchange, const struct load_values *values,
                         struct load_connection *connection, struct load_call *call)
{
    struct fields fields = {.count = 0};
    char authorization[512];

    buf_clear(&call->path);
    load_template_expand(exchange->path, values, &call->path);
    add_text(&fields, ":method", exchange->method);
    add_text(&fields, ":scheme", "https");
    add_text(&fields, ":authority", connection->endpoint->authority);
    add(&fields, ":path", buf_str(&call->path), call->path.length);
    add_text(&fields, "accept", exchange->accept);
    if (call->body.length > 0)
        add_text(&fields, "content-type", exchange->content_type);
    if (exchange->bearer != NULL) {
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", exchange->bearer);
        add_text(&fields, "authorization", authorization);
    }
    return load_connection_submit(connection, call, fields.list, fields.count);
}

void load_call_release(struct load_call *call)
{
    buf_release(&call->path);
    buf_release(&call->body);
}
