/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/inquiry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/message.h"
#include "broker/service.h"
#include "broker/stored/text.h"
#include "broker/trace.h"
#include "sse/service.h"
#include "sse/user.h"

#define COPIES_MOST 200u /* of the user's queues that are looked at */
#define STORE_MS    5000u

struct broker_message *why_question_new(size_t service, const struct why_question *question)
{
    const size_t room = broker_text_size(question->user_id) + broker_text_size(question->user_key) +
                        broker_text_size(question->tenant_id) + broker_text_size(question->event) +
                        broker_text_size(question->id) + broker_text_size(question->channel) +
                        broker_text_size(question->tenants);
    struct broker_message *message = broker_message_new(BROKER_WHY, service, room);

    message->why = *question;
    message->why.user_id = broker_message_text(message, question->user_id);
    message->why.user_key = broker_message_text(message, question->user_key);
    message->why.tenant_id = broker_message_text(message, question->tenant_id);
    message->why.event = broker_message_text(message, question->event);
    message->why.id = broker_message_text(message, question->id);
    message->why.channel = broker_message_text(message, question->channel);
    message->why.tenants = broker_message_text(message, question->tenants);
    return message;
}

void why_inquiry_release(struct why_inquiry *inquiry)
{
    why_history_release(&inquiry->history);
    why_evidence_free(inquiry->evidence);
    if (inquiry->listed)
        broker_message_free(inquiry->listed);
    if (inquiry->found)
        broker_message_free(inquiry->found);
    for (size_t i = 0; i < inquiry->place_count; i++)
        free(inquiry->places[i].name);
    free(inquiry->places);
    free(inquiry->who);
    free(inquiry->channel);
    free(inquiry->id);
    free(inquiry->user_key);
    free(inquiry->key_there);
    *inquiry = (struct why_inquiry){.place = 0};
}

/* ---- the end ---- */

static void finish(struct why_inquiry *inquiry)
{
    inquiry->cause = why_decide(&inquiry->facts);
    inquiry->done(inquiry);
}

/* ---- other services ---- */

static void ask_next_place(struct why_inquiry *inquiry);

/* Such an event was sent to the user. */
static bool is_sent_there(const struct why_inquiry *inquiry, const struct why_evidence *evidence)
{
    for (const struct trace_record *record = why_first_record(evidence); record;
         record = why_next_record(evidence, record)) {
        if ((record->kind == TRACE_SENT || record->kind == TRACE_STORED) &&
            trace_has_text(record, TRACE_EVENT, inquiry->facts.event) &&
            (trace_has_text(record, TRACE_TO_USER, inquiry->question.user_id) ||
             trace_has_text(record, TRACE_TO_USER, inquiry->key_there) ||
             trace_number_of(record, TRACE_ALL) > 0))
            return true;
    }
    return false;
}

/* What is missing here is there. */
static bool is_found(const struct why_facts *facts)
{
    return facts->presence.connections == 0 ? facts->is_there : facts->is_sent_there;
}

static void on_neighbour(struct broker_request *request, const struct broker_message *answer)
{
    struct why_inquiry *inquiry = container_of(request, struct why_inquiry, request);
    struct why_facts *facts = &inquiry->facts;
    const struct why_evidence *evidence = answer->evidence;

    facts->is_there |= evidence->presence.connections > 0;
    facts->is_sent_there |= facts->event && is_sent_there(inquiry, evidence);
    if (request->open > 0)
        return;
    if (is_found(facts)) {
        facts->other_service = inquiry->places[inquiry->place].name;
        inquiry->place = inquiry->place_count;
    } else {
        facts->is_there = facts->is_sent_there = false;
        inquiry->place++;
    }
    ask_next_place(inquiry);
}

static struct broker_message *make_neighbour(void *context, size_t worker)
{
    const struct why_inquiry *inquiry = context;
    const struct why_place *place = &inquiry->places[inquiry->place];
    struct why_question question = inquiry->question;

    (void)worker;
    question.is_of_neighbour = true;
    question.user_key = inquiry->key_there;
    return why_question_new(place->service, &question);
}

/* Where the user is missing, or the message. */
static bool is_missing(const struct why_inquiry *inquiry)
{
    const struct why_facts *facts = &inquiry->facts;

    if (inquiry->group)
        return false;
    return facts->presence.connections == 0 || (facts->event && !facts->message.is_known);
}

static void ask_next_place(struct why_inquiry *inquiry)
{
    const struct why_question *question = &inquiry->question;
    const struct why_place *place;

    if (inquiry->place >= inquiry->place_count || !is_missing(inquiry)) {
        finish(inquiry);
        return;
    }
    place = &inquiry->places[inquiry->place];
    free(inquiry->key_there);
    inquiry->key_there =
        place->is_of_tenant || question->tenant_id
            ? sse_user_key_new(question->tenant_id ? question->tenant_id : "", question->user_id)
            : mem_strdup(question->user_id);
    inquiry->request.on_answer = on_neighbour;
    broker_ask_all(inquiry->service->broker, make_neighbour, inquiry, &inquiry->request);
}

/* ---- the store ---- */

static bool is_meant(const struct why_inquiry *inquiry, const struct qos_copy *copy)
{
    const struct qos_recipient *group = inquiry->group;

    if (group)
        return copy->recipient.dimension == group->dimension &&
               strcmp(copy->recipient.value, group->value) == 0;
    return copy->recipient.dimension == SSE_BY_USER &&
           (strcmp(copy->recipient.value, inquiry->question.user_key) == 0 ||
            strcmp(copy->recipient.value, inquiry->question.user_id) == 0);
}

static void take_copy(struct why_inquiry *inquiry, const struct qos_copy *copy)
{
    struct why_message *message = &inquiry->facts.message;
    const bool is_new = !message->is_known; /* else the trace knows better who got it */

    message->is_known = true;
    message->is_stored = true;
    message->state = copy->state;
    message->id = copy->message->id;
    if (message->at == 0)
        message->at = copy->message->created;
    if (is_new)
        message->written = copy->written;
    message->asks_listening = copy->recipient.listening[0] != '\0';
}

static bool is_same_queue(const struct qos_copy *one, const struct qos_copy *other)
{
    return qos_recipient_equals(&one->recipient, &other->recipient);
}

/* Those that are stored before it; they come in the order of their numbers. */
static void count_ahead(struct why_inquiry *inquiry, const struct qos_copies *copies)
{
    struct why_message *message = &inquiry->facts.message;

    for (size_t i = 0; message->id && i < copies->count; i++) {
        if (strcmp(copies->items[i].message->id, message->id) != 0 ||
            !is_meant(inquiry, &copies->items[i]))
            continue;
        for (size_t j = 0; j < i; j++)
            message->ahead += is_same_queue(&copies->items[i], &copies->items[j]);
        return;
    }
    if (inquiry->listed->found.passed > copies->count)
        message->ahead = copies->count;
}

static bool has_event_name(const struct why_inquiry *inquiry, const struct qos_copy *copy)
{
    struct stored_text text = {.number = 0};
    struct buf name = BUF_INIT, wanted = BUF_INIT;
    bool is_so;

    stored_text_member(&text, &name, copy->message, "event");
    json_text_string(&wanted, inquiry->facts.event);
    is_so = strcmp(buf_str(&name), buf_str(&wanted)) == 0;
    stored_text_release(&text);
    buf_release(&name);
    buf_release(&wanted);
    return is_so;
}

/* Where the trace knows no message the last one that waits is meant. */
static const struct qos_copy *find_waiting(const struct why_inquiry *inquiry,
                                           const struct qos_copies *copies)
{
    const char *id = inquiry->question.id;

    for (size_t i = copies->count; i > 0; i--) {
        const struct qos_copy *copy = &copies->items[i - 1];

        if (is_meant(inquiry, copy) && (!id || strcmp(copy->message->id, id) == 0) &&
            (!inquiry->facts.event || has_event_name(inquiry, copy)))
            return copy;
    }
    return NULL;
}

static void take_store(struct why_inquiry *inquiry)
{
    struct why_facts *facts = &inquiry->facts;
    const struct qos_copies *copies = inquiry->stored;
    const struct qos_copy *copy;

    if (!copies)
        return;
    facts->queue.stored = inquiry->listed->found.passed;
    copy = facts->message.is_known ? NULL : find_waiting(inquiry, copies);
    if (copy)
        take_copy(inquiry, copy);
    if (facts->message.is_stored)
        count_ahead(inquiry, copies);
}

static void on_found(struct broker_request *request, const struct broker_message *answer)
{
    struct why_inquiry *inquiry = container_of(request, struct why_inquiry, request);
    const struct qos_copies *copies = &answer->found.copies;

    inquiry->found = broker_message_keep(answer);
    inquiry->facts.queue.is_unknown |= answer->found.status < 0 && answer->found.status != -ENOENT;
    for (size_t i = 0; i < copies->count; i++) {
        if (is_meant(inquiry, &copies->items[i]))
            take_copy(inquiry, &copies->items[i]);
    }
    ask_next_place(inquiry);
}

/* What has become of its copies. */
static void find_message(struct why_inquiry *inquiry)
{
    const struct qos_filter filter = {.tenants = inquiry->question.tenants};
    const char *id = inquiry->question.id ? inquiry->question.id : inquiry->facts.message.id;

    if (!id || (inquiry->facts.message.is_known && !inquiry->facts.message.is_stored)) {
        ask_next_place(inquiry);
        return;
    }
    inquiry->request.on_answer = on_found;
    broker_ask_owner(inquiry->service,
                     broker_choice_new(BROKER_FIND_MESSAGE, inquiry->service->index, id, &filter),
                     &inquiry->request);
}

static void on_listed(struct broker_request *request, const struct broker_message *answer)
{
    struct why_inquiry *inquiry = container_of(request, struct why_inquiry, request);

    inquiry->listed = broker_message_keep(answer);
    inquiry->facts.queue.is_unknown = answer->found.status < 0;
    if (!inquiry->facts.queue.is_unknown)
        inquiry->stored = &inquiry->listed->found.copies;
    take_store(inquiry);
    find_message(inquiry);
}

static void list_messages(struct why_inquiry *inquiry)
{
    const struct why_question *question = &inquiry->question;
    const struct qos_filter filter = {
        .user_id = question->user_id,
        .tenant_id = question->tenant_id,
        .of_tenant = question->is_of_tenant,
        .tenants = question->tenants,
        .is_strict = true,
    };
    struct broker_message *message =
        broker_choice_new(BROKER_LIST_MESSAGES, inquiry->service->index, NULL, &filter);

    message->choice.most = COPIES_MOST;
    message->choice.timeout_ms = STORE_MS;
    inquiry->request.on_answer = on_listed;
    broker_ask_owner(inquiry->service, message, &inquiry->request);
}

/* ---- the workers ---- */

static void ask_workers(struct why_inquiry *inquiry);

/* Of a group the connections are counted; of several channels together, so that those which nobody
 * has are left out. */
static void tell_group(struct why_inquiry *inquiry)
{
    const struct why_history *history = &inquiry->history;
    struct why_facts *facts = &inquiry->facts;
    struct why_presence *presence = &facts->presence;

    for (size_t i = 0; i < history->count; i++) {
        const struct trace_record *record = history->records[i];

        if (record->kind != TRACE_DISPATCHED || (facts->is_channel && facts->channel.members == 0))
            continue;
        presence->connections += (uint32_t)trace_number_of(record, TRACE_IN_GROUP);
        facts->message.written += (uint32_t)trace_number_of(record, TRACE_QUEUED);
        facts->message.dropped += (uint32_t)trace_number_of(record, TRACE_MISSED);
    }
    presence->saying = presence->connections;
    presence->listening =
        facts->message.asks_listening ? facts->message.written : presence->connections;
    facts->channel.joined = presence->connections;
}

static void read_evidence(struct why_inquiry *inquiry)
{
    const struct why_evidence *evidence = inquiry->evidence;
    struct why_facts *facts = &inquiry->facts;

    *facts = (struct why_facts){
        .who = inquiry->who,
        .is_channel = inquiry->group && inquiry->group->dimension == SSE_BY_CHANNEL,
        .event = inquiry->question.event,
        .now = loop_wall_ms(inquiry->service->core->loop),
        .known_since = evidence->known_since,
        .is_unrecorded = evidence->is_unrecorded,
        .presence = evidence->presence,
        .channel = evidence->channel,
        .queue = evidence->queue,
        .other_tenant = evidence->other_tenant,
    };
    facts->channel.name = inquiry->question.channel;
    why_history_read(&inquiry->history, evidence);
    why_history_tell(&inquiry->history, &inquiry->question, facts);
    if (inquiry->group)
        tell_group(inquiry);
}

/* The message was for a channel that nobody had asked about; or more is recorded by its id. */
static bool ask_again(struct why_inquiry *inquiry)
{
    const struct why_facts *facts = &inquiry->facts;
    struct why_question *question = &inquiry->question;
    const bool is_new_channel = facts->channel.name && !question->channel;
    const bool is_new_id = facts->message.is_stored && facts->message.id && !question->id;

    if (!is_new_channel && !is_new_id)
        return false;
    if (is_new_channel)
        question->channel = inquiry->channel = mem_strdup(facts->channel.name);
    if (is_new_id)
        question->id = inquiry->id = mem_strdup(facts->message.id);
    why_history_release(&inquiry->history);
    why_evidence_free(inquiry->evidence);
    inquiry->evidence = NULL;
    ask_workers(inquiry);
    return true;
}

static void on_evidence(struct broker_request *request, const struct broker_message *answer)
{
    struct why_inquiry *inquiry = container_of(request, struct why_inquiry, request);

    if (!inquiry->evidence)
        inquiry->evidence = mem_zalloc(sizeof(*inquiry->evidence));
    why_evidence_add(inquiry->evidence, answer->evidence);
    if (request->open > 0)
        return;
    read_evidence(inquiry);
    if (ask_again(inquiry))
        return;
    if (inquiry->group)
        find_message(inquiry);
    else
        list_messages(inquiry);
}

static struct broker_message *make_question(void *context, size_t worker)
{
    const struct why_inquiry *inquiry = context;

    (void)worker;
    return why_question_new(inquiry->service->index, &inquiry->question);
}

static void ask_workers(struct why_inquiry *inquiry)
{
    inquiry->request.on_answer = on_evidence;
    broker_ask_all(inquiry->service->broker, make_question, inquiry, &inquiry->request);
}

/* "the user 7" */
static char *who(const struct why_inquiry *inquiry)
{
    static const char *const words[SSE_DIMENSIONS] = {[SSE_BY_TOKEN] = "that token",
                                                      [SSE_BY_TENANT] = "the tenant",
                                                      [SSE_BY_CHANNEL] = "the channel",
                                                      [SSE_BY_CONNECTION] = "the connection",
                                                      [SSE_ALL] = "everybody together"};
    const struct qos_recipient *group = inquiry->group;
    struct buf text = BUF_INIT;

    if (!group)
        buf_printf(&text, "the user %s", inquiry->question.user_id);
    else if (group->dimension == SSE_BY_TOKEN || group->dimension == SSE_ALL)
        buf_append_str(&text, words[group->dimension]);
    else
        buf_printf(&text, "%s \"%s\"", words[group->dimension], group->value);
    return buf_detach(&text);
}

void why_inquiry_start(struct why_inquiry *inquiry)
{
    struct why_question *question = &inquiry->question;

    inquiry->who = who(inquiry);
    if (inquiry->group)
        question->user_id = ""; /* nobody's */
    inquiry->user_key = question->tenant_id
                            ? sse_user_key_new(question->tenant_id, question->user_id)
                            : mem_strdup(question->user_id);
    question->user_key = inquiry->user_key;
    ask_workers(inquiry);
}
