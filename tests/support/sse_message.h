/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SSE_MESSAGE_H
#define SUPPORT_SSE_MESSAGE_H
/* Messages as a back end sends them. */
#include <jansson.h>

#include "sse/event.h"
#include "sse/message.h"
#include "support/test.h"

/* json: without the braces, as in "\"event\":\"e\",\"all\":true". */
static inline struct sse_message *sse_message_of(const char *json)
{
    char text[1024], fault[400];
    json_t *object;
    struct sse_message *message;

    snprintf(text, sizeof(text), "{%s}", json);
    object = json_loads(text, 0, NULL);
    assert_non_null(object);
    assert_int_equal(
        sse_message_from_json(&message, object, SSE_EVENT_MAX_DATA, fault, sizeof(fault)), 0);
    json_decref(object);
    return message;
}

#endif
