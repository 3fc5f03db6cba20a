/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_body.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/utf8.h"

static void refuse(struct api_exchange *exchange, const struct json_fault *fault)
{
    if (fault->is_out_of_memory)
        api_reply_error(exchange, 503, "there is no memory to read the body now; send it again");
    else
        api_reply_error(exchange, 400,
                        "the body is not JSON that is taken here: line %u, column "
                        "%u: %s",
                        fault->line, fault->column, fault->message);
}

static bool has_body(struct api_exchange *exchange)
{
    if (exchange->body_length > 0)
        return true;
    api_reply_error(exchange, 400, "the body is empty; this request needs JSON in it");
    return false;
}

static void refuse_other_than_object(struct api_exchange *exchange)
{
    api_reply_error(exchange, 422, "the body must be a JSON object, such as {\"name\":\"value\"}");
}

json_t *api_json_body(struct api_exchange *exchange, const struct json_rules *rules)
{
    struct json_fault fault;
    json_t *value;

    if (!has_body(exchange))
        return NULL;
    value = json_parse_by(rules, exchange->body, exchange->body_length, &fault);
    if (value)
        json_drop_nulls(value);
    else
        refuse(exchange, &fault);
    return value;
}

json_t *api_json_body_members(struct api_exchange *exchange)
{
    /* Back ends may name many. */
    const struct json_rules rules = {.is_wide = exchange->endpoint->guard != API_PAGE};
    json_t *value = api_json_body(exchange, &rules);

    if (!value || json_is_object(value))
        return value;
    json_decref(value);
    refuse_other_than_object(exchange);
    return NULL;
}

static const char *read_raw(const char *text, size_t length, size_t *at, char *raw)
{
    size_t written;
    const char *wrong = json_raw_read(text, length, at, raw, &written);

    raw[written] = '\0';
    while (!wrong && *at < length && strchr(" \t\r\n", text[*at]))
        (*at)++;
    return wrong ? wrong : *at < length ? "nothing is expected behind the value" : NULL;
}

char *api_json_body_raw(struct api_exchange *exchange)
{
    struct json_fault fault = {.is_out_of_memory = false};
    const size_t mark = utf8_mark_length(exchange->body, exchange->body_length);
    const char *text = exchange->body + mark, *wrong;
    const size_t length = exchange->body_length - mark;
    size_t at = 0;
    char *raw;

    if (!has_body(exchange))
        return NULL;
    raw = json_allocate(length + 1);
    fault.is_out_of_memory = !raw;
    wrong = raw ? read_raw(text, length, &at, raw) : "";
    if (!wrong && raw[0] == '{')
        return raw;
    free(raw);
    if (!wrong) {
        refuse_other_than_object(exchange);
        return NULL;
    }
    if (!fault.is_out_of_memory)
        json_fault_at(&fault, text, at, wrong);
    refuse(exchange, &fault);
    return NULL;
}

const char *api_json_member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && text[0] != '\0' ? text : NULL;
}
