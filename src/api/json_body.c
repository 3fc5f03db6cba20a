/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_body.h"

#include <stdlib.h>
#include <string.h>

#include "api/body_reading.h"
#include "api/exchange.h"
#include "api/reply.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/utf8.h"

void api_json_body_refuse(struct api_exchange *exchange, const struct body_reading *reading)
{
    const struct json_fault *fault = &reading->fault;

    if (reading->length == 0)
        api_reply_error(exchange, 400, "the body is empty; this request needs JSON in it");
    else if (fault->is_out_of_memory)
        api_reply_error(exchange, 503, "there is no memory to read the body now; send it again");
    else
        api_reply_error(exchange, 400,
                        "the body is not JSON that is taken here: line %u, column "
                        "%u: %s",
                        fault->line, fault->column, fault->message);
}

void api_json_body_refuse_other(struct api_exchange *exchange)
{
    api_reply_error(exchange, 422, "the body must be a JSON object, such as {\"name\":\"value\"}");
}

/* ---- members ---- */

static void read_members(struct body_reading *reading)
{
    const struct json_rules rules = {.is_wide = reading->rules.is_wide};

    if (reading->length > 0)
        reading->value = json_parse_by(&rules, reading->text, reading->length, &reading->fault);
    if (reading->value)
        json_drop_nulls(reading->value);
}

static void release_members(struct body_reading *reading)
{
    json_decref(reading->value);
}

const struct body_kind api_json_members = {read_members, release_members};

json_t *api_json_body_members(struct api_exchange *exchange)
{
    struct body_reading here;
    struct body_reading *reading = body_reading_get(exchange, &here);
    json_t *value = NULL;

    if (!reading->value)
        api_json_body_refuse(exchange, reading);
    else if (!json_is_object(reading->value))
        api_json_body_refuse_other(exchange);
    else
        value = json_incref(reading->value);
    body_reading_end(reading, &here);
    return value;
}

/* ---- tokens ---- */

static const char *read_whole(const char *text, size_t length, size_t *at, char *raw)
{
    size_t written;
    const char *wrong = json_raw_read(text, length, at, raw, &written);

    raw[written] = '\0';
    while (!wrong && *at < length && strchr(" \t\r\n", text[*at]))
        (*at)++;
    return wrong ? wrong : *at < length ? "nothing is expected behind the value" : NULL;
}

static void read_raw(struct body_reading *reading)
{
    const size_t mark = utf8_mark_length(reading->text, reading->length);
    const char *text = reading->text + mark, *wrong;
    const size_t length = reading->length - mark;
    char *raw = json_allocate(length + 1);
    size_t at = 0;

    reading->fault.is_out_of_memory = !raw;
    if (!raw)
        return;
    wrong = read_whole(text, length, &at, raw);
    reading->made = raw;
    if (!wrong && strcmp(raw, "null") == 0)
        memcpy(raw, "{}", sizeof("{}"));
    if (!wrong)
        return;
    free(raw);
    reading->made = NULL;
    json_fault_at(&reading->fault, text, at, wrong);
}

static void release_raw(struct body_reading *reading)
{
    free(reading->made);
}

const struct body_kind api_json_raw = {read_raw, release_raw};

/* False: it has answered. */
static bool take_raw(struct api_exchange *exchange, struct body_reading *reading, char **raw)
{
    const char *made = reading->made;

    if (reading->length == 0)
        return true;
    if (!made) {
        api_json_body_refuse(exchange, reading);
        return false;
    }
    if (made[0] != '{') {
        api_json_body_refuse_other(exchange);
        return false;
    }
    *raw = reading->made;
    reading->made = NULL;
    return true;
}

bool api_json_body_raw(struct api_exchange *exchange, char **raw)
{
    struct body_reading here;
    struct body_reading *reading = body_reading_get(exchange, &here);
    bool is_taken;

    *raw = NULL;
    is_taken = take_raw(exchange, reading, raw);
    body_reading_end(reading, &here);
    return is_taken;
}

const char *api_json_member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && text[0] != '\0' ? text : NULL;
}

const char *api_json_member_id(json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_integer(value))
        json_object_set_new(object, name,
                            json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    return api_json_member_text(object, name);
}
