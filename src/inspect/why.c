/* SPDX-License-Identifier: Apache-2.0 */
/* why: for what cause a user did not get an event, or the recipients of a message did not get that.
 * Asked afterwards, of what the workers, their traces and the store know. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/limit.h"
#include "api/query/filters.h"
#include "api/reply.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/message.h"
#include "broker/stored/text.h"
#include "broker/trace.h"
#include "broker/trace_filter.h"
#include "broker/why/inquiry.h"
#include "broker/why/text.h"
#include "inspect/routes.h"
#include "sse/service.h"
#include "sse/user.h"

#define RECIPIENTS_MOST 20u  /* of a message that are told one by one */
#define RECORDS_MOST    100u /* that are shown, the newest */
#define COPIES_MOST     20u  /* the same */

/* A request that is being answered. */
struct asked {
    struct why_inquiry inquiry;
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    char *user_id, *tenant_id, *event, *id, *channel;
    /* Of a message: */
    struct why_evidence *evidence; /* its records */
    struct qos_recipient **recipients;
    size_t count, told; /* RECIPIENTS_MOST at the most; how many have been told, */
    size_t all;         /* and how many there are */
    struct buf text;
};

static void asked_free(struct asked *asked)
{
    for (size_t i = 0; i < asked->count; i++)
        free(asked->recipients[i]);
    free(asked->recipients);
    why_evidence_free(asked->evidence);
    free(asked->user_id);
    free(asked->tenant_id);
    free(asked->event);
    free(asked->id);
    free(asked->channel);
    buf_release(&asked->text);
    api_exchange_unref(asked->exchange);
    free(asked);
}

static bool is_of_tenant(const struct api_service *service)
{
    return service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT;
}

/* ---- as JSON ---- */

static void append_bool(struct buf *to, const char *name, bool is_true)
{
    buf_printf(to, ",\"%s\":%s", name, is_true ? "true" : "false");
}

static void append_time(struct buf *to, const char *name, int64_t wall_ms)
{
    if (wall_ms > 0)
        buf_printf(to, ",\"%s\":%" PRId64, name, wall_ms);
    else
        buf_printf(to, ",\"%s\":null", name);
}

static void append_message(struct buf *to, const struct why_message *message)
{
    buf_append_str(to, ",\"message\":");
    if (!message->is_known) {
        buf_append_str(to, "null");
        return;
    }
    buf_printf(to, "{\"time\":%" PRId64, message->at);
    json_text_member(to, "id", message->id);
    json_text_member(to, "channel", message->channel);
    append_time(to, "resumedTime", message->resumed_at);
    append_time(to, "gapTime", message->gap_at);
    append_bool(to, "listening", message->asks_listening);
    append_bool(to, "repeat", message->is_repeat);
    json_text_member(to, "refusedFor", message->refused_for);
    append_bool(to, "stored", message->is_stored);
    json_text_member(to, "state", message->is_stored ? qos_state_words[message->state] : NULL);
    buf_printf(to,
               ",\"written\":%" PRIu32 ",\"dropped\":%" PRIu32 ",\"missed\":%" PRIu32
               ",\"ahead\":%" PRIu64 "}",
               message->written, message->dropped, message->missed, message->ahead);
}

static void append_event(struct buf *to, const char *name, const struct why_event *event)
{
    buf_printf(to, ",\"%s\":", name);
    if (event->cause == WHY_UNKNOWN) {
        buf_append_str(to, "null");
        return;
    }
    buf_printf(to, "{\"time\":%" PRId64, event->at);
    json_text_member(to, "cause", why_words[event->cause].word);
    json_text_member(to, "reason", event->detail);
    json_text_member(to, "address", event->address);
    append_bool(to, "verified", !event->is_claimed);
    buf_append_char(to, '}');
}

static void append_channel(struct buf *to, const struct why_channel *channel)
{
    buf_append_str(to, ",\"channel\":");
    if (!channel->name) {
        buf_append_str(to, "null");
        return;
    }
    buf_append_str(to, "{\"name\":");
    json_text_string(to, channel->name);
    buf_printf(to, ",\"connections\":%" PRIu32 ",\"connectionsOfUser\":%" PRIu32, channel->members,
               channel->joined);
    append_time(to, "leftTime", channel->left_at);
    append_bool(to, "refused", channel->is_refused);
    if (channel->is_refused) {
        buf_printf(to, ",\"refusedTime\":%" PRId64, channel->refused_at);
        json_text_member(to, "refusedFor", channel->refused_for);
    }
    json_text_member(to, "nearest", channel->nearest);
    buf_append_char(to, '}');
}

static void append_copies(struct buf *to, const struct qos_copies *copies)
{
    const size_t count = copies && copies->count < COPIES_MOST ? copies->count
                         : copies                              ? COPIES_MOST
                                                               : 0;
    struct stored_text text = {.number = 0};

    buf_append_str(to, ",\"waiting\":[");
    for (size_t i = 0; i < count; i++) {
        const struct qos_copy *copy = &copies->items[i];

        buf_append_str(to, i > 0 ? ",{\"id\":" : "{\"id\":");
        json_text_string(to, copy->message->id);
        buf_append_str(to, ",\"event\":");
        stored_text_member(&text, to, copy->message, "event");
        buf_printf(to,
                   ",\"listening\":%s,\"createTime\":%" PRId64 ",\"expireTime\":%" PRId64
                   ",\"written\":%" PRIu32 "}",
                   copy->recipient.listening[0] != '\0' ? "true" : "false", copy->message->created,
                   copy->message->expires, copy->written);
    }
    buf_append_char(to, ']');
    stored_text_release(&text);
}

static void append_queue(struct buf *to, const struct why_inquiry *inquiry)
{
    const struct why_queue *queue = &inquiry->facts.queue;

    buf_printf(to,
               ",\"queue\":{\"known\":%s,\"stored\":%" PRIu64 ",\"inFlight\":%" PRIu32
               ",\"window\":%" PRIu32,
               queue->is_unknown ? "false" : "true", queue->stored, queue->in_flight,
               queue->window);
    append_copies(to, inquiry->stored);
    buf_append_char(to, '}');
}

static void append_records(struct buf *to, const struct why_history *history)
{
    const size_t first = history->count > RECORDS_MOST ? history->count - RECORDS_MOST : 0;

    buf_append_str(to, ",\"records\":[");
    for (size_t i = first; i < history->count; i++) {
        json_text_next(to);
        trace_append_json(to, history->records[i]);
    }
    buf_append_char(to, ']');
}

/* A channel is named by what is said of it (append_channel). */
static void append_whom(struct buf *to, const struct why_inquiry *inquiry)
{
    if (inquiry->group && inquiry->group->dimension == SSE_BY_CHANNEL)
        return;
    if (inquiry->group) {
        buf_append_char(to, ',');
        stored_text_recipient(to, inquiry->group, false);
        return;
    }
    json_text_member(to, "userId", inquiry->question.user_id);
    json_text_member(to, "tenantId", inquiry->question.tenant_id);
}

/* Whom it is about; then why, in a word and in sentences; then what that rests on. */
static void append_answer(struct buf *to, const struct why_inquiry *inquiry)
{
    const struct why_facts *facts = &inquiry->facts;
    const struct why_evidence *evidence = inquiry->evidence;
    struct buf told = BUF_INIT;

    why_tell(&told, facts, inquiry->cause);
    buf_append_str(to, "{\"cause\":");
    json_text_string(to, why_words[inquiry->cause].word);
    append_whom(to, inquiry);
    json_text_member(to, "event", facts->event);
    json_text_member(to, "text", buf_str(&told));
    append_message(to, &facts->message);
    buf_printf(
        to, ",\"connections\":{\"count\":%" PRIu32 ",\"listening\":%" PRIu32 ",\"list\":[%s]}",
        evidence->presence.connections, evidence->presence.listening, buf_str(&evidence->shown));
    json_text_member(to, "nearestListener", facts->presence.nearest);
    json_text_member(to, "listenerRefusedFor", facts->presence.refused_for);
    append_channel(to, &facts->channel);
    append_queue(to, inquiry);
    append_event(to, "lastRefusal", &facts->refusal);
    append_event(to, "lastEnd", &facts->ending);
    buf_printf(to, ",\"gaps\":{\"count\":%" PRIu32, facts->gaps.count);
    append_time(to, "lastTime", facts->gaps.last_at);
    buf_append_char(to, '}');
    json_text_member(to, "otherTenant", facts->other_tenant);
    json_text_member(to, "otherService", facts->other_service);
    append_time(to, "knownSince", facts->known_since);
    append_bool(to, "recordsCut", evidence->is_cut || inquiry->history.count > RECORDS_MOST);
    append_records(to, &inquiry->history);
    buf_append_char(to, '}');
    buf_release(&told);
}

/* ---- one user ---- */

/* Other services that an asker may know: those of its key. A token is of this one. */
static void find_places(struct why_inquiry *inquiry, const struct api_exchange *exchange)
{
    const struct api *api = exchange->api;

    inquiry->places = mem_alloc(api->settings->service_count * sizeof(struct why_place));
    for (size_t i = 0; i < api->settings->service_count; i++) {
        const struct api_service *service = &api->services[i];

        if (service == exchange->service || (exchange->services & UINT64_C(1) << i) == 0)
            continue;
        inquiry->places[inquiry->place_count++] =
            (struct why_place){i, mem_strdup(service->settings->core->name), is_of_tenant(service)};
    }
}

/* About the user that asked names, or the group. */
static void inquire(struct asked *asked, const struct qos_recipient *group,
                    void (*done)(struct why_inquiry *inquiry))
{
    asked->inquiry = (struct why_inquiry){
        .service = &asked->exchange->service->broker,
        .group = group,
        .question = {.user_id = asked->user_id,
                     .tenant_id = asked->tenant_id,
                     .event = asked->event,
                     .id = asked->id,
                     .channel = asked->channel,
                     .tenants = asked->exchange->tenants,
                     .is_of_tenant = is_of_tenant(asked->exchange->service)},
        .done = done,
    };
    find_places(&asked->inquiry, asked->exchange);
    why_inquiry_start(&asked->inquiry);
}

static void reply(struct why_inquiry *inquiry)
{
    struct asked *asked = container_of(inquiry, struct asked, inquiry);

    append_answer(&asked->text, inquiry);
    api_reply_data(asked->exchange, &asked->text);
    why_inquiry_release(inquiry);
    asked_free(asked);
}

static char *copy_of(const char *text)
{
    return text && *text != '\0' ? mem_strdup(text) : NULL;
}

static struct asked *asked_new(struct api_exchange *exchange)
{
    struct asked *asked = mem_zalloc(sizeof(*asked));

    asked->exchange = api_exchange_ref(exchange);
    asked->id = copy_of(h2_form_get(&exchange->query, "id"));
    asked->event = copy_of(h2_form_get(&exchange->query, "event"));
    asked->channel = copy_of(h2_form_get(&exchange->query, "channel"));
    return asked;
}

/* ---- a message, to each of its recipients ---- */

static void tell_next(struct asked *asked);

static void tell_one(struct why_inquiry *inquiry)
{
    struct asked *asked = container_of(inquiry, struct asked, inquiry);

    if (asked->told++ > 0)
        buf_append_char(&asked->text, ',');
    append_answer(&asked->text, inquiry);
    why_inquiry_release(inquiry);
    tell_next(asked);
}

static void set_user(struct asked *asked, const char *key)
{
    free(asked->user_id);
    free(asked->tenant_id);
    asked->user_id = mem_strdup(sse_user_key_id(key));
    asked->tenant_id = sse_user_key_tenant(key);
}

static void set_channel(struct asked *asked, const struct qos_recipient *recipient)
{
    free(asked->channel);
    asked->channel = recipient->dimension == SSE_BY_CHANNEL ? mem_strdup(recipient->value) : NULL;
}

static void tell_next(struct asked *asked)
{
    const struct qos_recipient *recipient;

    if (asked->told == asked->count) {
        buf_append_str(&asked->text, "]}");
        api_reply_data(asked->exchange, &asked->text);
        asked_free(asked);
        return;
    }
    recipient = asked->recipients[asked->told];
    set_channel(asked, recipient);
    if (recipient->dimension == SSE_BY_USER)
        set_user(asked, recipient->value);
    inquire(asked, recipient->dimension == SSE_BY_USER ? NULL : recipient, tell_one);
}

static void begin_message(struct asked *asked)
{
    buf_append_str(&asked->text, "{\"id\":");
    json_text_string(&asked->text, asked->id);
    json_text_member(&asked->text, "event", asked->event);
    buf_printf(&asked->text, ",\"recipientCount\":%zu,\"recipients\":[", asked->all);
    tell_next(asked);
}

static void add_recipient(struct asked *asked, const struct qos_recipient *recipient)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->recipients[i]->dimension == recipient->dimension &&
            strcmp(asked->recipients[i]->value, recipient->value) == 0)
            return;
    }
    asked->all++;
    if (asked->count == RECIPIENTS_MOST)
        return;
    if (!asked->recipients)
        asked->recipients = mem_alloc(RECIPIENTS_MOST * sizeof(struct qos_recipient *));
    asked->recipients[asked->count++] = qos_recipient_copy(recipient);
}

/* Tokens are in the trace in a form that names nobody. */
static void add_targets(struct asked *asked, const struct trace_record *record)
{
    struct trace_item item = {.next = 0};
    const uint64_t all = trace_number_of(record, TRACE_VALUES);

    while (trace_next_field(record, &item)) {
        struct qos_recipient recipient = {.value = item.text ? item.text : "", .listening = ""};

        switch (item.field) {
        case TRACE_ALL:
            recipient.dimension = SSE_ALL;
            break;
        case TRACE_TO_USER:
            recipient.dimension = SSE_BY_USER;
            break;
        case TRACE_TO_TENANT:
            recipient.dimension = SSE_BY_TENANT;
            break;
        case TRACE_TO_CHANNEL:
            recipient.dimension = SSE_BY_CHANNEL;
            break;
        case TRACE_TO_CONNECTION:
            recipient.dimension = SSE_BY_CONNECTION;
            break;
        default:
            continue;
        }
        add_recipient(asked, &recipient);
    }
    asked->all = all > asked->all ? all : asked->all;
}

/* Of the records those that say whom it was for; of a message with qos 1 the store knows better. */
static void read_records(struct asked *asked)
{
    for (const struct trace_record *record = why_first_record(asked->evidence); record;
         record = why_next_record(asked->evidence, record)) {
        if (record->kind != TRACE_SENT && record->kind != TRACE_STORED &&
            record->kind != TRACE_SEND_REFUSED)
            continue;
        if (!asked->event)
            asked->event = copy_of(trace_text_of(record, TRACE_EVENT));
        add_targets(asked, record);
    }
}

static void read_copies(struct asked *asked, const struct qos_copies *copies)
{
    struct stored_text text = {.number = 0};
    struct buf event = BUF_INIT;

    for (size_t i = 0; i < copies->count; i++)
        add_recipient(asked, &copies->items[i].recipient);
    if (!asked->event && copies->count > 0) {
        stored_text_member(&text, &event, copies->items[0].message, "event");
        if (event.length > 2) /* the quotes; names need no escapes */
            asked->event = mem_strndup(event.data + 1, event.length - 2);
    }
    stored_text_release(&text);
    buf_release(&event);
}

static void on_copies(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct asked *asked = exchange->context;

    read_copies(asked, &answer->found.copies);
    if (asked->count == 0)
        read_records(asked);
    if (asked->count > 0) {
        begin_message(asked);
        return;
    }
    if (answer->found.status < 0 && answer->found.status != -ENOENT)
        store_refuse(exchange, answer->found.status);
    else
        api_reply_error(
            exchange, 404,
            "there is no message with this id in what is recorded, nor in the store; it "
            "was never sent here, or so long ago that it is not known any more");
    asked_free(asked);
}

static void on_records(struct broker_request *request, const struct broker_message *answer)
{
    struct asked *asked = container_of(request, struct asked, request);
    const struct qos_filter filter = {.tenants = asked->exchange->tenants};

    if (!asked->evidence)
        asked->evidence = mem_zalloc(sizeof(*asked->evidence));
    why_evidence_add(asked->evidence, answer->evidence);
    if (request->open > 0)
        return;
    asked->exchange->context = asked;
    api_exchange_ask_owner(
        asked->exchange,
        broker_choice_new(BROKER_FIND_MESSAGE, asked->exchange->service->index, asked->id, &filter),
        on_copies);
}

static struct broker_message *make_records(void *context, size_t worker)
{
    const struct asked *asked = context;
    const struct why_question question = {
        .id = asked->id, .tenants = asked->exchange->tenants, .is_of_records = true};

    (void)worker;
    return why_question_new(asked->exchange->service->index, &question);
}

/* ---- */

void inspect_handle_why(struct api_exchange *exchange)
{
    struct user_query user;
    struct asked *asked;

    if (!user_query_read(&user, exchange))
        return;
    asked = asked_new(exchange);
    if (user.user_id) {
        asked->user_id = mem_strdup(user.user_id);
        asked->tenant_id = user.tenant_id ? mem_strdup(user.tenant_id) : NULL;
        inquire(asked, NULL, reply);
    } else if (asked->id) {
        asked->request.on_answer = on_records;
        broker_ask_all(exchange->api->broker, make_records, asked, &asked->request);
    } else {
        api_reply_error(exchange, 400,
                        "userId is missing; ask for /why?userId=…&event=…, or for /why?id=… of a "
                        "message");
        asked_free(asked);
    }
}
