/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/visits.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/trace.h"

#define ENDS_MOST 16u /* the last, that are looked at */

static bool is_same(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

/* ---- the user's connections ---- */

struct visit *visits_find(const struct visits *visits, const char *handle)
{
    for (size_t i = visits->count; handle && i > 0; i--) {
        if (strcmp(visits->items[i - 1].handle, handle) == 0)
            return &visits->items[i - 1];
    }
    return NULL;
}

static struct visit *add(struct visits *visits, const struct trace_record *record,
                         const char *handle)
{
    struct visit *visit = visits_find(visits, handle);

    if (visit)
        return visit;
    if (visits->count == visits->capacity) {
        visits->capacity = visits->capacity > 0 ? 2 * visits->capacity : 16;
        visits->items = mem_realloc(visits->items, visits->capacity * sizeof(visits->items[0]));
    }
    visit = &visits->items[visits->count++];
    *visit = (struct visit){.handle = handle, .first = record};
    return visit;
}

static bool has_channel(const struct visits *visits, const char *channel)
{
    for (size_t i = 0; i < visits->channel_count; i++) {
        if (strcmp(visits->channels[i], channel) == 0)
            return true;
    }
    return false;
}

static void take_channels(struct visits *visits, const struct trace_record *record)
{
    struct trace_item item = {.next = 0};

    while (visits->channel_count < VISITS_CHANNELS_MOST && trace_next_field(record, &item)) {
        if ((item.field == TRACE_CHANNEL || item.field == TRACE_REFUSED_CHANNEL) &&
            !has_channel(visits, item.text))
            visits->channels[visits->channel_count++] = item.text;
    }
}

static bool is_of_connection(const struct trace_record *record)
{
    return trace_class_of((enum trace_kind)record->kind) == TRACE_OF_CONNECTIONS &&
           trace_text_of(record, TRACE_CONNECTION);
}

/* What is now counts where nothing is known of what was. */
static bool is_said_of(const struct visit *visit, const struct trace_record *record)
{
    return is_of_connection(record) && (!record->is_of_now || record == visit->opened) &&
           is_same(trace_text_of(record, TRACE_CONNECTION), visit->handle);
}

void visits_read(struct visits *visits, const struct why_history *history,
                 const struct why_question *question)
{
    *visits =
        (struct visits){.history = history, .question = question, .tenant_id = question->tenant_id};
    for (size_t i = 0; i < history->count; i++) {
        const struct trace_record *record = history->records[i];
        const char *handle = trace_text_of(record, TRACE_CONNECTION);
        struct visit *visit;

        if (!handle || !is_of_connection(record))
            continue;
        visit = add(visits, record, handle);
        if (record->kind == TRACE_OPENED && (!visit->opened || !record->is_of_now))
            visit->opened = record;
        if (record->kind == TRACE_CLOSED)
            visit->closed = record;
        if (!visits->tenant_id)
            visits->tenant_id = trace_text_of(record, TRACE_TENANT);
        take_channels(visits, record);
    }
}

void visits_release(struct visits *visits)
{
    free(visits->items);
    visits->items = NULL;
}

bool visit_is_open_at(const struct visit *visit, uint64_t ns)
{
    return (!visit->opened || visit->opened->ns <= ns) &&
           (!visit->closed || visit->closed->ns > ns);
}

/* ---- names ---- */

/* 1: from this record on it has the name; -1: it has not; 0: nothing is said of it. */
static int says(const struct trace_record *record, enum trace_field field, const char *name)
{
    if (!trace_has_text(record, field, name))
        return 0;
    return record->kind == TRACE_UNLISTENING || record->kind == TRACE_UNSUBSCRIBED ? -1 : 1;
}

/* What it has now it had then, but for what has changed since. */
static bool has_name_now(const struct visit *visit, enum trace_field field, const char *name,
                         int changed)
{
    if (!visit->opened || !visit->opened->is_of_now)
        return false;
    return changed == 0 ? trace_has_text(visit->opened, field, name) : changed < 0;
}

bool visit_has_name_at(const struct visits *visits, const struct visit *visit, uint64_t ns,
                       unsigned field, const char *name)
{
    const struct why_history *history = visits->history;
    int changed = 0; /* by the first record behind that time */

    for (size_t i = history->count; i > 0; i--) {
        const struct trace_record *record = history->records[i - 1];
        int said;

        if (record->is_of_now || !is_said_of(visit, record))
            continue;
        said = says(record, (enum trace_field)field, name);
        if (said != 0 && record->ns <= ns)
            return said > 0;
        if (said != 0)
            changed = said;
    }
    return has_name_now(visit, (enum trace_field)field, name, changed);
}

const struct trace_record *visits_last_of(const struct visits *visits, uint64_t ns, unsigned asked,
                                          unsigned refused, const char *name)
{
    const struct why_history *history = visits->history;

    for (size_t i = history->count; i > 0; i--) {
        const struct trace_record *record = history->records[i - 1];

        if (record->ns <= ns && !record->is_of_now && is_of_connection(record) &&
            (trace_has_text(record, (enum trace_field)asked, name) ||
             trace_has_text(record, (enum trace_field)refused, name)))
            return record;
    }
    return NULL;
}

/* A name is followed by its reason. */
const char *visits_refused_for(const struct trace_record *record, unsigned refused,
                               const char *name)
{
    struct trace_item item = {.next = 0};
    bool is_next = false;

    while (trace_next_field(record, &item)) {
        if (is_next && item.field == TRACE_REFUSED_WHY)
            return item.text;
        is_next = item.field == refused && strcmp(item.text, name) == 0;
    }
    return NULL;
}

bool visits_know_channel(const struct visits *visits, const char *channel)
{
    for (size_t i = 0; i < visits->channel_count; i++) {
        if (spelling_nearness(visits->channels[i], channel) > SPELLING_FAR)
            return true;
    }
    return false;
}

/* ---- what a connection had, and did not have any more ---- */

static bool is_newer_alike(const struct trace_record *dropped,
                           const struct trace_record *dispatched)
{
    return dropped->ns > dispatched->ns &&
           is_same(trace_text_of(dropped, TRACE_POLICY), "latest") &&
           is_same(trace_text_of(dropped, TRACE_EVENT), trace_text_of(dispatched, TRACE_EVENT));
}

/* Not each drop is recorded: between two that are there were others. */
bool visit_has_dropped(const struct visits *visits, const struct visit *visit,
                       const struct trace_record *dispatched)
{
    const struct why_history *history = visits->history;
    const uint64_t position = dispatched->position;
    uint64_t first = UINT64_MAX, last = 0;

    for (size_t i = 0; i < history->count; i++) {
        const struct trace_record *record = history->records[i];

        if (record->kind != TRACE_DROPPED ||
            !is_same(trace_text_of(record, TRACE_CONNECTION), visit->handle))
            continue;
        if (is_newer_alike(record, dispatched))
            return true;
        if (record->position > 0 && record->position < first)
            first = record->position;
        if (record->position > last)
            last = record->position;
    }
    return position > 0 && first <= position && position <= last;
}

/* ---- what its page was told that it misses ---- */

static bool is_gap(const struct trace_record *record)
{
    const char *policy = trace_text_of(record, TRACE_POLICY);

    switch (record->kind) {
    case TRACE_GAP:
        return true;
    case TRACE_OPENED:
        return is_same(trace_text_of(record, TRACE_RESUME), "gap");
    case TRACE_DROPPED: /* an older event of the same name, or a page that is sent away, is none */
        return is_same(policy, "drop-oldest") || is_same(policy, "too-large");
    default:
        return false;
    }
}

/* A page that has come back begins behind its gap. */
const struct trace_record *visit_gap(const struct visits *visits, const struct visit *visit,
                                     uint64_t position)
{
    const struct why_history *history = visits->history;

    for (size_t i = 0; i < history->count; i++) {
        const struct trace_record *record = history->records[i];
        const uint64_t after = trace_number_of(record, TRACE_AFTER);

        if (!is_said_of(visit, record) || !is_gap(record))
            continue;
        if ((record->kind == TRACE_OPENED && position <= after) ||
            (record->kind == TRACE_GAP && position > after && position <= record->position))
            return record;
    }
    return NULL;
}

void visits_tell_gaps(const struct visits *visits, struct why_gaps *gaps)
{
    const struct why_history *history = visits->history;

    for (size_t i = 0; i < history->count; i++) {
        if (!is_of_connection(history->records[i]) || !is_gap(history->records[i]))
            continue;
        gaps->count++;
        gaps->last_at = history->records[i]->time;
    }
}

/* ---- presence ---- */

static bool says_names_at(const struct visits *visits, const struct visit *visit, uint64_t ns)
{
    const struct why_history *history = visits->history;

    for (size_t i = 0; i < history->count && history->records[i]->ns <= ns; i++) {
        const struct trace_record *record = history->records[i];

        if (is_said_of(visit, record) && trace_text_of(record, TRACE_LISTENER))
            return true;
    }
    return false;
}

static void take_listeners(const struct visits *visits, const struct visit *visit, uint64_t ns,
                           struct why_presence *presence)
{
    const char *event = visits->question->event;
    const struct why_history *history = visits->history;

    for (size_t i = 0; i < history->count && history->records[i]->ns <= ns; i++) {
        struct trace_item item = {.next = 0};

        if (!is_said_of(visit, history->records[i]))
            continue;
        while (trace_next_field(history->records[i], &item)) {
            const enum nearness nearness =
                item.field == TRACE_LISTENER ? spelling_nearness(item.text, event) : SPELLING_FAR;

            if (nearness <= presence->nearness || nearness == SPELLING_SAME)
                continue;
            presence->nearest = item.text;
            presence->nearness = nearness;
        }
    }
}

static bool listens_at(const struct visits *visits, const struct visit *visit, uint64_t ns)
{
    const char *event = visits->question->event;

    return event && !visit->was_deaf && visit_has_name_at(visits, visit, ns, TRACE_LISTENER, event);
}

void visits_tell_presence(const struct visits *visits, uint64_t ns, struct why_presence *presence)
{
    struct why_presence then = {.connections = 0};

    for (size_t i = 0; i < visits->count; i++) {
        const struct visit *visit = &visits->items[i];

        if (!visit_is_open_at(visit, ns))
            continue;
        then.connections++;
        then.saying += says_names_at(visits, visit, ns);
        then.listening += listens_at(visits, visit, ns);
        if (visits->question->event)
            take_listeners(visits, visit, ns, &then);
    }
    *presence = then;
}

/* ---- the last refusal, and the last end ---- */

static enum why_cause cause_of_end(const struct trace_record *closed)
{
    static const struct {
        const char *word, *text; /* text NULL: any */
        enum why_cause cause;
    } causes[] = {
        {"evicted", NULL, WHY_EVICTED},
        {"kicked", NULL, WHY_KICKED},
        {"slow", NULL, WHY_SLOW},
        {"expired", NULL, WHY_TOKEN_EXPIRED},
        {"client", "visibilitychange", WHY_HIDDEN},
        {"client", "freeze", WHY_HIDDEN},
    };
    const char *word = trace_text_of(closed, TRACE_CAUSE);
    const char *text = trace_text_of(closed, TRACE_REASON);

    for (size_t i = 0; i < COUNT(causes); i++) {
        if (is_same(word, causes[i].word) && (!causes[i].text || is_same(text, causes[i].text)))
            return causes[i].cause;
    }
    return WHY_OFFLINE;
}

static void tell_end(const struct visits *visits, const struct visit *visit,
                     struct why_event *ending)
{
    const struct trace_record *closed = visit->closed;
    const char *text = trace_text_of(closed, TRACE_REASON);

    *ending = (struct why_event){
        .cause = cause_of_end(closed),
        .at = closed->time,
        .order = closed->ns,
        .is_listener = listens_at(visits, visit, closed->ns),
        .detail = text ? text : trace_text_of(closed, TRACE_CAUSE),
        .address = visit->opened ? trace_text_of(visit->opened, TRACE_ADDRESS) : NULL,
    };
}

static bool is_connect(const struct trace_record *refused)
{
    static const char end[] = "/connect";
    const char *path = trace_text_of(refused, TRACE_PATH);
    const size_t length = path ? strcspn(path, "?") : 0;

    return length >= sizeof(end) - 1 &&
           strncmp(path + length - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

static enum why_cause cause_of_refusal(const struct trace_record *refused)
{
    static const struct {
        const char *rule;
        enum why_cause cause;
    } causes[] = {
        {"expired", WHY_TOKEN_EXPIRED},         {"revoked", WHY_REVOKED},
        {"webhook", WHY_WEBHOOK_REFUSED},       {"origin", WHY_ORIGIN_REFUSED},
        {"credential", WHY_CREDENTIAL_REFUSED}, {"connections", WHY_LIMIT},
    };
    const char *rule = trace_text_of(refused, TRACE_RULE);

    for (size_t i = 0; i < COUNT(causes); i++) {
        if (is_same(rule, causes[i].rule))
            return causes[i].cause;
    }
    if (trace_number_of(refused, TRACE_STATUS) == 429)
        return WHY_LIMIT;
    return trace_number_of(refused, TRACE_STATUS) == 401 ? WHY_CREDENTIAL_REFUSED
                                                         : WHY_CONNECT_REFUSED;
}

static void tell_refusal(const struct trace_record *refused, struct why_event *refusal)
{
    *refusal = (struct why_event){
        .cause = cause_of_refusal(refused),
        .at = refused->time,
        .order = refused->ns,
        .is_claimed = !trace_text_of(refused, TRACE_USER),
        .detail = trace_text_of(refused, TRACE_REASON),
        .address = trace_text_of(refused, TRACE_ADDRESS),
    };
}

/* Who came in later on was not kept out by it. */
static void tell_last_refusal(const struct visits *visits, uint64_t ns, struct why_event *refusal)
{
    const struct why_history *history = visits->history;

    for (size_t i = history->count; i > 0; i--) {
        const struct trace_record *record = history->records[i - 1];

        if (record->ns > ns)
            continue;
        if (record->kind == TRACE_OPENED)
            return;
        if (record->kind == TRACE_REFUSED && is_connect(record)) {
            tell_refusal(record, refusal);
            return;
        }
    }
}

/* One that listened says more than one that did not. */
void visits_tell_last(const struct visits *visits, uint64_t ns, struct why_facts *facts)
{
    struct why_event *ending = &facts->ending;

    size_t left = ENDS_MOST;

    for (size_t i = visits->count; i > 0 && left > 0; i--) {
        const struct visit *visit = &visits->items[i - 1];
        struct why_event end;

        if (!visit->closed || visit->closed->ns > ns)
            continue;
        left--;
        tell_end(visits, visit, &end);
        if (ending->cause == WHY_UNKNOWN || end.is_listener > ending->is_listener ||
            (end.is_listener == ending->is_listener && end.order >= ending->order))
            *ending = end;
    }
    tell_last_refusal(visits, ns, &facts->refusal);
}
