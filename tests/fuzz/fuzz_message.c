/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a message holds, a page reads one event with its id, its name and its data, and what is
 * stored is read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "fuzz/fuzz.h"
#include "sse/message.h"
#include "support/event_stream.h"

/* A text may hold NUL, and has no CR when it has been read. */
static void check_text(const struct stream_event *event, const char *raw, size_t length)
{
    char *text = malloc(length + 1);
    const size_t written = json_raw_text(raw, length, text);

    text[written] = '\0';
    assert(memchr(text, '\r', written) || strcmp(event->data, text) == 0);
    free(text);
}

static void check(const struct sse_message *message, const json_t *data)
{
    struct event_stream stream;

    event_stream_parse(&stream, message->wire->data, message->wire->length);
    assert(stream.is_whole && stream.count == 1 && stream.comments == 0);
    assert(strcmp(stream.events[0].id, message->id) == 0);
    assert(strcmp(stream.events[0].name, message->event) == 0);
    if (!data)
        assert(stream.events[0].data[0] == '\0');
    else if (json_string_value(data)[0] == '"')
        check_text(&stream.events[0], json_string_value(data), json_string_length(data));
    else
        assert(strcmp(stream.events[0].data, json_string_value(data)) == 0);
    event_stream_release(&stream);
}

static void check_stored(const struct sse_message *message)
{
    struct json_fault fault;
    struct sse_message *again;
    size_t length;
    uint64_t digest;
    char *json = sse_message_to_json(message, &length, &digest);
    json_t *object = json_parse_by(&sse_message_json, json, length, &fault);

    assert(object && sse_message_from_store(&again, object) == 0);
    assert(again->wire->length == message->wire->length &&
           memcmp(again->wire->data, message->wire->data, message->wire->length) == 0);
    sse_message_unref(again);
    json_decref(object);
    free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sse_message_bounds bounds = {.data = 65536, .line = 65536};
    struct json_fault json_fault;
    json_t *object = json_parse_by(&sse_message_json, (const char *)data, size, &json_fault);
    struct sse_message *message;
    char fault[256];

    if (object && sse_message_from_json(&message, object, &bounds, fault, sizeof(fault)) == 0) {
        check(message, json_object_get(object, "data"));
        if (message->is_stored)
            check_stored(message);
        sse_message_unref(message);
    }
    json_decref(object);
    return 0;
}
