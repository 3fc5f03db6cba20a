/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/mem.h"
#include "sse/data_lines.h"
#include "sse/event.h"
#include "sse/event_name.h"
#include "sse/message.h"

const struct json_rules sse_message_json = {.is_wide = true, .kept = "data"};

static const char *const own_fields[] = {"event", "data",    "listening", "qos",          "ttl",
                                         "id",    "receipt", "comment",   "reconnectTime"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is being read, and where to say what is wrong with it. */
struct reading {
    const json_t *object;
    struct sse_message_bounds bounds;
    bool is_ours; /* not a sender's: it may have the server's names */
    char *fault;
    size_t fault_size;
};

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static int check_names(const struct reading *reading)
{
    void *at = json_object_iter((json_t *)(uintptr_t)reading->object);

    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)reading->object, at)) {
        const char *key = json_object_iter_key(at);

        if (is_one_of(key, own_fields, COUNT(own_fields)) ||
            is_one_of(key, sse_dimension_keys, SSE_DIMENSIONS))
            continue;
        snprintf(reading->fault, reading->fault_size,
                 "unknown field \"%.64s\"; a message has event, data, comment, reconnectTime, "
                 "listening, "
                 "qos, ttl, id, receipt and one of userId (with or without tenantId), accessToken, "
                 "tenantId, channel, "
                 "connectionId, all",
                 key);
        return -EINVAL;
    }
    return 0;
}

/* A text that stands in one line of the event. */
static int read_line(const struct reading *reading, const char *key, size_t limit, char **text)
{
    const json_t *value = json_object_get(reading->object, key);
    const char *string = json_string_value(value);
    int status;

    if (!string || string[0] == '\0') {
        snprintf(reading->fault, reading->fault_size, "\"%s\" must be a non-empty string", key);
        return -EINVAL;
    }
    status = sse_event_check_field(string, json_string_length(value), limit);
    if (status == -EMSGSIZE)
        snprintf(reading->fault, reading->fault_size, "\"%s\" is longer than %zu bytes", key,
                 limit);
    else if (status < 0)
        snprintf(reading->fault, reading->fault_size,
                 "\"%s\" must not hold line breaks or NUL characters", key);
    else
        *text = mem_strdup(string);
    return status == -EMSGSIZE ? -EINVAL : status;
}

/* What a page takes an event without a name for. */
static const char nameless[] = "message";

static int read_event(const struct reading *reading, struct sse_message *message)
{
    const char *fault;
    int status;

    message->has_name = json_object_get(reading->object, "event") != NULL;
    if (!message->has_name) {
        message->event = mem_strdup(nameless);
        return 0;
    }
    status = read_line(reading, "event", SSE_EVENT_MAX_NAME, &message->event);
    if (status < 0 || reading->is_ours)
        return status;
    fault = sse_event_name_fault(message->event);
    if (!fault)
        return 0;
    snprintf(reading->fault, reading->fault_size, "the event \"%s\" %s", message->event, fault);
    return -EINVAL;
}

static int read_comment(const struct reading *reading, struct sse_message *message)
{
    const json_t *comment = json_object_get(reading->object, "comment");
    const char *text = comment ? json_string_value(comment) : "";

    if (!text ||
        sse_event_check_field(text, json_string_length(comment), SSE_MESSAGE_MAX_COMMENT) != 0) {
        snprintf(reading->fault, reading->fault_size,
                 "\"comment\" must be a text of at most %u bytes without line breaks or NUL "
                 "characters",
                 SSE_MESSAGE_MAX_COMMENT);
        return -EINVAL;
    }
    message->comment = mem_strdup(text);
    return 0;
}

static int read_retry(const struct reading *reading, struct sse_message *message)
{
    const json_t *retry = json_object_get(reading->object, "reconnectTime");

    message->retry_ms = retry ? json_integer_value(retry) : -1;
    if (!retry || (json_is_integer(retry) && message->retry_ms >= SSE_MESSAGE_LEAST_RETRY &&
                   message->retry_ms <= SSE_MESSAGE_LONGEST_RETRY))
        return 0;
    snprintf(reading->fault, reading->fault_size,
             "\"reconnectTime\" must be a whole number of milliseconds from %d to %d",
             SSE_MESSAGE_LEAST_RETRY, SSE_MESSAGE_LONGEST_RETRY);
    return -EINVAL;
}

/* What has neither a name nor data is no event, so that nobody acknowledges or listens to it. */
static int check_event(const struct reading *reading, struct sse_message *message)
{
    message->has_no_event = !message->has_name && !json_object_get(reading->object, "data");
    if (!message->has_no_event)
        return 0;
    if (*message->comment == '\0' && message->retry_ms < 0)
        snprintf(reading->fault, reading->fault_size,
                 "\"event\" must be a non-empty string, where there is no \"data\", \"comment\" "
                 "or \"reconnectTime\"");
    else if (message->is_stored || json_is_true(json_object_get(reading->object, "listening")))
        snprintf(
            reading->fault, reading->fault_size,
            "without \"event\" and \"data\" it is no event, which \"qos\" and \"listening\" are "
            "of; give it one of them");
    else
        return 0;
    return -EINVAL;
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

static int check_given_id(const struct reading *reading, const char *id)
{
    if (!fits_header(id))
        snprintf(reading->fault, reading->fault_size,
                 "\"id\" comes back in the header field last-event-id: use visible ASCII "
                 "characters, and blanks only between them");
    else if (sse_own_id_read(id).kind != SSE_OWN_ID_NONE)
        snprintf(reading->fault, reading->fault_size,
                 "\"id\" has the form of the server's own ids, 16 hexadecimal digits, a dash and a "
                 "number, which says what they name: choose another form");
    else
        return 0;
    return -EINVAL;
}

static int read_given_id(const struct reading *reading, struct sse_message *message)
{
    const int status = read_line(reading, "id", SSE_EVENT_MAX_ID, &message->id);

    return status < 0 || reading->is_ours ? status : check_given_id(reading, message->id);
}

static int read_id(const struct reading *reading, struct sse_message *message)
{
    char id[SSE_MESSAGE_ID_SIZE];

    if (json_object_get(reading->object, "id"))
        return read_given_id(reading, message);
    message->is_id_fresh = true;
    sse_message_make_id(id, message->is_stored ? SSE_OWN_ID_STORED : SSE_OWN_ID_MESSAGE);
    message->id = mem_strdup(id);
    return 0;
}

static int read_target(const struct reading *reading, struct sse_message *message)
{
    const json_t *listening = json_object_get(reading->object, "listening");
    const unsigned every =
        ((1u << SSE_DIMENSIONS) - 1) | (reading->bounds.of_tenant ? SSE_TARGET_OF_TENANT : 0);
    const int status = sse_target_from_json(&message->target, reading->object, every,
                                            reading->fault, reading->fault_size);

    if (status < 0)
        return status;
    if (listening && !json_is_boolean(listening)) {
        snprintf(reading->fault, reading->fault_size, "\"listening\" must be true or false");
        return -EINVAL;
    }
    if (json_is_true(listening))
        message->target.listening = mem_strdup(message->event);
    return 0;
}

static int read_ttl(const struct reading *reading, struct sse_message *message)
{
    const json_t *ttl = json_object_get(reading->object, "ttl");

    message->ttl_s = ttl ? json_integer_value(ttl) : -1;
    if (!ttl || (json_is_integer(ttl) && message->ttl_s >= 0))
        return 0;
    snprintf(reading->fault, reading->fault_size,
             "\"ttl\" must be a whole number of seconds, 0 or more");
    return -EINVAL;
}

static int read_qos(const struct reading *reading, struct sse_message *message)
{
    const json_t *qos = json_object_get(reading->object, "qos");

    message->is_stored = json_integer_value(qos) == 1;
    if (!qos || (json_is_integer(qos) && (message->is_stored || json_integer_value(qos) == 0)))
        return 0;
    snprintf(reading->fault, reading->fault_size, "\"qos\" must be 0 or 1");
    return -EINVAL;
}

static bool is_url(const char *text, size_t length)
{
    return (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) &&
           sse_event_check_field(text, length, SSE_MESSAGE_MAX_RECEIPT) == 0;
}

static int read_receipt(const struct reading *reading, struct sse_message *message)
{
    const json_t *receipt = json_object_get(reading->object, "receipt");
    const char *text = json_string_value(receipt);

    message->receipt = mem_strdup(json_is_true(receipt) ? "true" : text ? text : "");
    if (text ? !is_url(text, json_string_length(receipt)) : receipt && !json_is_boolean(receipt)) {
        snprintf(reading->fault, reading->fault_size,
                 "\"receipt\" must be true or false, or an http or https URL of at most %u bytes",
                 SSE_MESSAGE_MAX_RECEIPT);
        return -EINVAL;
    }
    if (*message->receipt == '\0' || message->is_stored)
        return 0;
    snprintf(reading->fault, reading->fault_size,
             "\"receipt\" is of messages that are acknowledged: send it with \"qos\" 1");
    return -EINVAL;
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
    snprintf(reading->fault, reading->fault_size, "\"data\" is not valid UTF-8");
    return -EINVAL;
}

/* line: the longest that cannot be broken. */
static int check_size(const struct reading *reading, size_t length, size_t line)
{
    if (length > reading->bounds.data)
        snprintf(reading->fault, reading->fault_size,
                 "\"data\" has %zu bytes; at most %zu are taken (services[].eventDataBytes)",
                 length, reading->bounds.data);
    else if (line > reading->bounds.line)
        snprintf(reading->fault, reading->fault_size,
                 "\"data\" has a line or a string of %zu bytes, and some clients read no more than "
                 "64 KiB of one: at most %zu are taken (services[].lineBytes); break it up",
                 line, reading->bounds.line);
    else
        return 0;
    return -EMSGSIZE;
}

/* A string is sent as the text that it stands for. */
static int encode_text(const struct reading *reading, struct sse_message *message, const char *raw,
                       size_t length)
{
    char *text = json_allocate(length);
    int status;

    if (!text) {
        snprintf(reading->fault, reading->fault_size, "there is no memory for its \"data\" now");
        return -ENOMEM;
    }
    length = json_raw_text(raw, length, text);
    status = check_size(reading, length, sse_data_longest_line(text, length));
    if (status == 0)
        status = encode_by(sse_event_encode, reading, message, text, length);
    free(text);
    return status;
}

/* Anything else is JSON, which a reader takes with line breaks between tokens as well. */
static int encode_json(const struct reading *reading, struct sse_message *message, const char *raw,
                       size_t length)
{
    const int status = check_size(reading, length, sse_data_longest_token(raw, length));

    return status != 0 ? status : encode_by(sse_event_encode_json, reading, message, raw, length);
}

static int read_data(const struct reading *reading, struct sse_message *message)
{
    const json_t *data = json_object_get(reading->object, "data");
    const char *raw = data ? json_string_value(data) : "";
    const size_t length = data ? json_string_length(data) : 0;

    return raw[0] == '"' ? encode_text(reading, message, raw, length)
                         : encode_json(reading, message, raw, length);
}

static int read_fields(const struct reading *reading, struct sse_message *message)
{
    int status = check_names(reading);

    if (status == 0)
        status = read_ttl(reading, message);
    if (status == 0)
        status = read_qos(reading, message);
    if (status == 0)
        status = read_receipt(reading, message);
    if (status == 0)
        status = read_event(reading, message);
    if (status == 0)
        status = read_comment(reading, message);
    if (status == 0)
        status = read_retry(reading, message);
    if (status == 0)
        status = check_event(reading, message);
    if (status == 0)
        status = read_id(reading, message);
    if (status == 0)
        status = read_target(reading, message);
    if (status == 0)
        status = read_data(reading, message);
    return status;
}

static int read_message(const struct reading *reading, struct sse_message **message)
{
    int status;

    *message = NULL;
    if (!json_is_object(reading->object)) {
        snprintf(reading->fault, reading->fault_size, "a message must be a JSON object");
        return -EINVAL;
    }
    *message = mem_zalloc(sizeof(**message));
    atomic_init(&(*message)->refs, 1);
    (*message)->target.dimension = SSE_DIMENSIONS;
    status = read_fields(reading, *message);
    if (status == 0 && (*message)->is_stored)
        (*message)->data = json_incref(json_object_get(reading->object, "data"));
    if (status < 0)
        *message = sse_message_unref(*message);
    return status;
}

int sse_message_from_json(struct sse_message **message, const json_t *object,
                          const struct sse_message_bounds *bounds, char *fault, size_t fault_size)
{
    return read_message(
        &(struct reading){
            .object = object, .bounds = *bounds, .fault = fault, .fault_size = fault_size},
        message);
}

int sse_message_from_store(struct sse_message **message, const json_t *object)
{
    char fault[200];

    return read_message(&(struct reading){.object = object,
                                          .bounds = {.data = SIZE_MAX, .line = SIZE_MAX},
                                          .is_ours = true,
                                          .fault = fault,
                                          .fault_size = sizeof(fault)},
                        message);
}

struct sse_message *sse_message_new(const char *event, struct sse_target *target, const char *data)
{
    const struct reading reading = {.is_ours = true};
    struct sse_message *message = mem_zalloc(sizeof(*message));
    char id[SSE_MESSAGE_ID_SIZE];

    atomic_init(&message->refs, 1);
    message->is_id_fresh = true;
    sse_message_make_id(id, SSE_OWN_ID_STORED); /* whoever does not get it finds it in the store */
    message->id = mem_strdup(id);
    message->event = mem_strdup(event);
    message->has_name = true;
    message->comment = mem_strdup("");
    message->retry_ms = -1;
    message->target = *target;
    *target = (struct sse_target){.dimension = SSE_DIMENSIONS};
    message->ttl_s = -1;
    message->receipt = mem_strdup("");
    message->data = json_string(data);
    (void)encode_by(sse_event_encode_json, &reading, message, data, strlen(data));
    assert(message->wire); /* the texts are our own */
    return message;
}
