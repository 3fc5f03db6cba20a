/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "h2/multipart.h"
#include "h2/stream.h"
#include "sse/names.h"
#include "sse/service.h"

/* ---- numbers ---- */

/* Beyond it a double holds no whole numbers (ECMAScript's Number.MAX_SAFE_INTEGER). */
#define LARGEST 9007199254740991.0

int64_t api_lenient_number(const char *text, int64_t otherwise)
{
    char *end;
    double number;

    if (!text || text[0] == '\0')
        return otherwise;
    number = strtod(text, &end);
    /* Written so that NaN is refused, too. */
    if (*end != '\0' || !(number >= -LARGEST && number <= LARGEST))
        return otherwise;
    return (int64_t)number;
}

int64_t api_lenient_seconds(const char *text, int64_t otherwise)
{
    const int64_t seconds = api_lenient_number(text, -1);

    return seconds < 0 || seconds > API_MOST_SECONDS ? otherwise : seconds;
}

int api_whole_number(const char *text, uint64_t most, uint64_t *number)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return -EINVAL;
    *number = strtoull(text, NULL, 10); /* the largest, where it is larger */
    if (*number > most)
        *number = most;
    return 0;
}

/* ---- what JSON is read as, in any thread ---- */

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

/* An object whose members its handler asks for; those that are null are not there. */
static const struct body_kind json_members = {read_members, release_members};

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

/* An object, token by token as its sender wrote it (base/json_raw.h). */
static const struct body_kind json_tokens = {read_raw, release_raw};

/* ---- the turn of a body ---- */

struct body_turn {
    struct body_reading reading; /* of a large body */
    struct h2_body body;         /* which lies here until it was read */
    struct ordered_job place;
    struct pool_job end;
    struct api_exchange *exchange; /* a reference, until its turn */
    void (*handle)(struct api_exchange *exchange);
};

static struct body_rules rules_for(const struct api_exchange *exchange)
{
    const struct sse_service_settings *settings = exchange->service->settings->core;

    return (struct body_rules){
        .bounds = {settings->event_data_bytes, settings->line_bytes,
                   settings->users_unique == SSE_UNIQUE_IN_TENANT},
        .is_wide = exchange->endpoint->guard != API_PAGE, /* back ends may name many */
        .tenants = exchange->tenants,
        .name_token = exchange->service->auth->ops->name_token,
    };
}

/* In a thread, as the next one. */
static void work(struct ordered_job *place)
{
    struct body_turn *turn = container_of(place, struct body_turn, place);

    turn->reading.kind->read(&turn->reading);
    h2_body_free(&turn->body);
}

static void run_end(struct pool_job *job)
{
    struct body_turn *turn = container_of(job, struct body_turn, end);

    turn->reading.kind->release(&turn->reading);
}

static void on_end(struct pool_job *job)
{
    free(container_of(job, struct body_turn, end));
}

/* To free what was read takes long, too. */
void body_turn_free(struct body_turn *turn, struct ordered_jobs *lines)
{
    if (turn && turn->reading.kind && (turn->reading.value || turn->reading.made))
        ordered_jobs_do(lines, &turn->end, run_end, on_end);
    else
        free(turn);
}

static void on_turn(struct ordered_job *place)
{
    struct body_turn *turn = container_of(place, struct body_turn, place);
    struct api_exchange *exchange = turn->exchange;

    turn->handle(exchange);
    api_exchange_unref(exchange);
}

const struct body_kind *body_kind_of(enum api_body body)
{
    switch (body) {
    case API_JSON:
    case API_CREDENTIAL:
        return &json_members;
    case API_JSON_TOKENS:
        return &json_tokens;
    case API_JSON_MESSAGES:
        return &messages_kind;
    default:
        return NULL;
    }
}

/* What changes something; queries pass by. */
static bool has_order(const struct api_endpoint *endpoint)
{
    return body_kind_of(endpoint->body) ||
           (endpoint->guard == API_BACK_END &&
            (endpoint->permission & (AUTH_MAY_SEND | AUTH_MAY_DISCONNECT)));
}

static struct body_reading reading_of(const struct api_exchange *exchange)
{
    return (struct body_reading){
        .kind = body_kind_of(exchange->endpoint->body),
        .rules = rules_for(exchange),
        .text = exchange->body,
        .length = exchange->body_length,
    };
}

/* Its handler finds what was read, and no text. */
static void read_by_thread(struct body_turn *turn, struct api_exchange *exchange)
{
    turn->reading = reading_of(exchange);
    turn->body = exchange->kept;
    turn->place.work = work;
    exchange->kept = (struct h2_body){0};
    exchange->body = "";
}

bool body_reading_begin(struct api_exchange *exchange,
                        void (*handle)(struct api_exchange *exchange))
{
    struct ordered_jobs *lines = &exchange->api->bodies;
    const bool is_large =
        body_kind_of(exchange->endpoint->body) && exchange->body_length > BODY_READ_AT_ONCE;
    struct body_turn *turn;

    if (exchange->turn || !has_order(exchange->endpoint))
        return false; /* it has had its turn, or needs none */
    if (!is_large && !ordered_jobs_wait(lines, exchange->session_number))
        return false;
    turn = mem_zalloc(sizeof(*turn));
    turn->exchange = api_exchange_ref(exchange);
    turn->handle = handle;
    turn->place.turn = on_turn;
    exchange->turn = turn;
    api_exchange_keep_body(exchange);
    if (is_large)
        read_by_thread(turn, exchange);
    ordered_jobs_enter(lines, exchange->session_number, &turn->place);
    return true;
}

struct body_reading *body_reading_get(struct api_exchange *exchange, struct body_reading *here)
{
    if (exchange->turn && exchange->turn->reading.kind)
        return &exchange->turn->reading;
    *here = reading_of(exchange);
    assert(here->kind);
    here->kind->read(here);
    return here;
}

void body_reading_end(struct body_reading *reading, const struct body_reading *here)
{
    if (reading == here)
        reading->kind->release(reading);
}

/* ---- JSON for handlers ---- */

void api_json_body_refuse(struct api_exchange *exchange, const struct body_reading *reading)
{
    const struct json_fault *fault = &reading->fault;

    if (reading->length == 0)
        api_reply_error(exchange, 400, "the body is empty; this request needs JSON in it");
    else if (reading->value || reading->made)
        api_reply_error(exchange, 422,
                        "the body must be a JSON object, such as {\"name\":\"value\"}");
    else if (fault->is_out_of_memory)
        api_reply_error(exchange, 503, "there is no memory to read the body now; send it again");
    else
        api_reply_error(exchange, 400,
                        "the body is not JSON that is taken here: line %u, column "
                        "%u: %s",
                        fault->line, fault->column, fault->message);
}

json_t *api_json_body_members(struct api_exchange *exchange)
{
    struct body_reading here;
    struct body_reading *reading = body_reading_get(exchange, &here);
    json_t *value = json_is_object(reading->value) ? json_incref(reading->value) : NULL;

    if (!value)
        api_json_body_refuse(exchange, reading);
    body_reading_end(reading, &here);
    return value;
}

bool api_json_body_raw(struct api_exchange *exchange, char **raw)
{
    struct body_reading here;
    struct body_reading *reading = body_reading_get(exchange, &here);
    char *made = reading->made;
    const bool is_fine = reading->length == 0 || (made && made[0] == '{');

    *raw = is_fine ? made : NULL;
    if (is_fine)
        reading->made = NULL;
    else
        api_json_body_refuse(exchange, reading);
    body_reading_end(reading, &here);
    return is_fine;
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

/* ---- forms ---- */

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

/* ---- a form in JSON ---- */

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
        .kind = &json_members, .text = exchange->body, .length = exchange->body_length};
    const char *name;
    json_t *value;
    bool is_object;

    reading.kind->read(&reading);
    is_object = json_is_object(reading.value);
    if (!is_object)
        api_json_body_refuse(exchange, &reading);
    json_object_foreach(reading.value, name, value)
        add_member(&maker, name, value);
    reading.kind->release(&reading);
    return is_object && make(exchange, &maker);
}

/* ---- a form in multipart ---- */

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

const char *name_list_add_form(struct name_list *list, enum name_kind kind,
                               const struct h2_form *form, const char *parameter)
{
    const char *fault = NULL;

    for (size_t i = 0; i < form->count && !fault; i++) {
        const struct h2_form_field *field = &form->fields[i];

        if (strcmp(field->name, parameter) == 0 && field->value[0] != '\0')
            fault = name_list_add(list, kind, field->value);
    }
    return fault;
}
