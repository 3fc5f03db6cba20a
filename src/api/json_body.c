/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_body.h"

#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/json.h"

/* Some libraries write a byte order mark, which a parser may ignore (RFC 8259 8.1). */
static size_t mark_length(const char *body, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf";

    return length >= sizeof(mark) - 1 && memcmp(body, mark, sizeof(mark) - 1) == 0
               ? sizeof(mark) - 1
               : 0;
}

json_t *api_json_body(struct api_exchange *exchange)
{
    const size_t mark = mark_length(exchange->body, exchange->body_length);
    struct json_fault fault;
    json_t *value;

    if (exchange->body_length == 0) {
        api_reply_error(exchange, 400, "the body is empty; this request needs JSON in it");
        return NULL;
    }
    value = json_parse(exchange->body + mark, exchange->body_length - mark, &fault);
    if (!value && fault.is_out_of_memory)
        api_reply_error(exchange, 503, "there is no memory to read the body now; send it again");
    else if (!value)
        api_reply_error(exchange, 400,
                        "the body is not JSON that is taken here: line %u, column "
                        "%u: %s",
                        fault.line, fault.column, fault.message);
    return value;
}

json_t *api_json_body_object(struct api_exchange *exchange)
{
    json_t *value = api_json_body(exchange);

    if (!value || json_is_object(value))
        return value;
    json_decref(value);
    api_reply_error(exchange, 422, "the body must be a JSON object, such as {\"name\":\"value\"}");
    return NULL;
}

json_t *api_json_body_members(struct api_exchange *exchange)
{
    json_t *object = api_json_body_object(exchange);

    if (object)
        json_drop_nulls(object, NULL);
    return object;
}

const char *api_json_member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && text[0] != '\0' ? text : NULL;
}
