/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/age_timer.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/table.h"
#include "sse/event.h"
#include "sse/lost.h"
#include "sse/message.h"
#include "sse/notes.h"
#include "sse/own_id.h"
#include "sse/subject.h"
#include "sse/user.h"
#include "sse/user_key.h"

#define FIRST_CAPACITY 16u
/* Events with the same id that are tried for a page, so that a sender who gives one id to all of
 * them makes nobody wait. */
#define SAME_ID_TRIED 16u

const char *const sse_resume_words[SSE_RESUMES] = {
    [SSE_RESUME_NONE] = "none",          [SSE_RESUMED] = "resumed",
    [SSE_RESUME_TOO_OLD] = "too-old",    [SSE_RESUME_EPOCH] = "epoch",
    [SSE_RESUME_UNKNOWN] = "unknown-id",
};

/* Where the events with one id are. A stored message is written again, and a sender may give an id
 * twice: what bears it is remembered for a while after the last of them has gone. */
struct place {
    struct table_node node;
    struct list lost;  /* in the history's, while there are none */
    bool was_written;  /* a page may have seen this id before all that is known of */
    uint64_t users;    /* bits of each whom it was for; all: others than users */
    uint64_t earliest; /* kept or not */
    uint64_t first;    /* 0: there are none */
    union {
        uint64_t last;
        uint64_t lost_at; /* of the last event, while there are none: when it came (loop ms) */
    };
    char id[];
};

struct entry {
    struct sse_message *message;
    struct place *place;
    uint64_t next; /* the next position with the same id; 0: none */
    uint64_t at;   /* loop ms */
    size_t cost;
};

/* Those without events: the oldest first, as many as events at most. */
struct lost_places {
    struct list list;
    size_t count;
};

struct sse_history {
    const struct sse_history_settings *settings;
    struct entry *entries; /* a ring, by position */
    size_t capacity;       /* a power of two, or 0 */
    uint64_t first, last;  /* first: last + 1 when none is kept */
    size_t bytes;
    uint64_t lost_number; /* the greatest number of an own id that is not kept any more */
    struct hash_key user_hash;
    struct table places;
    struct lost_places given, made; /* of ids that senders gave, and that the server made */
    struct sse_notes notes;
    struct sse_lost lost;
    struct age_timer age;
};

static struct entry *entry_at(const struct sse_history *history, uint64_t position)
{
    return &history->entries[position & (history->capacity - 1)];
}

/* Workers share a message: each counts it. */
static size_t cost_of(const struct sse_message *message)
{
    return sizeof(struct entry) + sizeof(struct place) + sizeof(*message) +
           2 * strlen(message->id) + strlen(message->event) + message->wire->length +
           sse_target_bytes(&message->target);
}

static void place_free(struct sse_history *history, struct place *place)
{
    table_remove(&history->places, &place->node);
    free(place);
}

/* Senders' ids are counted apart: that the server's are forgotten is known by their numbers. */
static struct lost_places *lost_places_of(struct sse_history *history, const char *id)
{
    return sse_own_id_read(id).kind == SSE_OWN_ID_NONE ? &history->given : &history->made;
}

static void forget_lost_place(struct sse_history *history, struct lost_places *lost)
{
    struct list *node = list_take_first(&lost->list);

    lost->count--;
    place_free(history, container_of(node, struct place, lost));
}

/* Six of 64: a million users would have to be tried to find one that has another's. */
static uint64_t bits_of_user(const struct sse_history *history, const char *key)
{
    uint64_t hash = hash_text(&history->user_hash, key), bits = 0;

    for (unsigned i = 0; i < 6; i++, hash >>= 6)
        bits |= UINT64_C(1) << (hash & 63);
    return bits;
}

static uint64_t user_bits(const struct sse_history *history, const struct sse_target *target)
{
    uint64_t bits = 0;

    if (target->dimension != SSE_BY_USER)
        return UINT64_MAX;
    for (size_t i = 0; i < target->count && bits != UINT64_MAX; i++) {
        bits |= bits_of_user(history, target->values[i]);
        /* Whose key has no tenant may be meant as well. */
        if (sse_user_key_has_tenant(target->values[i]))
            bits |= bits_of_user(history, sse_user_key_id(target->values[i]));
    }
    return bits;
}

/* The position joins those of its id. */
static struct place *take_place(struct sse_history *history, const struct sse_message *message,
                                uint64_t position)
{
    struct place *place = table_find(&history->places, message->id);

    if (!place) {
        place = table_new_item(&history->places, message->id);
        place->earliest = position;
    }
    if (list_is_linked(&place->lost)) {
        list_remove(&place->lost);
        lost_places_of(history, place->id)->count--;
    }
    if (place->first > 0)
        entry_at(history, place->last)->next = position;
    else
        place->first = position;
    place->last = position;
    place->was_written = place->was_written || message->was_written;
    place->users |= user_bits(history, &message->target);
    return place;
}

static bool is_of_message(const struct sse_own_id *own)
{
    return own->kind == SSE_OWN_ID_MESSAGE || own->kind == SSE_OWN_ID_STORED;
}

/* Numbers are enough for ids that the server has made in this life. */
static bool has_number(const struct sse_own_id *own)
{
    return is_of_message(own) && own->is_of_this_life;
}

static void note_lost(struct sse_history *history, const struct sse_own_id *own)
{
    if (has_number(own) && own->number > history->lost_number)
        history->lost_number = own->number;
}

/* The last event with this id, which came then, is not kept any more. */
static void lose_place(struct sse_history *history, struct place *place, uint64_t at)
{
    struct lost_places *lost = lost_places_of(history, place->id);

    place->lost_at = at;
    list_append(&lost->list, &place->lost);
    lost->count++;
    if (lost->count > history->settings->events)
        forget_lost_place(history, lost);
}

/* The first entry leaves the positions of its id. */
static void leave_place(struct sse_history *history, const struct entry *entry)
{
    struct place *place = entry->place;
    const struct sse_own_id own = sse_own_id_read(place->id);

    note_lost(history, &own);
    place->first = entry->next;
    if (entry->next == 0)
        lose_place(history, place, entry->at);
}

static void drop_first(struct sse_history *history)
{
    struct entry *entry = entry_at(history, history->first);

    history->bytes -= entry->cost;
    sse_lost_add(&history->lost, &entry->message->target, history->first);
    leave_place(history, entry);
    sse_message_unref(entry->message);
    history->first++;
}

/* True when it was due, and is dropped; else *due is set to its end, if that is sooner. */
static bool end_event(struct sse_history *history, uint64_t now, uint64_t *due)
{
    uint64_t end;

    if (history->first > history->last)
        return false;
    end = entry_at(history, history->first)->at + history->settings->keep_ms;
    if (end > now) {
        *due = end < *due ? end : *due;
        return false;
    }
    drop_first(history);
    if (history->first > history->last) {
        free(history->entries);
        history->entries = NULL;
        history->capacity = 0;
    }
    return true;
}

/* What is remembered of events that are not kept any more ends once they could not be, again. */
static uint64_t end_of_memory(const struct sse_history *history, uint64_t at)
{
    return at + 2 * (uint64_t)history->settings->keep_ms;
}

static bool end_lost_place(struct sse_history *history, struct lost_places *lost, uint64_t now,
                           uint64_t *due)
{
    uint64_t end;

    if (lost->count == 0)
        return false;
    end = end_of_memory(history, container_of(lost->list.next, struct place, lost)->lost_at);
    if (end > now) {
        *due = end < *due ? end : *due;
        return false;
    }
    forget_lost_place(history, lost);
    return true;
}

static uint64_t end_first(struct age_timer *age, uint64_t now)
{
    struct sse_history *history = container_of(age, struct sse_history, age);
    uint64_t due = AGE_TIMER_NEVER;

    if (end_event(history, now, &due) || end_lost_place(history, &history->given, now, &due) ||
        end_lost_place(history, &history->made, now, &due))
        return 0;
    return due;
}

struct sse_history *sse_history_new(struct loop *loop, const struct sse_history_settings *settings)
{
    struct sse_history *history = mem_zalloc(sizeof(*history));

    history->settings = settings;
    history->first = 1;
    table_init(&history->places, TABLE_BY_TEXT(struct place, node, id));
    list_init(&history->given.list);
    list_init(&history->made.list);
    history->user_hash = hash_key_new();
    sse_notes_init(&history->notes, loop, settings->events);
    sse_lost_init(&history->lost, settings->events);
    age_timer_init(&history->age, loop, end_first);
    return history;
}

static void drop_surplus(struct sse_history *history)
{
    while (history->bytes > history->settings->bytes)
        drop_first(history);
}

static void drop_lost_surplus(struct sse_history *history, struct lost_places *lost)
{
    while (lost->count > history->settings->events)
        forget_lost_place(history, lost);
}

void sse_history_change(struct sse_history *history, const struct sse_history_settings *settings)
{
    history->settings = settings;
    while (sse_history_count(history) > settings->events)
        drop_first(history);
    drop_surplus(history);
    drop_lost_surplus(history, &history->given);
    drop_lost_surplus(history, &history->made);
    sse_notes_change(&history->notes, settings->events);
}

static void grow(struct sse_history *history)
{
    const size_t capacity = history->capacity > 0 ? history->capacity * 2 : FIRST_CAPACITY;
    struct entry *entries = mem_alloc(capacity * sizeof(struct entry));

    for (uint64_t position = history->first; position <= history->last; position++)
        entries[position & (capacity - 1)] = *entry_at(history, position);
    free(history->entries);
    history->entries = entries;
    history->capacity = capacity;
}

uint64_t sse_history_add(struct sse_history *history, struct sse_message *message, uint64_t now)
{
    const uint64_t position = history->last + 1;
    struct entry *entry;

    age_timer_end_due(&history->age, now);
    if (history->settings->events == 0) {
        const struct sse_own_id own = sse_own_id_read(message->id);

        note_lost(history, &own);
        sse_lost_add(&history->lost, &message->target, position);
        history->last = position;
        history->first = position + 1;
        return position;
    }
    if (sse_history_count(history) == history->settings->events)
        drop_first(history);
    if (sse_history_count(history) == history->capacity)
        grow(history);
    history->last = position;
    entry = entry_at(history, position);
    *entry =
        (struct entry){.message = sse_message_ref(message), .at = now, .cost = cost_of(message)};
    history->bytes += entry->cost;
    entry->place = take_place(history, message, position);
    age_timer_add(&history->age, now + history->settings->keep_ms);
    drop_surplus(history);
    return position;
}

uint64_t sse_history_last(const struct sse_history *history)
{
    return history->last;
}

uint64_t sse_history_first(struct sse_history *history, uint64_t now)
{
    age_timer_end_due(&history->age, now);
    return history->first;
}

size_t sse_history_bytes(const struct sse_history *history)
{
    return history->bytes;
}

size_t sse_history_count(const struct sse_history *history)
{
    return (size_t)(history->last + 1 - history->first);
}

struct sse_message *sse_history_at(const struct sse_history *history, uint64_t position)
{
    if (position < history->first || position > history->last)
        return NULL;
    return entry_at(history, position)->message;
}

bool sse_history_has_lost(const struct sse_history *history, const struct sse_subject *subject,
                          uint64_t after)
{
    return after + 1 < history->first && sse_lost_since(&history->lost, subject, after);
}

uint64_t sse_history_position(const struct sse_history *history, const char *id)
{
    const struct place *place = table_find(&history->places, id);

    return place ? place->first : 0;
}

/* Whether an event with this id was here and is not kept any more, as far as is known. */
static bool has_lost(const struct sse_history *history, const char *id)
{
    const struct place *place = table_find(&history->places, id);
    const struct sse_own_id own = sse_own_id_read(id);

    if (place)
        return place->was_written || place->first != place->earliest;
    return has_number(&own) && own.number <= history->lost_number;
}

void sse_history_note(struct sse_history *history, const char *id, const char *user_key,
                      uint64_t position)
{
    const uint64_t now = loop_now_ms(history->age.loop);

    if (has_lost(history, id))
        position = SSE_POSITION_UNKNOWN;
    sse_notes_add(&history->notes, id, user_key, position, now, end_of_memory(history, now));
}

void sse_history_free(struct sse_history *history)
{
    if (!history)
        return;
    while (history->first <= history->last)
        drop_first(history);
    while (history->given.count > 0)
        forget_lost_place(history, &history->given);
    while (history->made.count > 0)
        forget_lost_place(history, &history->made);
    age_timer_release(&history->age);
    sse_notes_release(&history->notes);
    sse_lost_release(&history->lost);
    table_release(&history->places);
    free(history->entries);
    free(history);
}

void sse_history_id(uint64_t position, char id[SSE_POSITION_ID_SIZE])
{
    sse_own_id_write(id, SSE_OWN_ID_POSITION, position);
}

/* Where a page stands, and what of that it can have. */
struct finding {
    struct sse_history *history;
    const struct sse_subject *subject;
    uint64_t now; /* loop ms */
    enum sse_resume resume;
    uint64_t after;
};

/* It gets what there is. */
static void find_gap(struct finding *finding, enum sse_resume resume)
{
    finding->resume = resume;
    finding->after = finding->history->first - 1;
}

static void find_position(struct finding *finding, uint64_t position)
{
    if (sse_history_has_lost(finding->history, finding->subject, position)) {
        find_gap(finding, SSE_RESUME_TOO_OLD);
        return;
    }
    finding->resume = SSE_RESUMED;
    finding->after = position < finding->history->first ? finding->history->first - 1 : position;
}

/* The first event with this id that was for the subject; where none was, it was somebody else then,
 * or elsewhere. */
static uint64_t position_for(const struct finding *finding, const struct place *place)
{
    uint64_t position = place->first;

    for (unsigned tried = 0; position > 0 && tried < SAME_ID_TRIED; tried++) {
        const struct entry *entry = entry_at(finding->history, position);

        if (sse_subject_is_selected(finding->subject, &entry->message->target))
            return position;
        position = entry->next;
    }
    return place->first;
}

/* A sender's id may be guessed, and that it was sent to another user is nobody else's business. */
static bool may_have_seen(const struct finding *finding, const struct place *place,
                          const struct sse_own_id *own)
{
    const uint64_t bits = bits_of_user(finding->history, finding->subject->user->key);

    return own->kind != SSE_OWN_ID_NONE || (place->users & bits) == bits;
}

/* Which of the events with an id the page has seen is not known: the first it may have. */
static uint64_t position_of(const struct finding *finding, const struct place *place)
{
    if (place->was_written)
        return SSE_POSITION_UNKNOWN;
    return place->first == place->earliest ? position_for(finding, place) : place->earliest;
}

/* False when no event with this id was for the subject, as far as is known. */
static bool find_event(struct finding *finding, const char *id, const struct sse_own_id *own)
{
    struct sse_history *history = finding->history;
    const struct place *place = table_find(&history->places, id);
    uint64_t position = SSE_POSITION_UNKNOWN, noted = SSE_POSITION_UNKNOWN;
    const bool is_noted =
        sse_notes_find(&history->notes, id, finding->subject->user->key, finding->now, &noted);

    if (place && may_have_seen(finding, place, own))
        position = position_of(finding, place);
    else if (!is_noted)
        return false;
    if (noted < position)
        position = noted;
    if (position == SSE_POSITION_UNKNOWN)
        find_gap(finding, SSE_RESUME_TOO_OLD);
    else
        find_position(finding, position);
    return true;
}

/* An id that names nothing for the subject, as far as is known. */
static void explain(struct finding *finding, const struct sse_own_id *own)
{
    if (has_number(own) && own->number <= finding->history->lost_number)
        find_gap(finding, SSE_RESUME_TOO_OLD);
}

/* No longer than an event's id can be, so that a stranger's megabyte costs nothing. */
static bool may_be_id(const char *id)
{
    for (size_t i = 0; i <= SSE_EVENT_MAX_ID; i++) {
        if (id[i] == '\0')
            return true;
        if ((unsigned char)id[i] < ' ' || id[i] == 0x7F)
            return false;
    }
    return false;
}

enum sse_resume sse_history_find(struct sse_history *history, const char *id,
                                 const struct sse_subject *subject, uint64_t now, uint64_t *after)
{
    struct finding finding = {history, subject, now, SSE_RESUME_UNKNOWN, history->last};
    struct sse_own_id own;

    *after = history->last;
    if (!id || id[0] == '\0')
        return SSE_RESUME_NONE;
    if (!may_be_id(id))
        return SSE_RESUME_UNKNOWN;
    age_timer_end_due(&history->age, now);
    own = sse_own_id_read(id);
    /* A stored message of an earlier life may have been seen in that one, whoever got it since. */
    if (own.kind != SSE_OWN_ID_NONE && !own.is_of_this_life)
        find_gap(&finding, SSE_RESUME_EPOCH);
    else if (own.kind == SSE_OWN_ID_POSITION && own.number <= history->last)
        find_position(&finding, own.number);
    else if (!find_event(&finding, id, &own))
        explain(&finding, &own);
    *after = finding.after;
    return finding.resume;
}
