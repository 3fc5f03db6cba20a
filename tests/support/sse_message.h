/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SSE_MESSAGE_H
#define SUPPORT_SSE_MESSAGE_H
/* Messages as back ends send them. */
#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/message.h"
#include "support/sse_env.h"
#include "support/test.h"

/* json: without the braces, as in "\"event\":\"e\",\"all\":true". */
static inline struct sse_message *sse_message_of(const char *json)
{
    const struct sse_message_bounds bounds = {.data = SSE_EVENT_MAX_DATA,
                                              .line = SSE_EVENT_MAX_DATA};
    char text[1024], fault[400];
    struct json_fault json_fault;
    json_t *object;
    struct sse_message *message;

    snprintf(text, sizeof(text), "{%s}", json);
    object = json_parse_by(&sse_message_json, text, strlen(text), &json_fault);
    assert_non_null(object);
    assert_int_equal(sse_message_from_json(&message, object, &bounds, fault, sizeof(fault)), 0);
    json_decref(object);
    return message;
}

/* As the store gives it back. */
static inline struct sse_message *sse_message_of_store(const char *json)
{
    char text[1024];
    struct sse_message *message;
    struct json_fault json_fault;
    json_t *object;

    snprintf(text, sizeof(text), "{%s}", json);
    object = json_parse_by(&sse_message_json, text, strlen(text), &json_fault);
    assert_non_null(object);
    assert_int_equal(sse_message_from_store(&message, object), 0);
    json_decref(object);
    return message;
}

/* The event that a worker makes of it. */
static inline struct sse_event *sse_message_event(const struct sse_message *message)
{
    struct sse_event *event = sse_event_new(message->event, bytes_ref(message->wire));

    event->is_kept = message->is_stored;
    return event;
}

struct sse_sending {
    struct sse_dispatch_job job;
    struct sse_message *message;
    size_t *count;
};

static inline void sse_sending_done(struct sse_dispatch_job *job)
{
    struct sse_sending *sending = container_of(job, struct sse_sending, job);

    *sending->count = job->count;
    sse_event_unref(job->event);
    sse_message_unref(sending->message);
    free(sending);
}

/* It is written when this returns; turns are only made when there is no other way. How many got it.
 */
static inline size_t sse_env_send(struct sse_env *env, const char *json)
{
    struct sse_sending *sending = mem_zalloc(sizeof(*sending));
    size_t count = SIZE_MAX;

    sending->message = sse_message_of(json);
    sending->job.position = sse_history_add(env->service->history,
                                            &(struct sse_log_record){.message = sending->message},
                                            loop_now_ms(env->loop));
    sending->job.target = &sending->message->target;
    sending->job.event = sse_message_event(sending->message);
    sending->job.on_done = sse_sending_done;
    sending->count = &count;
    sse_dispatch_submit(env->service->dispatch, &sending->job);
    while (count == SIZE_MAX)
        fake_loop_turn(env->loop);
    return count;
}

#endif
