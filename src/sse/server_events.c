/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/server_events.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/loop.h"
#include "sse/event.h"
#include "sse/log.h"
#include "sse/service.h"

/* There will never be so many events: an id that stays unknown. */
#define NO_POSITION UINT64_MAX

static json_t *text_or(const char *text, const char *otherwise)
{
    json_t *value = text ? json_string(text) : NULL;

    return value ? value : json_string(otherwise);
}

/* The data is the tree, whose reference is taken over; the other fields are the caller's. */
static struct sse_event *make(struct sse_event_fields *fields, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    struct bytes *wire;

    fields->data = text;
    fields->data_length = text ? strlen(text) : 0;
    wire = sse_event_encode_told(fields);
    assert(wire); /* every text in it is our own, or was checked */
    free(text);
    json_decref(data);
    return sse_event_new(fields->name, wire);
}

/* What a page misses, it is told whatever else is dropped. */
static struct sse_event *make_gap(const char *id, json_t *data)
{
    struct sse_event_fields fields = {.id = id, .name = "sse-gap", .retry_ms = -1};
    struct sse_event *event = make(&fields, data);

    event->is_kept = true;
    return event;
}

/* These go to the page itself, and to nobody else. */
static void set_id(json_t *data, const struct sse_connection *connection)
{
    char id[SSE_CONNECTION_ID_SIZE];

    sse_connection_id_write(connection, id);
    json_object_set_new(data, "connectionId", json_string(id));
}

static struct sse_event *finish(const struct sse_connection *connection, const char *id,
                                const struct sse_connection_options *options)
{
    const struct sse_service *service = connection->home;
    const struct sse_service_settings *settings = service->settings;
    const size_t padding = options->padding < SSE_CONNECTION_MAX_PADDING
                               ? options->padding
                               : SSE_CONNECTION_MAX_PADDING;
    char comment[SSE_CONNECTION_MAX_PADDING + 1];
    struct sse_event_fields fields = {
        .id = id,
        .name = "connect-finish",
        .retry_ms = settings->reconnect_ms,
        .comment = padding > 0 ? comment : NULL,
    };
    json_t *data = json_object();

    memset(comment, ' ', padding);
    comment[padding] = '\0';
    set_id(data, connection);
    json_object_set_new(data, "serverTime", json_integer(loop_wall_ms(service->loop)));
    json_object_set_new(data, "reconnectTime", json_integer(settings->reconnect_ms));
    if (connection->ends_at > 0)
        json_object_set_new(data, "timeout", json_integer(sse_connection_life_ms(connection)));
    if (connection->acknowledges)
        json_object_set_new(data, "ack", json_true());
    if (options->wants_heartbeat && settings->comment_ms > 0)
        json_object_set_new(data, "heartbeat", json_integer(settings->comment_ms));
    if (settings->ordered_calls > 0)
        json_object_set_new(data, "ordered", json_integer(settings->ordered_calls));
    if (options->cors_headers)
        json_object_set_new(data, "corsHeaders", text_or(options->cors_headers, ""));
    if (json_array_size(options->left_out) > 0)
        json_object_set(data, "leftOut", options->left_out);
    json_object_set_new(data, "name", text_or(settings->name, ""));
    json_object_set_new(data, "enableCluster", json_false());
    json_object_set_new(data, "version", text_or(settings->version, ""));
    return make(&fields, data);
}

static struct sse_event *left_out(json_t *names)
{
    struct sse_event_fields fields = {.name = "sse-left-out", .retry_ms = -1};
    json_t *data = json_object();

    json_object_set(data, "leftOut", names);
    return make(&fields, data);
}

struct sse_event *sse_server_events_gap(const char *from, const char *to, const char *reason)
{
    const bool is_usable = sse_event_check_field(from, strlen(from), SSE_EVENT_MAX_ID) == 0;
    json_t *data = json_object();

    json_object_set_new(data, "from", is_usable ? json_string(from) : json_null());
    json_object_set_new(data, "to", json_string(to));
    json_object_set_new(data, "reason", json_string(reason));
    return make_gap(to, data);
}

static bool is_failed(enum sse_resume resume)
{
    return resume == SSE_RESUME_TOO_OLD || resume == SSE_RESUME_EPOCH ||
           resume == SSE_RESUME_UNKNOWN;
}

/* Says something before anybody else does: nobody is woken yet. */
static void say_first(struct sse_connection *connection, struct sse_event *event)
{
    if (connection->queue.count == 0)
        sse_queue_push_pinned(&connection->queue, event);
    else
        sse_queue_push(&connection->queue, event);
    connection->home->queued_bytes += event->wire->length;
    connection->last_heartbeat_at = connection->created_at;
    sse_event_unref(event);
}

/* Where the stream goes on from; after a failed resume the id that was shown, so that a cut before
 * sse-gap does not lose the gap: it would be told to the next connection. */
void sse_server_events_greet(struct sse_connection *connection,
                             const struct sse_connection_options *options,
                             const struct sse_arrival *arrival)
{
    struct sse_service *service = connection->home;
    char id[SSE_EVENT_MAX_ID + 1], after[SSE_OWN_ID_SIZE];

    sse_log_id(service->log, arrival->after, after);
    if (!is_failed(options->resume))
        memcpy(id, after, sizeof(after));
    else if (sse_event_check_field(options->last_id, strlen(options->last_id), SSE_EVENT_MAX_ID) ==
             0)
        memcpy(id, options->last_id, strlen(options->last_id) + 1);
    else
        sse_log_id(service->log, NO_POSITION, id);
    say_first(connection, finish(connection, id, options));
    if (json_array_size(options->left_out) > 0)
        say_first(connection, left_out(options->left_out));
    if (options->resume == SSE_RESUMED)
        service->counters.resumed++;
    if (!is_failed(options->resume))
        return;
    service->counters.gaps++;
    say_first(connection,
              sse_server_events_gap(options->last_id, after, sse_resume_words[options->resume]));
}

struct sse_event *sse_server_events_dropped(uint64_t count)
{
    json_t *data = json_object();

    json_object_set_new(data, "reason", json_string("slow"));
    json_object_set_new(data, "dropped", json_integer((json_int_t)count));
    return make_gap(NULL, data);
}

struct sse_event *sse_server_events_expiring(const struct sse_connection *connection)
{
    struct sse_event_fields fields = {.name = "sse-token-expiring", .retry_ms = -1};
    const int64_t left = connection->expiry.at - loop_wall_ms(connection->home->loop);
    json_t *data = json_object();

    set_id(data, connection);
    json_object_set_new(data, "expiresAt", json_integer(connection->expiry.at));
    json_object_set_new(data, "expiresIn", json_integer((left + 500) / 1000));
    return make(&fields, data);
}

static int64_t usual_reconnect_ms(struct sse_service *service, enum sse_close_reason reason)
{
    switch (reason) {
    case SSE_CLOSE_SLOW:
    case SSE_CLOSE_EXPIRED:
    case SSE_CLOSE_LIFETIME:
        return service->settings->reconnect_ms;
    case SSE_CLOSE_DRAIN:
        return sse_drain_next_wait(&service->drain, loop_now_ms(service->loop));
    default:
        return 0;
    }
}

static struct sse_event *make_close(const struct sse_connection *connection,
                                    enum sse_close_reason reason, const char *text,
                                    int64_t reconnect_ms)
{
    struct sse_event_fields fields = {.name = "connect-close"};
    json_t *data = json_object();

    fields.retry_ms = reason == SSE_CLOSE_DRAIN ? reconnect_ms : -1;
    set_id(data, connection);
    if (reason != SSE_CLOSE_CLIENT || connection->hears_reasons) {
        json_object_set_new(data, "reason", text_or(text, sse_close_reason_words[reason]));
        json_object_set_new(data, "reconnect",
                            reconnect_ms > 0 ? json_integer(reconnect_ms) : json_false());
    }
    return make(&fields, data);
}

static struct sse_event *make_retry(int64_t reconnect_ms)
{
    const struct sse_event_fields fields = {.retry_ms = reconnect_ms};

    return sse_event_new(NULL, sse_event_encode(&fields));
}

struct sse_event *sse_server_events_last(const struct sse_connection *connection,
                                         enum sse_close_reason reason, const char *text,
                                         int64_t reconnect_ms)
{
    if (reason == SSE_CLOSE_GONE || (reason == SSE_CLOSE_LIFETIME && connection->hears_reasons))
        return NULL;
    if (reconnect_ms < 0)
        reconnect_ms = usual_reconnect_ms(connection->home, reason);
    if (reconnect_ms > 0 && !connection->hears_reasons)
        return make_retry(reconnect_ms);
    return make_close(connection, reason, text, reconnect_ms);
}
