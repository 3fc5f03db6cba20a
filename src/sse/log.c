/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/message.h"
#include "sse/target.h"
#include "sse/user.h"

#define SEGMENT_RECORDS 64u
#define FIRST_SEGMENTS  2u
#define CACHE_LINE      64u
#define READS_NOTHING   0u
#define DROPPED_SEGMENT sizeof(void *) /* bytes, in the directory */

#define SIZE_LEAST ((size_t)1 << 14) /* 128 KiB, and only what is written of them is there */
#define SIZE_MOST  ((size_t)1 << 16)
/* A place holds a position, and below it a tag of whose it is, by other bits of the hash. */
#define TAG_BITS 16
#define OF_MANY  UINT64_C(0xffff)

/* What is not in use any more, but may still be read: the first part of it. */
struct garbage {
    struct garbage *next;
};

struct segment {
    struct garbage garbage;
    unsigned messages; /* of its records; the owner's */
    struct sse_log_record records[SEGMENT_RECORDS];
};

/* A ring of segments, by the number of a segment. NULL: it had commands alone, which are carried
 * out.
 */
struct directory {
    struct garbage garbage;
    size_t capacity; /* a power of two */
    _Atomic(struct segment *) segments[];
};

/* A position, and how many bytes had been appended by then. */
struct mark {
    uint64_t position, bytes;
};

/* In cache lines of its own: it changes with each read and each message. */
struct reader {
    atomic_uint_fast64_t since;   /* the era in which it has begun to read */
    atomic_uint_fast64_t written; /* up to this position */
    atomic_bool is_awaited;
    /* The owner's. */
    uint64_t told;      /* up to this position; where that is not written: */
    struct mark behind; /* it needs nothing before; */
    struct mark later;  /* nor before this, when it has written what it was told until then */
    char rest[CACHE_LINE];
};

/*
 * For whom the messages were that are not kept any more: for each value of a target the last such
 * position. So a page that has missed none of them is told of no gap. By hash, in a table of fixed
 * size: values that collide may be told of a gap where there is none, never the other way round.
 * The owner adds, before it says that an event is not kept any more; any thread may ask, about what
 * it knows of that.
 */
struct lost {
    struct hash_key key;
    _Atomic(atomic_uint_fast64_t *) positions; /* each with a tag; NULL while there are none */
    size_t size;                               /* a power of two */
    atomic_uint_fast64_t to_all; /* the last position that was for everybody; 0: none */
};

struct sse_log {
    atomic_uint refs;
    char epoch[SSE_EPOCH_SIZE];
    _Atomic(struct directory *) directory;
    atomic_uint_fast64_t first, last;
    /* Grows with what is dropped. Who began in a later era than something was dropped in cannot
     * have it in its hand: it has seen the greater first position. */
    atomic_uint_fast64_t era;
    struct lost lost;
    /* The owner's. */
    uint64_t freed;              /* all before this position are freed */
    uint64_t dying, dying_since; /* those before it will be, when who reads began after this era; */
    struct garbage *dying_garbage;
    struct garbage *garbage; /* since that era */
    struct mark held;        /* from here on readers are being told; UINT64_MAX: of nothing */
    uint64_t bytes;          /* that were appended */
    uint64_t first_command, last_command; /* that may not be carried out yet; 0: there is none */
    size_t command_bytes;
    size_t reader_count;
    struct reader readers[];
};

/* ---- what is not kept ---- */

static void lost_init(struct lost *lost, size_t events)
{
    lost->key = hash_key_new();
    lost->size = SIZE_LEAST;
    atomic_init(&lost->positions, NULL);
    atomic_init(&lost->to_all, 0);
    while (lost->size < events && lost->size < SIZE_MOST)
        lost->size *= 2;
}

/* The same text may be a user's and a channel's. */
static uint64_t lost_hash(const struct lost *lost, enum sse_dimension dimension, const char *value)
{
    return hash_text(&lost->key, value) + dimension;
}

static uint64_t tag_of(uint64_t hash)
{
    return (hash >> (64 - TAG_BITS)) % OF_MANY;
}

static void lost_set(const struct lost *lost, atomic_uint_fast64_t *positions, uint64_t hash,
                     uint64_t position)
{
    atomic_uint_fast64_t *place = &positions[hash & (lost->size - 1)];
    const uint64_t before = atomic_load_explicit(place, memory_order_relaxed);
    const bool is_alone = before == 0 || (before & OF_MANY) == tag_of(hash);

    atomic_store_explicit(place, position << TAG_BITS | (is_alone ? tag_of(hash) : OF_MANY),
                          memory_order_relaxed);
}

static atomic_uint_fast64_t *positions_of(struct lost *lost)
{
    atomic_uint_fast64_t *positions = atomic_load_explicit(&lost->positions, memory_order_relaxed);

    if (!positions) {
        positions = mem_zalloc(lost->size * sizeof(*positions));
        atomic_store_explicit(&lost->positions, positions, memory_order_release);
    }
    return positions;
}

/* Positions come in order. */
static void lost_add(struct lost *lost, const struct sse_target *target, uint64_t position)
{
    atomic_uint_fast64_t *positions;

    if (target->dimension == SSE_ALL) {
        atomic_store_explicit(&lost->to_all, position, memory_order_relaxed);
        return;
    }
    positions = positions_of(lost);
    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];
        const char *id = target->dimension == SSE_BY_USER ? sse_user_key_id(value) : value;

        lost_set(lost, positions, lost_hash(lost, target->dimension, value), position);
        if (id != value) /* whose key has no tenant may be meant as well */
            lost_set(lost, positions, lost_hash(lost, SSE_BY_USER, id), position);
    }
}

static bool lost_has(const struct lost *lost, enum sse_dimension dimension, const char *value,
                     uint64_t position)
{
    const atomic_uint_fast64_t *positions =
        atomic_load_explicit(&lost->positions, memory_order_acquire);
    uint64_t hash, place;

    if (!value || value[0] == '\0')
        return false;
    hash = lost_hash(lost, dimension, value);
    place = atomic_load_explicit(&positions[hash & (lost->size - 1)], memory_order_relaxed);
    return place >> TAG_BITS > position &&
           ((place & OF_MANY) == tag_of(hash) || (place & OF_MANY) == OF_MANY);
}

/* Whether one behind this position may have been for the subject, were it to listen to all. */
static bool is_lost_since(const struct lost *lost, const struct sse_subject *subject,
                          uint64_t position)
{
    const struct sse_user *user = subject->user;

    if (atomic_load_explicit(&lost->to_all, memory_order_relaxed) > position)
        return true;
    if (!atomic_load_explicit(&lost->positions, memory_order_acquire))
        return false;
    for (size_t i = 0; i < subject->channel_count; i++) {
        if (lost_has(lost, SSE_BY_CHANNEL, subject->channels[i], position))
            return true;
    }
    return lost_has(lost, SSE_BY_USER, user->key, position) ||
           lost_has(lost, SSE_BY_TOKEN, user->access_token, position) ||
           lost_has(lost, SSE_BY_TENANT, user->tenant_id, position) ||
           lost_has(lost, SSE_BY_CONNECTION, subject->connection_id, position);
}

/* ---- the log ---- */

static struct directory *directory_new(size_t capacity)
{
    struct directory *directory =
        mem_zalloc(sizeof(*directory) + capacity * sizeof(directory->segments[0]));

    directory->capacity = capacity;
    return directory;
}

struct sse_log *sse_log_new(size_t readers, size_t events)
{
    struct sse_log *log = mem_zalloc(sizeof(*log) + readers * sizeof(log->readers[0]));

    atomic_init(&log->refs, 1);
    atomic_init(&log->directory, directory_new(FIRST_SEGMENTS));
    atomic_init(&log->first, 1);
    atomic_init(&log->era, READS_NOTHING + 1);
    log->freed = log->dying = 1;
    log->held.position = UINT64_MAX;
    log->reader_count = readers;
    random_hex(log->epoch, SSE_EPOCH_BYTES);
    lost_init(&log->lost, events);
    return log;
}

struct sse_log *sse_log_ref(struct sse_log *log)
{
    atomic_fetch_add_explicit(&log->refs, 1, memory_order_relaxed);
    return log;
}

/* ---- reading ---- */

uint64_t sse_log_last(const struct sse_log *log)
{
    return atomic_load_explicit(&log->last, memory_order_acquire);
}

uint64_t sse_log_first(const struct sse_log *log)
{
    return atomic_load(&log->first);
}

bool sse_log_has_lost(const struct sse_log *log, const struct sse_subject *subject, uint64_t after)
{
    return after + 1 < sse_log_first(log) && is_lost_since(&log->lost, subject, after);
}

/* In the one order of these operations: the owner who does not see this reader yet has dropped
 * before, and the reader sees that. */
void sse_log_begin(struct sse_log *log, size_t reader)
{
    atomic_store(&log->readers[reader].since, atomic_load(&log->era));
}

void sse_log_end(struct sse_log *log, size_t reader)
{
    atomic_store_explicit(&log->readers[reader].since, READS_NOTHING, memory_order_release);
}

/* In the one order of these operations: who waits looks once more at what is written when it has
 * said that it waits. */
bool sse_log_note_written(struct sse_log *log, size_t reader, uint64_t position)
{
    atomic_store(&log->readers[reader].written, position);
    return atomic_load(&log->readers[reader].is_awaited) &&
           atomic_exchange(&log->readers[reader].is_awaited, false);
}

static bool is_behind(const struct reader *reader)
{
    return atomic_load(&reader->written) < reader->told;
}

uint64_t sse_log_unwritten(const struct sse_log *log, size_t reader)
{
    const struct reader *it = &log->readers[reader];

    return is_behind(it) ? log->bytes - it->behind.bytes : 0;
}

void sse_log_await(struct sse_log *log, size_t reader)
{
    atomic_store(&log->readers[reader].is_awaited, true);
}

static struct segment *segment_of(const struct sse_log *log, uint64_t position)
{
    const struct directory *directory = atomic_load_explicit(&log->directory, memory_order_acquire);
    const size_t slot = (position / SEGMENT_RECORDS) & (directory->capacity - 1);

    return atomic_load_explicit(&directory->segments[slot], memory_order_acquire);
}

struct sse_log_record *sse_log_record(const struct sse_log *log, uint64_t position)
{
    return &segment_of(log, position)->records[position % SEGMENT_RECORDS];
}

uint64_t sse_log_skip(const struct sse_log *log, uint64_t position, uint64_t last)
{
    while (position <= last) {
        const struct segment *segment = segment_of(log, position);

        if (!segment)
            position += SEGMENT_RECORDS - position % SEGMENT_RECORDS;
        else if (segment->records[position % SEGMENT_RECORDS].kind != SSE_RECORD_MESSAGE)
            position++;
        else
            return position;
    }
    return last + 1;
}

struct sse_message *sse_log_at(const struct sse_log *log, uint64_t position)
{
    if (position < sse_log_first(log) || position > sse_log_last(log) ||
        sse_log_skip(log, position, position) != position)
        return NULL;
    return sse_log_record(log, position)->message;
}

void sse_log_id(const struct sse_log *log, uint64_t position, char id[SSE_OWN_ID_SIZE])
{
    sse_own_id_write_of(id, log->epoch, SSE_OWN_ID_POSITION, position);
}

bool sse_log_has_made(const struct sse_log *log, const char *id)
{
    return strncmp(id, log->epoch, strlen(log->epoch)) == 0;
}

/* ---- freeing ---- */

static struct segment *take_segment(const struct sse_log *log, uint64_t position)
{
    struct directory *directory = atomic_load_explicit(&log->directory, memory_order_relaxed);
    const size_t slot = (position / SEGMENT_RECORDS) & (directory->capacity - 1);

    return atomic_exchange_explicit(&directory->segments[slot], NULL, memory_order_relaxed);
}

static void free_record(const struct sse_log *log, uint64_t position)
{
    const struct segment *segment = segment_of(log, position);
    const struct sse_log_record *record =
        segment ? &segment->records[position % SEGMENT_RECORDS] : NULL;

    if (record && record->kind == SSE_RECORD_MESSAGE)
        sse_message_unref(record->message);
    else if (record)
        sse_command_unref(record->command);
}

static void free_before(struct sse_log *log, uint64_t position)
{
    while (log->freed < position) {
        free_record(log, log->freed);
        if (++log->freed % SEGMENT_RECORDS == 0)
            free(take_segment(log, log->freed - 1));
    }
}

static void throw_away(struct sse_log *log, struct garbage *garbage)
{
    garbage->next = log->garbage;
    log->garbage = garbage;
}

static void free_garbage(struct garbage **garbage)
{
    struct garbage *first;

    while ((first = *garbage)) {
        *garbage = first->next;
        free(first);
    }
}

static bool reads_nobody_since(const struct sse_log *log, uint64_t era)
{
    for (size_t i = 0; i < log->reader_count; i++) {
        const uint64_t since = atomic_load(&log->readers[i].since);

        if (since != READS_NOTHING && since <= era)
            return false;
    }
    return true;
}

/* Some reader may have to write what is from this position on. */
static uint64_t unwritten_from(const struct sse_log *log)
{
    uint64_t position = log->held.position;

    for (size_t i = 0; i < log->reader_count; i++) {
        const struct reader *reader = &log->readers[i];

        if (is_behind(reader) && reader->behind.position < position)
            position = reader->behind.position;
    }
    return position;
}

/* Its last command is carried out, and there is nothing else in it. */
static void drop_segment(struct sse_log *log, uint64_t position)
{
    const uint64_t start = position - position % SEGMENT_RECORDS;
    struct segment *segment = take_segment(log, position);

    if (sse_log_first(log) <= start)
        log->command_bytes -= sizeof(segment->records) - DROPPED_SEGMENT;
    throw_away(log, &segment->garbage);
}

/* Those that all have carried out who were told. */
static void free_commands(struct sse_log *log)
{
    const uint64_t until = unwritten_from(log);
    uint64_t position;

    while ((position = log->first_command) > 0 && position < until) {
        struct sse_log_record *record = sse_log_record(log, position);

        log->first_command = record->next;
        record->command = sse_command_unref(record->command);
        if (position % SEGMENT_RECORDS == SEGMENT_RECORDS - 1 &&
            segment_of(log, position)->messages == 0 && position > SEGMENT_RECORDS)
            drop_segment(log, position);
    }
}

/* What is dying, and then, where nobody reads, what has been dropped since. */
static void reclaim(struct sse_log *log)
{
    if (log->first_command > 0)
        free_commands(log);
    while (reads_nobody_since(log, log->dying_since)) {
        const uint64_t until = unwritten_from(log);

        free_before(log, until < log->dying ? until : log->dying);
        if (log->freed < log->dying)
            return;
        free_garbage(&log->dying_garbage);
        log->dying = sse_log_first(log);
        log->dying_garbage = log->garbage;
        log->garbage = NULL;
        log->dying_since = atomic_fetch_add(&log->era, 1);
        if (log->dying == log->freed && !log->dying_garbage)
            return;
    }
}

/* Behind a message that is dropped, or a command that nobody needs who comes back. */
static void set_first(struct sse_log *log, uint64_t position)
{
    const uint64_t first = sse_log_skip(log, position, sse_log_last(log));

    while (position < first) {
        const bool is_dropped = !segment_of(log, position);

        log->command_bytes -= is_dropped ? DROPPED_SEGMENT : sizeof(struct sse_log_record);
        position += is_dropped ? SEGMENT_RECORDS : 1;
    }
    atomic_store(&log->first, first);
}

void sse_log_drop(struct sse_log *log)
{
    const uint64_t first = sse_log_first(log);

    lost_add(&log->lost, &sse_log_record(log, first)->message->target, first);
    set_first(log, first + 1);
    reclaim(log);
}

size_t sse_log_command_bytes(const struct sse_log *log)
{
    return log->command_bytes;
}

void sse_log_unref(struct sse_log *log)
{
    struct directory *directory;

    if (!log || atomic_fetch_sub_explicit(&log->refs, 1, memory_order_acq_rel) != 1)
        return;
    free_before(log, sse_log_last(log) + 1);
    free(take_segment(log, log->freed));
    free_garbage(&log->dying_garbage);
    free_garbage(&log->garbage);
    directory = atomic_load(&log->directory);
    free(directory);
    free(atomic_load_explicit(&log->lost.positions, memory_order_relaxed));
    free(log);
}

/* ---- appending ---- */

static struct directory *grow(struct sse_log *log, struct directory *before)
{
    struct directory *directory = directory_new(before->capacity * 2);

    for (size_t i = 0; i < before->capacity; i++) {
        const size_t number = log->freed / SEGMENT_RECORDS + i;
        struct segment *segment = atomic_load_explicit(
            &before->segments[number & (before->capacity - 1)], memory_order_relaxed);

        atomic_init(&directory->segments[number & (directory->capacity - 1)], segment);
    }
    atomic_store_explicit(&log->directory, directory, memory_order_release);
    throw_away(log, &before->garbage);
    return directory;
}

static void open_segment(struct sse_log *log, uint64_t position)
{
    const uint64_t number = position / SEGMENT_RECORDS;
    struct directory *directory = atomic_load_explicit(&log->directory, memory_order_relaxed);
    struct segment *segment;

    if (number - log->freed / SEGMENT_RECORDS >= directory->capacity)
        directory = grow(log, directory);
    segment = mem_alloc(sizeof(*segment));
    segment->messages = 0;
    atomic_store_explicit(&directory->segments[number & (directory->capacity - 1)], segment,
                          memory_order_release);
}

static void append_command(struct sse_log *log, uint64_t position)
{
    if (log->first_command > 0)
        sse_log_record(log, log->last_command)->next = position;
    else
        log->first_command = position;
    log->last_command = position;
    log->command_bytes += sizeof(struct sse_log_record);
}

uint64_t sse_log_append(struct sse_log *log, const struct sse_log_record *record)
{
    const uint64_t position = sse_log_last(log) + 1;
    const bool is_message = record->kind == SSE_RECORD_MESSAGE;

    if (position % SEGMENT_RECORDS == 0 || position == 1)
        open_segment(log, position);
    *sse_log_record(log, position) = *record;
    segment_of(log, position)->messages += is_message;
    log->bytes += record->cost;
    if (!is_message)
        append_command(log, position);
    atomic_store_explicit(&log->last, position, memory_order_release);
    if (!is_message && sse_log_first(log) == position)
        set_first(log, position);
    return position;
}

/* ---- telling readers ---- */

void sse_log_hold(struct sse_log *log)
{
    log->held = (struct mark){sse_log_last(log) + 1, log->bytes};
}

void sse_log_tell(struct sse_log *log, size_t reader)
{
    struct reader *it = &log->readers[reader];
    const struct mark now = {sse_log_last(log) + 1, log->bytes};

    if (!is_behind(it)) {
        it->behind = log->held;
        it->later = now;
    } else if (atomic_load(&it->written) + 1 >= it->later.position) {
        it->behind = it->later;
        it->later = now;
    }
    it->told = now.position - 1;
}

void sse_log_release(struct sse_log *log)
{
    log->held.position = UINT64_MAX;
    if (log->first_command > 0 || log->freed < sse_log_first(log))
        reclaim(log);
}
