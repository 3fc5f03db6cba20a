/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a message holds, a page reads one event with its id, its name and its data. */
#include "base/bytes.h"
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "sse/message.h"
#include "support/event_stream.h"

static void check(const struct sse_message *message, const json_t *data)
{
    struct event_stream stream;
    json_t *seen = NULL;

    event_stream_parse(&stream, message->wire->data, message->wire->length);
    assert(stream.is_whole && stream.count == 1 && stream.comments == 0);
    assert(strcmp(stream.events[0].id, message->id) == 0);
    assert(strcmp(stream.events[0].name, message->event) == 0);
    if (!data || json_is_string(data)) {
        const char *text = data ? json_string_value(data) : "";

        assert(strchr(text, '\r') || strcmp(stream.events[0].data, text) == 0);
    } else {
        seen = json_loads(stream.events[0].data, JSON_DECODE_ANY, NULL);
        assert(seen && json_equal(seen, data));
    }
    json_decref(seen);
    event_stream_release(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_fault json_fault;
    json_t *object = json_parse((const char *)data, size, &json_fault);
    struct sse_message *message;
    char fault[256];

    if (object && sse_message_from_json(&message, object, 65536, fault, sizeof(fault)) == 0) {
        check(message, json_object_get(object, "data"));
        sse_message_unref(message);
    }
    json_decref(object);
    return 0;
}
