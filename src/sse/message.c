/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/message.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/event.h"

#define EPOCH_BYTES 4u

static const char *const reserved_names[] = {"connect-finish", "connect-close", "sse-set-duration"};
static const char *const own_fields[] = {"event", "data", "listening", "qos", "ttl", "id"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is being read, and where to say what is wrong with it. */
struct reading {
    const json_t *object;
    size_t max_data;
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
                 "unknown field \"%.64s\"; a message has event, data, listening, qos, ttl, id and "
                 "one of userId, accessToken, tenantId, channel, connectionId, all",
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

static int read_event(const struct reading *reading, struct sse_message *message)
{
    const int status = read_line(reading, "event", SSE_EVENT_MAX_NAME, &message->event);

    if (status < 0)
        return status;
    if (is_one_of(message->event, reserved_names, COUNT(reserved_names))) {
        snprintf(reading->fault, reading->fault_size,
                 "the event \"%s\" is the server's own; choose another name", message->event);
        return -EINVAL;
    }
    return 0;
}

static int read_id(const struct reading *reading, struct sse_message *message)
{
    char id[SSE_MESSAGE_ID_SIZE];

    if (json_object_get(reading->object, "id"))
        return read_line(reading, "id", SSE_EVENT_MAX_ID, &message->id);
    sse_message_make_id(id);
    message->id = mem_strdup(id);
    return 0;
}

static int read_target(const struct reading *reading, struct sse_message *message)
{
    const json_t *listening = json_object_get(reading->object, "listening");
    const unsigned every = (1u << SSE_DIMENSIONS) - 1;
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

static int check_delivery(const struct reading *reading)
{
    const json_t *ttl = json_object_get(reading->object, "ttl");
    const json_t *qos = json_object_get(reading->object, "qos");

    if (ttl && (!json_is_integer(ttl) || json_integer_value(ttl) < 0)) {
        snprintf(reading->fault, reading->fault_size,
                 "\"ttl\" must be a whole number of seconds, 0 or more");
        return -EINVAL;
    }
    if (!qos)
        return 0;
    if (!json_is_integer(qos) || (json_integer_value(qos) != 0 && json_integer_value(qos) != 1)) {
        snprintf(reading->fault, reading->fault_size, "\"qos\" must be 0 or 1");
        return -EINVAL;
    }
    if (json_integer_value(qos) == 1) {
        snprintf(reading->fault, reading->fault_size,
                 "this server does not store messages yet; send it with \"qos\" 0");
        return -ENOTSUP;
    }
    return 0;
}

/* The fewest digits from which a reader gets the same number back. */
static unsigned digits_of(double number)
{
    char text[32];

    for (unsigned digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", (int)digits, number);
        if (strtod(text, NULL) == number)
            return digits;
    }
    return 17;
}

/* Jansson would write 0.1 as 0.10000000000000001. The depth is bounded by base/json. */
static unsigned digits_needed(const json_t *value) // NOLINT(misc-no-recursion)
{
    unsigned most = 15;

    if (json_is_real(value))
        return digits_of(json_real_value(value));
    for (size_t i = 0; i < json_array_size(value) && most < 17; i++) {
        const unsigned digits = digits_needed(json_array_get(value, i));

        most = digits > most ? digits : most;
    }
    if (json_is_object(value)) {
        const char *key;
        json_t *member;

        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            const unsigned digits = digits_needed(member);

            most = digits > most ? digits : most;
        }
    }
    return most;
}

/* Encodes the event with its data; text holds what was sent as data. */
static int encode(const struct reading *reading, struct sse_message *message, const char *text,
                  size_t length)
{
    const struct sse_event_fields fields = {
        .id = message->id,
        .name = message->event,
        .data = text,
        .data_length = length,
        .retry_ms = -1,
    };

    if (length > reading->max_data) {
        snprintf(reading->fault, reading->fault_size,
                 "\"data\" has %zu bytes; at most %zu are taken", length, reading->max_data);
        return -EMSGSIZE;
    }
    message->wire = sse_event_encode(&fields);
    if (message->wire)
        return 0;
    snprintf(reading->fault, reading->fault_size, "\"data\" is not valid UTF-8");
    return -EINVAL;
}

static int read_data(const struct reading *reading, struct sse_message *message)
{
    const json_t *data = json_object_get(reading->object, "data");
    char *text;
    int status;

    if (!data)
        return encode(reading, message, "", 0);
    if (json_is_string(data))
        return encode(reading, message, json_string_value(data), json_string_length(data));
    text =
        json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits_needed(data)));
    if (!text) {
        snprintf(reading->fault, reading->fault_size, "\"data\" cannot be written as JSON");
        return -EINVAL;
    }
    status = encode(reading, message, text, strlen(text));
    free(text);
    return status;
}

int sse_message_from_json(struct sse_message *message, const json_t *object, size_t max_data,
                          char *fault, size_t fault_size)
{
    const struct reading reading = {object, max_data, fault, fault_size};
    int status;

    *message = (struct sse_message){0};
    if (!json_is_object(object)) {
        snprintf(fault, fault_size, "a message must be a JSON object");
        return -EINVAL;
    }
    status = check_names(&reading);
    if (status == 0)
        status = check_delivery(&reading);
    if (status == 0)
        status = read_event(&reading, message);
    if (status == 0)
        status = read_id(&reading, message);
    if (status == 0)
        status = read_target(&reading, message);
    if (status == 0)
        status = read_data(&reading, message);
    if (status < 0)
        sse_message_release(message);
    return status;
}

void sse_message_release(struct sse_message *message)
{
    free(message->id);
    free(message->event);
    sse_target_release(&message->target);
    bytes_unref(message->wire);
    *message = (struct sse_message){0};
}

/* Drawn once per process: ids of an earlier life are never made again. */
static char epoch[2 * EPOCH_BYTES + 1];
static pthread_once_t epoch_once = PTHREAD_ONCE_INIT;
static atomic_uint_least64_t last_number;

static void draw_epoch(void)
{
    random_hex(epoch, EPOCH_BYTES);
}

void sse_message_make_id(char id[SSE_MESSAGE_ID_SIZE])
{
    (void)pthread_once(&epoch_once, draw_epoch);
    snprintf(id, SSE_MESSAGE_ID_SIZE, "%s-%" PRIxLEAST64, epoch,
             atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1);
}
