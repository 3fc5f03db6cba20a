/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/slices.h"
#include "base/text.h"
#include "broker/message.h"
#include "broker/service.h"
#include "broker/stored/stored.h"
#include "broker/trace_filter.h"
#include "broker/why/evidence.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

#define NOW_BYTES  ((size_t)256 * 1024)
#define NAMES_MOST 32u /* of a connection that are shown */

/* A question that is being answered. */
struct gathering {
    struct slices slices;
    const struct broker_service *service;
    struct broker_message *question, *answer;
    const struct why_question *why;
    struct why_evidence *evidence;
    bool is_at_trace; /* behind all connections */
    size_t position;  /* of those; those behind it have been looked at */
    struct trace now; /* the user's connections */
    struct trace_filter by_id, by_event, by_user;
    enum trace_class class; /* and how far the trace has been read */
    struct trace_place place;
};

/* ---- connections ---- */

static bool is_tellable(const struct why_question *why, const char *tenant_id)
{
    return !why->tenants || words_have(why->tenants, tenant_id);
}

static void take_near(const char **nearest, enum nearness *nearest_so_far, const char *name,
                      const char *wanted)
{
    const enum nearness nearness = spelling_nearness(name, wanted);

    if (nearness == SPELLING_FAR || nearness == SPELLING_SAME || nearness <= *nearest_so_far)
        return;
    free((char *)*nearest);
    *nearest = mem_strdup(name);
    *nearest_so_far = nearness;
}

static void look_at_listeners(struct gathering *gathering, const struct sse_connection *connection)
{
    struct why_presence *presence = &gathering->evidence->presence;
    const char *event = gathering->why->event;
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_LISTENER);

    presence->saying += count > 0;
    if (!event)
        return;
    presence->listening += sse_connection_has_name(connection, SSE_GROUP_LISTENER, event);
    for (size_t i = 0; i < count; i++)
        take_near(&presence->nearest, &presence->nearness,
                  sse_registry_name(connection, SSE_GROUP_LISTENER, i), event);
}

static void look_at_channels(struct gathering *gathering, const struct sse_connection *connection,
                             bool is_meant)
{
    struct why_channel *channel = &gathering->evidence->channel;
    const char *wanted = gathering->why->channel;
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);

    if (!wanted)
        return;
    if (sse_connection_has_name(connection, SSE_GROUP_CHANNEL, wanted)) {
        channel->members++;
        channel->joined += is_meant;
    }
    for (size_t i = 0; i < count; i++)
        take_near(&channel->nearest, &channel->nearness,
                  sse_registry_name(connection, SSE_GROUP_CHANNEL, i), wanted);
}

static void append_names(struct buf *to, const char *member,
                         const struct sse_connection *connection, enum sse_group_kind kind)
{
    const size_t count = sse_registry_name_count(connection, kind);

    buf_printf(to, ",\"%s\":[", member);
    for (size_t i = 0; i < count && i < NAMES_MOST; i++) {
        json_text_next(to);
        json_text_string(to, sse_registry_name(connection, kind, i));
    }
    buf_append_char(to, ']');
}

/* The client of this project leaves when its tab is hidden, unless it says that it stays; of others
 * nothing is known. */
static const char *is_visible(const struct sse_connection *connection,
                              const struct sse_client_info *info)
{
    const bool is_ours = connection->wants_heartbeat && connection->hears_reasons;

    return is_ours && !strstr(info->http_parameters, "\"background\":") ? "true" : "null";
}

static void show(struct gathering *gathering, const struct sse_connection *connection)
{
    struct why_evidence *evidence = gathering->evidence;
    const struct sse_client_info info = sse_connection_info(connection);
    const char *event = gathering->why->event;
    struct buf *to = &evidence->shown;

    if (evidence->shown_count == WHY_SHOWN_MOST)
        return;
    if (evidence->shown_count++ > 0)
        buf_append_char(to, ',');
    buf_printf(to, "{\"connection\":\"%s\",\"worker\":%zu,\"since\":%" PRId64, connection->handle,
               broker_worker(gathering->service->broker), connection->create_time);
    buf_printf(to, ",\"visible\":%s", is_visible(connection, &info));
    json_text_member(to, "clientId", info.client_id);
    json_text_member(to, "address", info.request_ip);
    if (event)
        buf_printf(to, ",\"listening\":%s",
                   sse_connection_has_name(connection, SSE_GROUP_LISTENER, event) ? "true"
                                                                                  : "false");
    append_names(to, "listeners", connection, SSE_GROUP_LISTENER);
    append_names(to, "channels", connection, SSE_GROUP_CHANNEL);
    buf_printf(to,
               ",\"messageCount\":%" PRIu32 ",\"queuedEvents\":%" PRIu32
               ",\"queuedBytes\":%zu,\"hasMissedMore\":%s,\"acknowledges\":%s}",
               connection->message_count, connection->queue.count, connection->queue.bytes,
               connection->backlog ? "true" : "false", connection->acknowledges ? "true" : "false");
}

static void look_at_stranger(struct gathering *gathering, const struct sse_user *user)
{
    if (!gathering->evidence->other_tenant && user->tenant_id[0] != '\0' &&
        strcmp(user->id, gathering->why->user_id) == 0)
        gathering->evidence->other_tenant = mem_strdup(user->tenant_id);
}

static void look_at(struct gathering *gathering, const struct sse_connection *connection)
{
    const struct why_question *why = gathering->why;
    const struct sse_user *user = connection->user;
    const bool is_meant = sse_user_is(user, why->user_key);

    if (!is_tellable(why, user->tenant_id))
        return;
    look_at_channels(gathering, connection, is_meant);
    if (!is_meant) {
        look_at_stranger(gathering, user);
        return;
    }
    gathering->evidence->presence.connections++;
    look_at_listeners(gathering, connection);
    if (why->is_of_neighbour)
        return;
    show(gathering, connection);
    tracing_of_now(&gathering->now, connection);
}

/* From the end to the start, as sse/registry.h asks. */
static bool look_at_next_connection(struct gathering *gathering)
{
    const struct sse_group *all = sse_registry_all(gathering->service->core->registry);

    if (gathering->position > all->count)
        gathering->position = all->count;
    if (gathering->position == 0)
        return false;
    look_at(gathering, all->members[--gathering->position]);
    return true;
}

/* ---- records ---- */

/* Of a message with this id, of messages with this event, and of what befell the user. */
static void set_filters(struct gathering *gathering)
{
    const struct why_question *why = gathering->why;

    gathering->by_id =
        (struct trace_filter){.by = {[TRACE_BY_ID] = why->id}, .tenants = why->tenants};
    gathering->by_event =
        (struct trace_filter){.by = {[TRACE_BY_EVENT] = why->event}, .tenants = why->tenants};
    gathering->by_user = (struct trace_filter){
        .by = {[TRACE_BY_USER_ID] = why->user_id, [TRACE_BY_TENANT_ID] = why->tenant_id},
        .tenants = why->tenants};
}

/* Such messages may be very many, and would push out what is wanted. */
static bool is_for_other_users(const struct why_question *why, const struct trace_record *record)
{
    struct trace_item item = {.next = 0};
    bool is_for_users = false;

    while (trace_next_field(record, &item)) {
        if (item.field == TRACE_VALUES)
            return false; /* not all of them are named */
        if (item.field != TRACE_TO_USER)
            continue;
        if (why->user_id && strcmp(sse_user_key_id(item.text), why->user_id) == 0)
            return false;
        is_for_users = true;
    }
    return is_for_users;
}

static bool is_wanted(const struct gathering *gathering, const struct trace_record *record)
{
    const struct why_question *why = gathering->why;

    if (!why->is_of_records && trace_filter_passes(&gathering->by_user, record))
        return true;
    if (gathering->class != TRACE_OF_MESSAGES)
        return false;
    return (why->id && trace_filter_passes(&gathering->by_id, record)) ||
           (why->event && trace_filter_passes(&gathering->by_event, record) &&
            !is_for_other_users(why, record));
}

static void add_record(struct gathering *gathering, const struct trace_record *record)
{
    struct why_evidence *evidence = gathering->evidence;
    struct buf *records = &evidence->records;
    size_t size = 0; /* that is dropped */

    buf_append(records, record, record->size);
    if (records->length <= 2 * WHY_RECORDS_MOST)
        return;
    evidence->is_cut = true;
    while (records->length - size > WHY_RECORDS_MOST)
        size += ((const struct trace_record *)(const void *)(records->data + size))->size;
    buf_consume(records, size);
}

static bool look_at_next_records(struct gathering *gathering)
{
    struct why_evidence *evidence = gathering->evidence;
    const struct trace *trace = &gathering->service->tracing.trace;
    const struct trace_record *record, *end;
    uint64_t lost = 0;

    if (!trace_read(trace, gathering->class, &gathering->place, &record, &end, &lost)) {
        gathering->place = (struct trace_place){.chunk = 0};
        return ++gathering->class < TRACE_CLASSES;
    }
    if (trace->overwritten[TRACE_OF_MESSAGES] > 0 && gathering->class == TRACE_OF_MESSAGES &&
        evidence->known_since == 0)
        evidence->known_since = record->time;
    for (; record < end; record = trace_next(record)) {
        if (is_wanted(gathering, record))
            add_record(gathering, record);
    }
    return true;
}

/* ---- */

static bool look_at_next(struct slices *slices)
{
    struct gathering *gathering = container_of(slices, struct gathering, slices);

    if (gathering->is_at_trace)
        return look_at_next_records(gathering);
    gathering->is_at_trace = !look_at_next_connection(gathering);
    return true;
}

/* Of those that a message to the user may be in: the one with most in flight. */
static void look_at_queues(struct gathering *gathering)
{
    const struct why_question *why = gathering->why;
    const char *const keys[] = {why->user_key, why->tenants ? why->user_key : why->user_id};
    const char *const events[] = {"", why->event ? why->event : ""};
    struct why_queue *queue = &gathering->evidence->queue;

    for (size_t i = 0; i < COUNT(keys) * COUNT(events); i++) {
        const struct qos_recipient recipient = {SSE_BY_USER, keys[i / 2], events[i % 2]};
        uint32_t in_flight = 0;

        stored_look(gathering->service->stored, &recipient, &in_flight, &queue->window);
        if (in_flight > queue->in_flight)
            queue->in_flight = in_flight;
    }
}

static void add_connections(struct gathering *gathering)
{
    const struct trace_record *record, *end;
    struct trace_place place = {.chunk = 0};
    uint64_t lost = 0;

    while (trace_read(&gathering->now, TRACE_OF_CONNECTIONS, &place, &record, &end, &lost)) {
        for (; record < end; record = trace_next(record))
            buf_append(&gathering->evidence->records, record, record->size);
    }
}

static void answer(struct slices *slices)
{
    struct gathering *gathering = container_of(slices, struct gathering, slices);
    const struct broker_asker asker = broker_asker(gathering->question);

    if (gathering->why->user_key)
        look_at_queues(gathering);
    add_connections(gathering);
    trace_release(&gathering->now);
    broker_answer(gathering->service->broker, &asker, gathering->answer);
    broker_message_free(gathering->question);
    free(gathering);
}

void why_gather(struct broker_service *service, const struct broker_message *question)
{
    const struct trace_bounds bounds = {{NOW_BYTES, NOW_BYTES, NOW_BYTES}};
    struct gathering *gathering = mem_zalloc(sizeof(*gathering));

    gathering->service = service;
    gathering->question = broker_message_keep(question);
    gathering->answer = broker_message_new(BROKER_EVIDENCE, service->index, 0);
    gathering->why = &question->why;
    gathering->evidence = gathering->answer->evidence = mem_zalloc(sizeof(struct why_evidence));
    gathering->evidence->is_unrecorded = !trace_is_on(&service->tracing.trace);
    gathering->position = SIZE_MAX;
    gathering->is_at_trace = question->why.is_of_records;
    trace_init(&gathering->now, service->core->loop, broker_worker(service->broker), &bounds);
    set_filters(gathering);
    gathering->slices.has_long_steps = true;
    gathering->slices.step = look_at_next;
    gathering->slices.done = answer;
    slices_start(service->core->loop, &gathering->slices);
}
