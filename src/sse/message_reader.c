/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/json_view.h"
#include "base/mem.h"
#include "sse/event.h"
#include "sse/message.h"

const struct json_rules sse_message_json = {.is_wide = true, .kept = "data"};

/* Behind the dimensions. */
enum field {
    EVENT = SSE_DIMENSIONS,
    DATA,
    LISTENING,
    QOS,
    TTL,
    ID,
    RECEIPT,
    COMMENT,
    RECONNECT_TIME,
    FIELDS
};

_Static_assert(FIELDS == SSE_MESSAGE_FIELDS, "a view for each");

static const char *const names[FIELDS] = {
    [EVENT] = "event",     [DATA] = "data",       [LISTENING] = "listening",
    [QOS] = "qos",         [TTL] = "ttl",         [ID] = "id",
    [RECEIPT] = "receipt", [COMMENT] = "comment", [RECONNECT_TIME] = "reconnectTime",
};

/* What is being read, and where to say what is wrong with it. */
struct reading {
    const struct json_view *views; /* by field */
    struct sse_message_bounds bounds;
    bool is_ours; /* not a sender's: it may have the server's names */
    struct sse_fault fault;
};

static bool has(const struct reading *reading, enum field field)
{
    return json_view_is_there(&reading->views[field]);
}

/* An empty name has its quotation mark, or its NUL, behind it. */
static int find_field(const char *name, size_t length)
{
    for (int i = 0; i < FIELDS; i++) {
        const char *known = i < SSE_DIMENSIONS ? sse_dimension_keys[i] : names[i];

        if (known[0] == name[0] && strlen(known) == length && memcmp(known, name, length) == 0)
            return i;
    }
    return -1;
}

static const struct json_view_members members = {.find = find_field, .kept = DATA};

bool sse_message_view_text(struct json_view_text *text, struct json_view *views)
{
    memset(views, 0, FIELDS * sizeof(*views));
    return json_view_object(text, &members, views);
}

static int view_tree(const json_t *object, struct json_view *views, const struct reading *reading)
{
    const char *key;
    json_t *value;

    memset(views, 0, FIELDS * sizeof(*views));
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const int field = find_field(key, strlen(key));

        if (field < 0)
            return sse_fail(&reading->fault,
                            "unknown field \"%.64s\"; a message has event, data, comment, "
                            "reconnectTime, listening, qos, ttl, id, receipt and one of userId "
                            "(with or without tenantId), accessToken, tenantId, channel, "
                            "connectionId, all",
                            key);
        views[field] = json_view_of(value);
    }
    return 0;
}

/* A text that stands in one line of the event. */
static int read_line(const struct reading *reading, enum field field, size_t limit, char **text)
{
    const struct json_view *view = &reading->views[field];
    int status;

    if (view->kind != JSON_VIEW_TEXT || view->length == 0)
        return sse_fail(&reading->fault, "\"%s\" must be a non-empty string", names[field]);
    status = sse_event_check_field(view->text, view->length, limit);
    if (status == -EMSGSIZE)
        return sse_fail(&reading->fault, "\"%s\" is longer than %zu bytes", names[field], limit);
    if (status < 0)
        return sse_fail(&reading->fault, "\"%s\" must not hold line breaks or NUL characters",
                        names[field]);
    *text = mem_strndup(view->text, view->length);
    return 0;
}

/* What a page takes an event without a name for. */
static const char nameless[] = "message";

static int read_event(const struct reading *reading, struct sse_message *message)
{
    const char *fault;
    int status;

    message->has_name = has(reading, EVENT);
    if (!message->has_name) {
        message->event = mem_strdup(nameless);
        return 0;
    }
    status = read_line(reading, EVENT, SSE_EVENT_MAX_NAME, &message->event);
    if (status < 0 || reading->is_ours)
        return status;
    fault = sse_event_name_fault(message->event);
    return fault ? sse_fail(&reading->fault, "the event \"%s\" %s", message->event, fault) : 0;
}

static int read_comment(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *comment = &reading->views[COMMENT];

    if (has(reading, COMMENT) &&
        (comment->kind != JSON_VIEW_TEXT ||
         sse_event_check_field(comment->text, comment->length, SSE_MESSAGE_MAX_COMMENT) != 0))
        return sse_fail(&reading->fault,
                        "\"comment\" must be a text of at most %u bytes without line breaks or NUL "
                        "characters",
                        SSE_MESSAGE_MAX_COMMENT);
    message->comment = sse_message_text(comment->text, comment->length);
    return 0;
}

static int read_retry(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *retry = &reading->views[RECONNECT_TIME];

    message->retry_ms = has(reading, RECONNECT_TIME) ? retry->integer : -1;
    if (!has(reading, RECONNECT_TIME) ||
        (retry->kind == JSON_VIEW_INTEGER && message->retry_ms >= SSE_MESSAGE_LEAST_RETRY &&
         message->retry_ms <= SSE_MESSAGE_LONGEST_RETRY))
        return 0;
    return sse_fail(&reading->fault,
                    "\"reconnectTime\" must be a whole number of milliseconds from %d to %d",
                    SSE_MESSAGE_LEAST_RETRY, SSE_MESSAGE_LONGEST_RETRY);
}

/* What has neither a name nor data is no event, so that nobody acknowledges or listens to it. */
static int check_event(const struct reading *reading, struct sse_message *message)
{
    message->has_no_event = !message->has_name && !has(reading, DATA);
    if (!message->has_no_event)
        return 0;
    if (*message->comment == '\0' && message->retry_ms < 0)
        return sse_fail(
            &reading->fault,
            "\"event\" must be a non-empty string, where there is no \"data\", \"comment\" "
            "or \"reconnectTime\"");
    if (message->is_stored || reading->views[LISTENING].kind == JSON_VIEW_TRUE)
        return sse_fail(
            &reading->fault,
            "without \"event\" and \"data\" it is no event, which \"qos\" and \"listening\" are "
            "of; give it one of them");
    return 0;
}

/* A page shows the id in the field last-event-id, where browsers and libraries take no other
 * characters and trim blanks (RFC 9110 5.5). */
static bool fits_header(const char *id)
{
    const size_t length = strlen(id);

    for (size_t i = 0; i < length; i++) {
        if (id[i] < ' ' || id[i] > '~')
            return false;
    }
    return id[0] != ' ' && id[length - 1] != ' ';
}

static int read_given_id(const struct reading *reading, struct sse_message *message)
{
    const int status = read_line(reading, ID, SSE_EVENT_MAX_ID, &message->id);

    if (status < 0 || reading->is_ours)
        return status;
    if (!fits_header(message->id))
        return sse_fail(&reading->fault,
                        "\"id\" comes back in the header field last-event-id: use visible ASCII "
                        "characters, and blanks only between them");
    if (sse_own_id_read(message->id).kind != SSE_OWN_ID_NONE)
        return sse_fail(&reading->fault,
                        "\"id\" has the form of the server's own ids, 16 hexadecimal digits, a "
                        "dash and a number, which says what they name: choose another form");
    return 0;
}

static int read_id(const struct reading *reading, struct sse_message *message)
{
    char id[SSE_MESSAGE_ID_SIZE];

    if (has(reading, ID))
        return read_given_id(reading, message);
    message->is_id_fresh = true;
    sse_message_make_id(id, message->is_stored ? SSE_OWN_ID_STORED : SSE_OWN_ID_MESSAGE);
    message->id = mem_strdup(id);
    return 0;
}

static int read_target(const struct reading *reading, struct sse_message *message)
{
    const enum json_view_kind listening = reading->views[LISTENING].kind;
    const unsigned every =
        ((1u << SSE_DIMENSIONS) - 1) | (reading->bounds.of_tenant ? SSE_TARGET_OF_TENANT : 0);
    const int status = sse_target_read(&message->target, reading->views, every, &reading->fault);

    if (status < 0)
        return status;
    if (listening != JSON_VIEW_NONE && listening != JSON_VIEW_FALSE && listening != JSON_VIEW_TRUE)
        return sse_fail(&reading->fault, "\"listening\" must be true or false");
    if (listening == JSON_VIEW_TRUE)
        message->target.listening = mem_strdup(message->event);
    return 0;
}

static int read_ttl(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *ttl = &reading->views[TTL];

    message->ttl_s = has(reading, TTL) ? ttl->integer : -1;
    if (!has(reading, TTL) || (ttl->kind == JSON_VIEW_INTEGER && message->ttl_s >= 0))
        return 0;
    return sse_fail(&reading->fault, "\"ttl\" must be a whole number of seconds, 0 or more");
}

static int read_qos(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *qos = &reading->views[QOS];

    message->is_stored = qos->integer == 1;
    if (!has(reading, QOS) ||
        (qos->kind == JSON_VIEW_INTEGER && (message->is_stored || qos->integer == 0)))
        return 0;
    return sse_fail(&reading->fault, "\"qos\" must be 0 or 1");
}

static bool begins_with(const struct json_view *view, const char *text)
{
    return view->length >= strlen(text) && memcmp(view->text, text, strlen(text)) == 0;
}

static bool is_url(const struct json_view *view)
{
    return (begins_with(view, "https://") || begins_with(view, "http://")) &&
           sse_event_check_field(view->text, view->length, SSE_MESSAGE_MAX_RECEIPT) == 0;
}

static int read_receipt(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *receipt = &reading->views[RECEIPT];
    const bool is_true = receipt->kind == JSON_VIEW_TRUE;

    message->receipt =
        is_true ? mem_strdup("true") : sse_message_text(receipt->text, receipt->length);
    if (receipt->kind == JSON_VIEW_TEXT
            ? !is_url(receipt)
            : has(reading, RECEIPT) && !is_true && receipt->kind != JSON_VIEW_FALSE)
        return sse_fail(
            &reading->fault,
            "\"receipt\" must be true or false, or an http or https URL of at most %u bytes",
            SSE_MESSAGE_MAX_RECEIPT);
    if (*message->receipt == '\0' || message->is_stored)
        return 0;
    return sse_fail(&reading->fault,
                    "\"receipt\" is of messages that are acknowledged: send it with \"qos\" 1");
}

/* Encodes the event with its data; text holds what was sent as data. */
static int encode_by(struct bytes *(*encode)(const struct sse_event_fields *fields),
                     const struct reading *reading, struct sse_message *message, const char *text,
                     size_t length)
{
    const struct sse_event_fields fields = {
        .id = message->id,
        .name = message->has_name ? message->event : NULL,
        .data = message->has_no_event ? NULL : text,
        .data_length = length,
        .retry_ms = message->retry_ms,
        .comment = *message->comment != '\0' ? message->comment : NULL,
    };

    message->wire = encode(&fields);
    if (message->wire)
        return 0;
    return sse_fail(&reading->fault, "\"data\" is not valid UTF-8");
}

/* line: the longest that cannot be broken, or 0, where all of it is no longer than one may be. */
static int check_size(const struct reading *reading, size_t length, size_t line)
{
    if (length > reading->bounds.data)
        (void)sse_fail(&reading->fault,
                       "\"data\" has %zu bytes; at most %zu are taken (services[].eventDataBytes)",
                       length, reading->bounds.data);
    else if (line > reading->bounds.line)
        (void)sse_fail(
            &reading->fault,
            "\"data\" has a line or a string of %zu bytes, and some clients read no more than "
            "64 KiB of one: at most %zu are taken (services[].lineBytes); break it up",
            line, reading->bounds.line);
    else
        return 0;
    return -EMSGSIZE;
}

static int no_memory(const struct reading *reading)
{
    (void)sse_fail(&reading->fault, "there is no memory for its \"data\" now");
    return -ENOMEM;
}

/* A string is sent as the text that it stands for. */
static int encode_text(const struct reading *reading, struct sse_message *message, const char *raw,
                       size_t length)
{
    char *text = json_allocate(length);
    int status;

    if (!text)
        return no_memory(reading);
    length = json_raw_text(raw, length, text);
    status = check_size(reading, length,
                        length > reading->bounds.line ? sse_data_longest_line(text, length) : 0);
    if (status == 0)
        status = encode_by(sse_event_encode, reading, message, text, length);
    free(text);
    return status;
}

/* Anything else is JSON, which a reader takes with line breaks between tokens as well. */
static int encode_json(const struct reading *reading, struct sse_message *message, const char *raw,
                       size_t length)
{
    const int status = check_size(
        reading, length, length > reading->bounds.line ? sse_data_longest_token(raw, length) : 0);

    return status != 0 ? status : encode_by(sse_event_encode_json, reading, message, raw, length);
}

/* Of one that is stored the tokens are kept. */
static int encode_data(const struct reading *reading, struct sse_message *message, const char *raw,
                       size_t length)
{
    const int status = length > 0 && raw[0] == '"' ? encode_text(reading, message, raw, length)
                                                   : encode_json(reading, message, raw, length);

    if (status < 0 || !message->is_stored || !has(reading, DATA))
        return status;
    message->data = json_allocate(length + 1);
    if (!message->data)
        return no_memory(reading);
    memcpy(message->data, raw, length);
    message->data[length] = '\0';
    return 0;
}

/* White space between tokens goes; a string has none. */
static int read_data(const struct reading *reading, struct sse_message *message)
{
    const struct json_view *data = &reading->views[DATA];
    size_t at = 0, length;
    char *tokens;
    int status;

    if (data->length == 0 || data->text[0] == '"')
        return encode_data(reading, message, data->length > 0 ? data->text : "", data->length);
    tokens = json_allocate(data->length);
    if (!tokens)
        return no_memory(reading);
    (void)json_raw_read(data->text, data->length, &at, tokens, &length);
    status = encode_data(reading, message, tokens, length);
    free(tokens);
    return status;
}

static int read_fields(const struct reading *reading, struct sse_message *message)
{
    return read_ttl(reading, message)
               ?: read_qos(reading, message)
               ?: read_receipt(reading, message)
               ?: read_event(reading, message)
               ?: read_comment(reading, message)
               ?: read_retry(reading, message)
               ?: check_event(reading, message)
               ?: read_id(reading, message)
               ?: read_target(reading, message)
               ?: read_data(reading, message);
}

/* A message that has no more than its count. */
static struct sse_message *message_new(void)
{
    struct sse_message *message = mem_zalloc(sizeof(*message));

    atomic_init(&message->refs, 1);
    message->target.dimension = SSE_DIMENSIONS;
    return message;
}

static int read_message(const struct reading *reading, struct sse_message **message)
{
    int status;

    *message = message_new();
    status = read_fields(reading, *message);
    if (status < 0)
        *message = sse_message_unref(*message);
    return status;
}

int sse_message_from_views(struct sse_message **message, const struct json_view *views,
                           const struct sse_message_bounds *bounds, char *fault, size_t fault_size)
{
    return read_message(
        &(struct reading){.views = views, .bounds = *bounds, .fault = {fault, fault_size}},
        message);
}

static int read_tree(const json_t *object, struct reading reading, struct sse_message **message)
{
    struct json_view views[FIELDS];

    *message = NULL;
    reading.views = views;
    if (!json_is_object(object))
        return sse_fail(&reading.fault, "a message must be a JSON object");
    return view_tree(object, views, &reading) < 0 ? -EINVAL : read_message(&reading, message);
}

int sse_message_from_json(struct sse_message **message, const json_t *object,
                          const struct sse_message_bounds *bounds, char *fault, size_t fault_size)
{
    return read_tree(object, (struct reading){.bounds = *bounds, .fault = {fault, fault_size}},
                     message);
}

int sse_message_from_store(struct sse_message **message, const json_t *object)
{
    char fault[200];
    const struct reading reading = {.bounds = {.data = SIZE_MAX, .line = SIZE_MAX},
                                    .is_ours = true,
                                    .fault = {fault, sizeof(fault)}};

    return read_tree(object, reading, message);
}

struct sse_message *sse_message_new(const char *event, struct sse_target *target, const char *data)
{
    const struct reading reading = {.is_ours = true};
    struct sse_message *message = message_new();
    char id[SSE_MESSAGE_ID_SIZE];

    message->is_id_fresh = true;
    sse_message_make_id(id, SSE_OWN_ID_STORED); /* whoever does not get it finds it in the store */
    message->id = mem_strdup(id);
    message->event = mem_strdup(event);
    message->has_name = true;
    message->comment = sse_message_text("", 0);
    message->retry_ms = -1;
    message->target = *target;
    *target = (struct sse_target){.dimension = SSE_DIMENSIONS};
    message->ttl_s = -1;
    message->receipt = sse_message_text("", 0);
    message->data = mem_strdup(data);
    (void)encode_by(sse_event_encode_json, &reading, message, data, strlen(data));
    assert(message->wire); /* the texts are our own */
    return message;
}
