/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/slices.h"
#include "sse/event.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/own_id.h"
#include "sse/target.h"
#include "sse/user.h"

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
struct sse_id_entry {
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

/* Those without events: the oldest first, as many as events at most. */
struct tombstones {
    struct list list;
    size_t count;
};

struct id_position {
    struct lru_item item;
    uint64_t position;
    char key[]; /* id, LF, user: what an id stands for is told to its user alone */
};

struct sse_history {
    const struct sse_history_settings *settings;
    struct sse_log *log;
    size_t count, bytes;  /* of messages */
    uint64_t lost_number; /* the greatest number of an own id that is not kept any more */
    struct hash_key user_hash;
    struct table ids;
    struct tombstones given, made; /* of ids that senders gave, and that the server made */
    struct lru positions;          /* those that ids stand for, each to one user */
    struct age_timer age;
};

static size_t cost_of(const struct sse_message *message)
{
    return sizeof(struct sse_log_record) + sizeof(struct sse_id_entry) + sizeof(*message) +
           2 * strlen(message->id) + strlen(message->event) + message->wire->length +
           sse_target_bytes(&message->target);
}

static void id_entry_free(struct sse_history *history, struct sse_id_entry *id_entry)
{
    table_remove(&history->ids, &id_entry->node);
    free(id_entry);
}

/* Senders' ids are counted apart: that the server's are forgotten is known by their numbers. */
static struct tombstones *tombstones_of(struct sse_history *history, const struct sse_own_id *own)
{
    return own->kind == SSE_OWN_ID_NONE ? &history->given : &history->made;
}

static void forget_tombstone(struct sse_history *history, struct tombstones *lost)
{
    struct list *node = list_take_first(&lost->list);

    lost->count--;
    id_entry_free(history, container_of(node, struct sse_id_entry, lost));
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
static struct sse_id_entry *take_id(struct sse_history *history, const struct sse_message *message,
                                    uint64_t position)
{
    struct sse_id_entry *id_entry =
        message->is_id_fresh ? NULL : table_find(&history->ids, message->id);

    if (!id_entry) {
        id_entry = table_new_item(&history->ids, message->id);
        id_entry->earliest = position;
    }
    if (list_is_linked(&id_entry->lost)) {
        const struct sse_own_id own = sse_own_id_read(id_entry->id);

        list_remove(&id_entry->lost);
        tombstones_of(history, &own)->count--;
    }
    if (id_entry->first > 0)
        sse_log_record(history->log, id_entry->last)->next = position;
    else
        id_entry->first = position;
    id_entry->last = position;
    id_entry->was_written = id_entry->was_written || message->was_written;
    id_entry->users |= user_bits(history, &message->target);
    return id_entry;
}

/* Numbers are enough for ids that the server has made in this life. */
static bool has_number(const struct sse_own_id *own)
{
    return (own->kind == SSE_OWN_ID_MESSAGE || own->kind == SSE_OWN_ID_STORED) &&
           own->is_of_this_life;
}

static bool is_number_lost(const struct sse_history *history, const struct sse_own_id *own)
{
    return has_number(own) && own->number <= history->lost_number;
}

/* The last event with this id, which came then, is not kept any more. */
static void bury(struct sse_history *history, struct sse_id_entry *id_entry,
                 const struct sse_own_id *own, uint64_t at)
{
    struct tombstones *lost = tombstones_of(history, own);

    id_entry->lost_at = at;
    list_append(&lost->list, &id_entry->lost);
    lost->count++;
    if (lost->count > history->settings->events)
        forget_tombstone(history, lost);
}

/* The first entry leaves the positions of its id. */
static void leave_place(struct sse_history *history, const struct sse_log_record *entry)
{
    struct sse_id_entry *id_entry = entry->id_entry;
    const struct sse_own_id own = sse_own_id_read(id_entry->id);

    if (has_number(&own) && own.number > history->lost_number)
        history->lost_number = own.number;
    id_entry->first = entry->next;
    if (entry->next == 0)
        bury(history, id_entry, &own, entry->at);
}

static void drop_first(struct sse_history *history)
{
    const uint64_t first = sse_log_first(history->log);
    const struct sse_log_record *entry = sse_log_record(history->log, first);

    history->bytes -= entry->cost;
    history->count--;
    leave_place(history, entry);
    sse_log_drop(history->log);
}

/* Else *due is set to the end, if that is sooner. */
static bool is_due(uint64_t end, uint64_t now, uint64_t *due)
{
    if (end > now && end < *due)
        *due = end;
    return end <= now;
}

/* True when it was due, and is dropped. */
static bool end_event(struct sse_history *history, uint64_t now, uint64_t *due)
{
    if (history->count == 0 ||
        !is_due(sse_log_record(history->log, sse_log_first(history->log))->at +
                    history->settings->keep_ms,
                now, due))
        return false;
    drop_first(history);
    return true;
}

/* What is remembered of events that are not kept any more ends once they could not be, again. */
static uint64_t end_of_memory(const struct sse_history *history, uint64_t at)
{
    return at + 2 * (uint64_t)history->settings->keep_ms;
}

static bool end_tombstone(struct sse_history *history, struct tombstones *lost, uint64_t now,
                          uint64_t *due)
{
    if (lost->count == 0 ||
        !is_due(end_of_memory(history,
                              container_of(lost->list.next, struct sse_id_entry, lost)->lost_at),
                now, due))
        return false;
    forget_tombstone(history, lost);
    return true;
}

static uint64_t end_first(struct age_timer *age, uint64_t now)
{
    struct sse_history *history = container_of(age, struct sse_history, age);
    uint64_t due = AGE_TIMER_NEVER;

    if (end_event(history, now, &due) || end_tombstone(history, &history->given, now, &due) ||
        end_tombstone(history, &history->made, now, &due))
        return 0;
    return due;
}

struct sse_history *sse_history_new(struct loop *loop, const struct sse_history_settings *settings,
                                    struct sse_log *log)
{
    struct sse_history *history = mem_zalloc(sizeof(*history));

    history->settings = settings;
    history->log = sse_log_ref(log);
    table_init(&history->ids, TABLE_BY_TEXT(struct sse_id_entry, node, id));
    list_init(&history->given.list);
    list_init(&history->made.list);
    history->user_hash = hash_key_new();
    lru_init(&history->positions, loop, LRU_BY_TEXT(struct id_position, item, key),
             settings->events);
    age_timer_init(&history->age, loop, end_first);
    return history;
}

static void drop_surplus(struct sse_history *history)
{
    while (history->count > 0 && sse_history_bytes(history) > history->settings->bytes)
        drop_first(history);
}

/* Down to so many. */
static void forget_tombstones(struct sse_history *history, struct tombstones *lost, size_t most)
{
    while (lost->count > most)
        forget_tombstone(history, lost);
}

void sse_history_change(struct sse_history *history, const struct sse_history_settings *settings)
{
    history->settings = settings;
    while (history->count > settings->events)
        drop_first(history);
    drop_surplus(history);
    forget_tombstones(history, &history->given, settings->events);
    forget_tombstones(history, &history->made, settings->events);
    history->positions.most = settings->events;
    lru_trim(&history->positions);
}

static uint64_t add_command(struct sse_history *history, struct sse_log_record *entry)
{
    uint64_t position;

    (void)sse_command_ref(entry->command);
    entry->cost = (uint32_t)sse_command_bytes(entry->command);
    position = sse_log_append(history->log, entry);
    drop_surplus(history);
    return position;
}

uint64_t sse_history_add(struct sse_history *history, const struct sse_log_record *record,
                         uint64_t now)
{
    const uint64_t position = sse_log_last(history->log) + 1;
    struct sse_log_record entry = *record;

    age_timer_end_due(&history->age, now);
    if (entry.kind != SSE_RECORD_MESSAGE)
        return add_command(history, &entry);
    entry.at = now;
    entry.cost = (uint32_t)cost_of(entry.message);
    if (history->count > 0 && history->count == history->settings->events)
        drop_first(history);
    entry.id_entry = take_id(history, sse_message_ref(entry.message), position);
    history->bytes += entry.cost;
    history->count++;
    (void)sse_log_append(history->log, &entry);
    if (history->settings->events == 0)
        drop_first(history);
    else
        age_timer_add(&history->age, now + history->settings->keep_ms);
    drop_surplus(history);
    return position;
}

size_t sse_history_bytes(const struct sse_history *history)
{
    return history->bytes + sse_log_command_bytes(history->log);
}

size_t sse_history_count(const struct sse_history *history)
{
    return history->count;
}

uint64_t sse_history_position(const struct sse_history *history, const char *id)
{
    const struct sse_id_entry *id_entry = table_find(&history->ids, id);

    return id_entry ? id_entry->first : 0;
}

/* Whether an event with this id was here and is not kept any more, as far as is known. */
static bool has_lost(const struct sse_history *history, const char *id)
{
    const struct sse_id_entry *id_entry = table_find(&history->ids, id);
    const struct sse_own_id own = sse_own_id_read(id);

    if (id_entry)
        return id_entry->was_written || id_entry->first != id_entry->earliest;
    return is_number_lost(history, &own);
}

/* The caller frees it. Ids have no LF. */
static char *position_key(const char *id, const char *user_key)
{
    char *key = mem_alloc(strlen(id) + strlen(user_key) + 2);

    stpcpy(stpcpy(stpcpy(key, id), "\n"), user_key);
    return key;
}

void sse_history_add_position(struct sse_history *history, const char *id, const char *user_key,
                              uint64_t position)
{
    const uint64_t now = loop_now_ms(history->age.loop);
    char *key = position_key(id, user_key);
    struct id_position *entry =
        lru_find(&history->positions, key, now)
            ? NULL
            : lru_add(&history->positions, key, now, end_of_memory(history, now));

    if (entry)
        entry->position = has_lost(history, id) ? SSE_POSITION_UNKNOWN : position;
    free(key);
}

void sse_history_free(struct sse_history *history)
{
    if (!history)
        return;
    while (history->count > 0)
        drop_first(history);
    forget_tombstones(history, &history->given, 0);
    forget_tombstones(history, &history->made, 0);
    age_timer_release(&history->age);
    lru_release(&history->positions);
    table_release(&history->ids);
    sse_log_unref(history->log);
    free(history);
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
    finding->after = sse_log_first(finding->history->log) - 1;
}

static void find_position(struct finding *finding, uint64_t position)
{
    const uint64_t first = sse_log_first(finding->history->log);

    if (sse_log_has_lost(finding->history->log, finding->subject, position)) {
        find_gap(finding, SSE_RESUME_TOO_OLD);
        return;
    }
    finding->resume = SSE_RESUMED;
    finding->after = position < first ? first - 1 : position;
}

/* The first event with this id that was for the subject; where none was, it was somebody else then,
 * or elsewhere. */
static uint64_t position_for(const struct finding *finding, const struct sse_id_entry *id_entry)
{
    uint64_t position = id_entry->first;

    for (unsigned tried = 0; position > 0 && tried < SAME_ID_TRIED; tried++) {
        const struct sse_log_record *entry = sse_log_record(finding->history->log, position);

        if (sse_subject_is_selected(finding->subject, &entry->message->target))
            return position;
        position = entry->next;
    }
    return id_entry->first;
}

/* A sender's id may be guessed, and that it was sent to another user is nobody else's business. */
static bool may_have_seen(const struct finding *finding, const struct sse_id_entry *id_entry,
                          const struct sse_own_id *own)
{
    const uint64_t bits = bits_of_user(finding->history, finding->subject->user->key);

    return own->kind != SSE_OWN_ID_NONE || (id_entry->users & bits) == bits;
}

/* Which of the events with an id the page has seen is not known: the first it may have. */
static uint64_t position_of(const struct finding *finding, const struct sse_id_entry *id_entry)
{
    if (id_entry->was_written)
        return SSE_POSITION_UNKNOWN;
    return id_entry->first == id_entry->earliest ? position_for(finding, id_entry)
                                                 : id_entry->earliest;
}

/* False when no event with this id was for the subject, as far as is known. */
static bool find_event(struct finding *finding, const char *id, const struct sse_own_id *own)
{
    struct sse_history *history = finding->history;
    const struct sse_id_entry *id_entry = table_find(&history->ids, id);
    char *key = position_key(id, finding->subject->user->key);
    const struct id_position *noted = lru_find(&history->positions, key, finding->now);
    uint64_t position = SSE_POSITION_UNKNOWN;

    free(key);
    if (id_entry && may_have_seen(finding, id_entry, own))
        position = position_of(finding, id_entry);
    else if (!noted)
        return false;
    if (noted && noted->position < position)
        position = noted->position;
    if (position == SSE_POSITION_UNKNOWN)
        find_gap(finding, SSE_RESUME_TOO_OLD);
    else
        find_position(finding, position);
    return true;
}

/* No longer than an event's id can be, so that a stranger's megabyte costs nothing. */
static bool may_be_id(const char *id)
{
    const size_t length = strnlen(id, SSE_EVENT_MAX_ID + 1);

    return length <= SSE_EVENT_MAX_ID && sse_text_is_plain(id, length);
}

enum sse_resume sse_history_find(struct sse_history *history, const char *id,
                                 const struct sse_subject *subject, uint64_t now, uint64_t *after)
{
    const uint64_t last = sse_log_last(history->log);
    struct finding finding = {history, subject, now, SSE_RESUME_UNKNOWN, last};
    struct sse_own_id own;

    *after = last;
    if (!id || id[0] == '\0')
        return SSE_RESUME_NONE;
    if (!may_be_id(id))
        return SSE_RESUME_UNKNOWN;
    age_timer_end_due(&history->age, now);
    own = sse_own_id_read(id);
    /* A stored message of an earlier life may have been seen in that one, whoever got it since. */
    if (own.kind == SSE_OWN_ID_POSITION)
        own.is_of_this_life = sse_log_has_made(history->log, id);
    if (own.kind != SSE_OWN_ID_NONE && !own.is_of_this_life)
        find_gap(&finding, SSE_RESUME_EPOCH);
    else if (own.kind == SSE_OWN_ID_POSITION && own.number <= last)
        find_position(&finding, own.number);
    else if (!find_event(&finding, id, &own) && is_number_lost(history, &own))
        find_gap(&finding, SSE_RESUME_TOO_OLD);
    *after = finding.after;
    return finding.resume;
}
