/* SPDX-License-Identifier: Apache-2.0 */
#include "api/form_body.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/body_reading.h"
#include "api/exchange.h"
#include "api/json_body.h"
#include "api/reply.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "h2/multipart.h"

static const char multipart[] = "multipart/form-data";
static const char json[] = "application/json";

bool api_form_is_type(const struct h2_request *request)
{
    return h2_request_is_type(request, "application/x-www-form-urlencoded") ||
           h2_request_is_type(request, multipart) || h2_request_is_type(request, json);
}

static void refuse_number(struct api_exchange *exchange, const char *what)
{
    api_reply_error(exchange, 400, "the %s has more than %u parameters", what, H2_FORM_MAX_FIELDS);
}

bool api_form_read_text(struct api_exchange *exchange, struct h2_form *form, const char *what,
                        const char *text, size_t length)
{
    size_t at = 0;
    int rc = h2_form_parse(form, text, length, &at);

    if (rc == -E2BIG)
        refuse_number(exchange, what);
    else if (rc < 0)
        api_reply_error(exchange, 400,
                        "the %s cannot be read at byte %zu: a '%%' needs two hexadecimal digits "
                        "behind it, and the decoded text must be UTF-8 without NUL",
                        what, at + 1);
    return rc == 0;
}

static bool make(struct api_exchange *exchange, struct h2_form_maker *maker)
{
    if (h2_form_make(&exchange->form, maker) == 0)
        return true;
    refuse_number(exchange, "body");
    return false;
}

/* ---- JSON ---- */

static void add_value(struct h2_form_maker *maker, const char *name, const json_t *value)
{
    char *text;

    if (json_is_string(value)) {
        h2_form_add(maker, name, json_string_value(value));
        return;
    }
    if (json_is_null(value))
        return;
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    h2_form_add(maker, name, text ? text : "");
    free(text);
}

static void add_member(struct h2_form_maker *maker, const char *name, const json_t *value)
{
    if (!json_is_array(value)) {
        add_value(maker, name, value);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        add_value(maker, name, json_array_get(value, i));
}

static bool read_json(struct api_exchange *exchange)
{
    struct h2_form_maker maker = {.texts = BUF_INIT};
    struct body_reading reading = {
        .kind = &api_json_members, .text = exchange->body, .length = exchange->body_length};
    const char *name;
    json_t *value;
    bool is_object;

    reading.kind->read(&reading);
    is_object = json_is_object(reading.value);
    if (!reading.value)
        api_json_body_refuse(exchange, &reading);
    else if (!is_object)
        api_json_body_refuse_other(exchange);
    json_object_foreach(reading.value, name, value)
        add_member(&maker, name, value);
    reading.kind->release(&reading);
    return is_object && make(exchange, &maker);
}

/* ---- multipart ---- */

struct parts {
    struct h2_form_maker maker;
    char *name; /* of the field that is read; NULL: none is */
    struct buf value;
};

static int on_part(void *context, const struct h2_multipart_part *part)
{
    struct parts *parts = context;

    if (!part->file_name)
        parts->name = mem_strdup(part->name);
    return 0;
}

static int on_data(void *context, const char *data, size_t length)
{
    struct parts *parts = context;

    if (parts->name)
        buf_append(&parts->value, data, length);
    return 0;
}

static int on_part_end(void *context)
{
    struct parts *parts = context;
    const char *value = buf_str(&parts->value);
    const bool is_text =
        strlen(value) == parts->value.length && utf8_is_valid(value, parts->value.length);

    if (!is_text)
        return -EILSEQ;
    if (parts->name)
        h2_form_add(&parts->maker, parts->name, value);
    free(parts->name);
    parts->name = NULL;
    buf_clear(&parts->value);
    return 0;
}

static bool read_parts(struct api_exchange *exchange)
{
    static const struct h2_multipart_limits limits = {
        .parts = H2_FORM_MAX_FIELDS, .part_headers = 8, .header_bytes = 2048};
    static const struct h2_multipart_handler handler = {on_part, on_data, on_part_end};
    struct parts parts = {.maker = {.texts = BUF_INIT}, .value = BUF_INIT};
    const char *fault = NULL;
    struct h2_multipart *reader = h2_multipart_new(
        h2_request_header(exchange->request, "content-type"), &limits, &handler, &parts, &fault);
    int rc = 0;

    if (reader)
        rc = h2_multipart_feed(reader, exchange->body, exchange->body_length);
    if (reader && rc == 0)
        rc = h2_multipart_finish(reader);
    if (reader && rc != 0)
        fault = rc == -EILSEQ ? "a field of the form must be UTF-8 without NUL"
                              : h2_multipart_fault(reader);
    if (fault)
        api_reply_error(exchange, 400, "%s", fault);
    h2_multipart_free(reader);
    free(parts.name);
    buf_release(&parts.value);
    if (!fault)
        return make(exchange, &parts.maker);
    buf_release(&parts.maker.texts);
    return false;
}

bool api_form_read_body(struct api_exchange *exchange)
{
    if (exchange->body_length > 0 && h2_request_is_type(exchange->request, json))
        return read_json(exchange);
    if (exchange->body_length > 0 && h2_request_is_type(exchange->request, multipart))
        return read_parts(exchange);
    return api_form_read_text(exchange, &exchange->form, "body", exchange->body,
                              exchange->body_length);
}
