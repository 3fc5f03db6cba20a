/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/trace.h"
#include "sse/user.h"

/* Of each class: they are compared with each other. */
static const size_t records_most[TRACE_CLASSES] = {
    [TRACE_OF_MESSAGES] = 2000, [TRACE_OF_CONNECTIONS] = 250, [TRACE_OF_REFUSALS] = 250};

/* ---- the records ---- */

static int compare(const void *one, const void *other)
{
    const struct trace_record *a = *(const struct trace_record *const *)one;
    const struct trace_record *b = *(const struct trace_record *const *)other;

    return (a->ns > b->ns) - (a->ns < b->ns);
}

static void keep_latest(struct why_history *history)
{
    size_t counts[TRACE_CLASSES] = {0};
    size_t kept = history->count;

    for (size_t i = history->count; i > 0; i--) {
        const struct trace_record *record = history->records[i - 1];
        const enum trace_class class = trace_class_of((enum trace_kind)record->kind);

        if (record->is_of_now || counts[class]++ < records_most[class])
            history->records[--kept] = record;
    }
    history->count -= kept;
    memmove(history->records, history->records + kept,
            history->count * sizeof(const struct trace_record *));
}

void why_history_read(struct why_history *history, const struct why_evidence *evidence)
{
    size_t count = 0;

    *history = (struct why_history){.records = NULL};
    for (const struct trace_record *record = why_first_record(evidence); record;
         record = why_next_record(evidence, record))
        count++;
    history->records = mem_alloc((count + 1) * sizeof(const struct trace_record *));
    for (const struct trace_record *record = why_first_record(evidence); record;
         record = why_next_record(evidence, record))
        history->records[history->count++] = record;
    qsort(history->records, count, sizeof(const struct trace_record *), compare);
    keep_latest(history);
}

void why_history_release(struct why_history *history)
{
    free(history->records);
    *history = (struct why_history){.records = NULL};
}

/* ---- which message is meant ---- */

struct telling {
    const struct why_history *history;
    const struct why_question *question;
    struct why_facts *facts;
    struct visits visits;
    const struct trace_record *sent; /* the message; NULL: none is known */
};

/* How near a message comes to the user. The more the nearer. */
enum concern {
    CONCERN_NONE,
    CONCERN_UNCLEAR, /* it was for others */
    CONCERN_MEANT    /* it was for the user, or for what is like the user, or its channel */
};

static bool is_same(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static enum concern concern_of_value(const struct telling *telling, const struct trace_item *item)
{
    const struct visits *visits = &telling->visits;

    switch (item->field) {
    case TRACE_ALL:
        return CONCERN_MEANT;
    case TRACE_TO_USER:
        return is_same(sse_user_key_id(item->text), telling->question->user_id) ? CONCERN_MEANT
                                                                                : CONCERN_NONE;
    case TRACE_CONNECTION:
    case TRACE_TO_CONNECTION:
    case TRACE_GOT:
    case TRACE_DEAF:
    case TRACE_LEFT_OUT:
        return visits_find(visits, item->text) ? CONCERN_MEANT : CONCERN_NONE;
    case TRACE_TO_TENANT:
        return is_same(item->text, visits->tenant_id) ? CONCERN_MEANT : CONCERN_UNCLEAR;
    case TRACE_TO_CHANNEL:
        if (telling->question->channel)
            return is_same(item->text, telling->question->channel) ? CONCERN_MEANT : CONCERN_NONE;
        return visits_know_channel(visits, item->text) ? CONCERN_MEANT : CONCERN_UNCLEAR;
    default:
        return CONCERN_NONE;
    }
}

static enum concern concern_of(const struct telling *telling, const struct trace_record *record)
{
    enum concern concern = CONCERN_NONE;
    struct trace_item item = {.next = 0};

    while (trace_next_field(record, &item)) {
        const enum concern of_value = concern_of_value(telling, &item);

        if (of_value > concern)
            concern = of_value;
    }
    return concern;
}

/* Whose token it was for says only which connections had it. */
static bool is_sending(const struct trace_record *record)
{
    if (record->kind == TRACE_DISPATCHED)
        return trace_text_of(record, TRACE_TO_TOKEN);
    return record->kind == TRACE_SENT || record->kind == TRACE_STORED ||
           record->kind == TRACE_HELD || record->kind == TRACE_REPEATED ||
           record->kind == TRACE_SEND_REFUSED;
}

/* That others than the message with the id were refused because of it is nothing to that. */
static bool is_asked_for(const struct why_question *question, const struct trace_record *record)
{
    if (question->id && !is_same(trace_text_of(record, TRACE_ID), question->id))
        return false;
    return (question->id && record->kind != TRACE_SEND_REFUSED) || !question->event ||
           is_same(trace_text_of(record, TRACE_EVENT), question->event);
}

/* The last that concerns the user most; NULL: none does. */
static const struct trace_record *find_message(const struct telling *telling)
{
    const struct why_history *history = telling->history;
    const struct trace_record *found = NULL;
    enum concern best = CONCERN_NONE;

    for (size_t i = history->count; i > 0 && best < CONCERN_MEANT; i--) {
        const struct trace_record *record = history->records[i - 1];
        enum concern concern;

        if (!is_sending(record) || !is_asked_for(telling->question, record))
            continue;
        concern = concern_of(telling, record);
        if (telling->question->id && (record->kind != TRACE_SEND_REFUSED || concern > CONCERN_NONE))
            concern = CONCERN_MEANT;
        if (concern <= best || (concern == CONCERN_UNCLEAR && telling->visits.count == 0))
            continue; /* what others got is nothing to one who was never there */
        best = concern;
        found = record;
    }
    return found;
}

/* ---- what became of it ---- */

static bool is_for_user(const struct telling *telling, const struct trace_record *record)
{
    return trace_has_text(record, TRACE_TO_USER, telling->question->user_key) ||
           trace_has_text(record, TRACE_TO_USER, telling->question->user_id);
}

static void tell_target(struct telling *telling, const struct trace_record *record)
{
    struct why_message *message = &telling->facts->message;
    const char *tenant_id = telling->visits.tenant_id;

    message->channel = trace_text_of(record, TRACE_TO_CHANNEL);
    message->asks_listening = trace_number_of(record, TRACE_LISTENERS_ONLY) > 0;
    message->is_of_other_tenant =
        (trace_text_of(record, TRACE_TO_TENANT) && tenant_id &&
         !trace_has_text(record, TRACE_TO_TENANT, tenant_id)) ||
        (trace_text_of(record, TRACE_TO_USER) && !is_for_user(telling, record));
}

static enum qos_state state_of(const char *word)
{
    for (size_t state = 0; word && state < QOS_STATES; state++) {
        if (strcmp(qos_state_words[state], word) == 0)
            return (enum qos_state)state;
    }
    return QOS_STORED;
}

/* The connections of individuals are recorded one by one, those of groups are counted. */
static bool is_selected(const struct telling *telling, const struct visit *visit,
                        const struct trace_record *when, const struct trace_record *target)
{
    struct trace_item item = {.next = 0};

    while (trace_next_field(target, &item)) {
        if (item.field == TRACE_ALL ||
            (item.field == TRACE_TO_TENANT && is_same(item.text, telling->visits.tenant_id)) ||
            (item.field == TRACE_TO_CHANNEL &&
             visit_has_name_at(&telling->visits, visit, when->ns, TRACE_CHANNEL, item.text)))
            return true;
    }
    return false;
}

static bool listens(const struct telling *telling, const struct visit *visit,
                    const struct trace_record *record)
{
    const char *event = trace_text_of(record, TRACE_EVENT);

    return trace_number_of(record, TRACE_LISTENERS_ONLY) == 0 ||
           (event && visit_has_name_at(&telling->visits, visit, record->ns, TRACE_LISTENER, event));
}

static bool is_reached(const struct telling *telling, const struct visit *visit,
                       const struct trace_record *record)
{
    return trace_number_of(record, TRACE_QUEUED) > 0 && visit_is_open_at(visit, record->ns) &&
           is_selected(telling, visit, record, record) && listens(telling, visit, record);
}

/* Written to its queue, that is; and it may have been dropped from there, or have ended with it. */
static void tell_got(struct telling *telling, struct visit *visit,
                     const struct trace_record *record)
{
    struct why_message *message = &telling->facts->message;
    const struct trace_record *gap = visit_gap(&telling->visits, visit, record->position);

    if (visit_has_dropped(&telling->visits, visit, record)) {
        message->dropped++;
    } else if (gap) {
        message->missed++;
        message->gap_at = gap->time;
    } else if (!visit->closed ||
               trace_number_of(visit->closed, TRACE_WRITTEN) >= record->position) {
        visit->has_got = true;
        message->written++;
    }
}

static void tell_dispatched(struct telling *telling, const struct trace_record *record)
{
    struct why_message *message = &telling->facts->message;

    for (size_t i = 0; i < telling->visits.count; i++) {
        struct visit *visit = &telling->visits.items[i];

        if (visit->first->worker != record->worker)
            continue;
        visit->was_deaf |= trace_has_text(record, TRACE_DEAF, visit->handle);
        if (trace_has_text(record, TRACE_LEFT_OUT, visit->handle))
            message->dropped += !message->is_stored;
        else if (trace_has_text(record, TRACE_GOT, visit->handle) ||
                 is_reached(telling, visit, record))
            tell_got(telling, visit, record);
    }
}

static void tell_record(struct telling *telling, const struct trace_record *record)
{
    struct why_message *message = &telling->facts->message;

    message->had_members |= trace_number_of(record, TRACE_IN_GROUP) > 0;
    switch (record->kind) {
    case TRACE_HELD:
    case TRACE_STORED:
        message->is_stored = true;
        break;
    case TRACE_DISPATCHED:
        tell_dispatched(telling, record);
        break;
    case TRACE_REDELIVERED:
        message->written +=
            visits_find(&telling->visits, trace_text_of(record, TRACE_CONNECTION)) != NULL;
        break;
    case TRACE_ENDED:
        if (is_for_user(telling, record) || !trace_text_of(record, TRACE_TO_USER))
            message->state = state_of(trace_text_of(record, TRACE_STATE));
        break;
    default:
        break;
    }
}

/* It came later, with the id of what its page had seen last. */
static bool has_come_back(const struct telling *telling, const struct visit *visit)
{
    const struct trace_record *sent = telling->sent, *opened = visit->opened;

    return opened && opened->ns > sent->ns && opened->position >= sent->position &&
           sent->position > 0 && trace_text_of(opened, TRACE_RESUME);
}

/* What its page had missed came with its connection, and this was among that. */
static bool is_resumed(const struct telling *telling, const struct visit *visit)
{
    const struct trace_record *sent = telling->sent, *opened = visit->opened;

    return (is_for_user(telling, sent) || is_selected(telling, visit, opened, sent)) &&
           (!visit->closed || trace_number_of(visit->closed, TRACE_WRITTEN) >= sent->position);
}

/* Who was away, and came back. */
static void tell_resumed(struct telling *telling)
{
    struct why_message *message = &telling->facts->message;

    for (size_t i = 0; i < telling->visits.count && message->resumed_at == 0; i++) {
        struct visit *visit = &telling->visits.items[i];
        const struct trace_record *gap;

        if (!has_come_back(telling, visit))
            continue;
        gap = visit_gap(&telling->visits, visit, telling->sent->position);
        if (gap && message->gap_at == 0)
            message->gap_at = gap->time;
        if (gap || !is_resumed(telling, visit))
            continue;
        visit->has_got = true;
        message->written++;
        message->resumed_at = visit->opened->time;
    }
}

static bool is_of_message(const struct trace_record *record, const struct trace_record *sent)
{
    return trace_class_of((enum trace_kind)record->kind) == TRACE_OF_MESSAGES &&
           is_same(trace_text_of(record, TRACE_ID), trace_text_of(sent, TRACE_ID));
}

static void tell_message(struct telling *telling)
{
    const struct why_history *history = telling->history;
    const struct trace_record *sent = find_message(telling);
    struct why_message *message = &telling->facts->message;

    if (!sent)
        return;
    telling->sent = sent;
    message->is_known = true;
    message->at = sent->time;
    message->id = trace_text_of(sent, TRACE_ID);
    tell_target(telling, sent);
    if (sent->kind == TRACE_SEND_REFUSED) {
        message->refused_for = trace_text_of(sent, TRACE_REASON);
        return;
    }
    message->is_repeat = sent->kind == TRACE_REPEATED;
    message->is_stored = trace_number_of(sent, TRACE_QOS) > 0;
    for (size_t i = 0; i < history->count; i++) {
        if (is_of_message(history->records[i], sent))
            tell_record(telling, history->records[i]);
    }
    if (message->written == 0 && message->dropped == 0 && message->missed == 0 &&
        !message->is_stored)
        tell_resumed(telling);
}

/* What is about others is of no use to who asks. */
static void leave_out_others(const struct telling *telling, struct why_history *history)
{
    size_t kept = 0;

    for (size_t i = 0; i < history->count; i++) {
        const struct trace_record *record = history->records[i];

        if (record->is_of_now)
            continue;
        if (trace_class_of((enum trace_kind)record->kind) != TRACE_OF_MESSAGES ||
            (telling->sent && is_of_message(record, telling->sent)) ||
            concern_of(telling, record) == CONCERN_MEANT)
            history->records[kept++] = record;
    }
    history->count = kept;
}

/* ---- the moment that counts ---- */

/* A connection that was there, and ended before it had the message, was as good as none. */
static uint64_t end_of_lost(const struct telling *telling)
{
    uint64_t ns = telling->sent->ns;

    for (size_t i = 0; i < telling->visits.count; i++) {
        const struct visit *visit = &telling->visits.items[i];

        if (visit_is_open_at(visit, telling->sent->ns) && !visit->has_got && visit->closed &&
            visit->closed->ns > ns &&
            trace_number_of(visit->closed, TRACE_WRITTEN) < telling->sent->position)
            ns = visit->closed->ns;
    }
    return ns;
}

/* What still waits is told as things are now, the rest as they were. */
static uint64_t moment(const struct telling *telling)
{
    const struct why_message *message = &telling->facts->message;

    if (!message->is_known || (message->is_stored && message->state == QOS_STORED))
        return VISITS_NOW;
    return message->written == 0 && message->dropped == 0 && message->missed == 0
               ? end_of_lost(telling)
               : telling->sent->ns;
}

static void tell_channel(const struct telling *telling, uint64_t ns)
{
    struct why_channel *channel = &telling->facts->channel;
    const struct trace_record *last;

    if (!channel->name)
        channel->name = telling->facts->message.channel;
    if (!channel->name)
        return;
    last =
        visits_last_of(&telling->visits, ns, TRACE_CHANNEL, TRACE_REFUSED_CHANNEL, channel->name);
    channel->refused_for =
        last ? visits_refused_for(last, TRACE_REFUSED_CHANNEL, channel->name) : NULL;
    channel->is_refused = last && last->kind == TRACE_CHANNELS_REFUSED;
    channel->refused_at = channel->is_refused ? last->time : 0;
    channel->left_at = last && last->kind == TRACE_UNSUBSCRIBED ? last->time : 0;
}

/* What it would listen to otherwise. */
static void tell_refused_listener(const struct telling *telling, uint64_t ns)
{
    const char *event = telling->question->event;
    const struct trace_record *last =
        event ? visits_last_of(&telling->visits, ns, TRACE_LISTENER, TRACE_REFUSED_LISTENER, event)
              : NULL;

    if (!last || last->kind != TRACE_CHANNELS_REFUSED)
        return;
    telling->facts->presence.refused_at = last->time;
    telling->facts->presence.refused_for = visits_refused_for(last, TRACE_REFUSED_LISTENER, event);
}

void why_history_tell(struct why_history *history, const struct why_question *question,
                      struct why_facts *facts)
{
    struct telling telling = {.history = history, .question = question, .facts = facts};
    uint64_t ns;

    visits_read(&telling.visits, history, question);
    tell_message(&telling);
    ns = moment(&telling);
    facts->is_past = ns != VISITS_NOW;
    tell_channel(&telling, ns);
    if (ns != VISITS_NOW)
        visits_tell_presence(&telling.visits, ns, &facts->presence);
    tell_refused_listener(&telling, ns);
    visits_tell_last(&telling.visits, ns, facts);
    visits_tell_gaps(&telling.visits, &facts->gaps);
    leave_out_others(&telling, history);
    visits_release(&telling.visits);
}
