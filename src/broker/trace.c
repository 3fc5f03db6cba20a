/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

/* A class has several chunks, so that little is forgotten at once. */
#define CHUNK_MOST      ((size_t)64 * 1024)
#define CHUNK_LEAST     ((size_t)4 * 1024)
#define CHUNKS_LEAST    2u
#define CHUNKS_OF_CLASS 8u
#define ALIGNMENT       8u /* of records */

struct trace_chunk {
    uint64_t first; /* records of the class before it */
    uint32_t used, count;
    char data[]; /* records */
};

const char *const trace_kind_words[TRACE_KINDS] = {
    [TRACE_SENT] = "sent",
    [TRACE_STORED] = "stored",
    [TRACE_HELD] = "held",
    [TRACE_REPEATED] = "repeated",
    [TRACE_SEND_REFUSED] = "send-refused",
    [TRACE_ENDED] = "ended",
    [TRACE_DISPATCHED] = "dispatched",
    [TRACE_REDELIVERED] = "redelivered",
    [TRACE_OPENED] = "opened",
    [TRACE_CLOSED] = "closed",
    [TRACE_LISTENING] = "listening",
    [TRACE_UNLISTENING] = "unlistening",
    [TRACE_SUBSCRIBED] = "subscribed",
    [TRACE_UNSUBSCRIBED] = "unsubscribed",
    [TRACE_CHANNELS_REFUSED] = "channels-refused",
    [TRACE_DROPPED] = "dropped",
    [TRACE_GAP] = "gap",
    [TRACE_REFUSED] = "refused",
};

enum trace_class trace_class_of(enum trace_kind kind)
{
    if (kind >= TRACE_REFUSED)
        return TRACE_OF_REFUSALS;
    return kind >= TRACE_OPENED ? TRACE_OF_CONNECTIONS : TRACE_OF_MESSAGES;
}

/* most: of a text; 0: it is a number. */
static const struct field {
    const char *name;
    uint8_t most; /* below 255 */
    bool is_list;
} fields[TRACE_FIELDS] = {
    [TRACE_ID] = {"id", 128, false},
    [TRACE_EVENT] = {"event", 128, false},
    [TRACE_BY] = {"by", 64, false},
    [TRACE_ALL] = {"all", 0, false},
    [TRACE_TO_USER] = {"toUsers", 160, true},
    [TRACE_TO_TOKEN] = {"toTokens", 40, true},
    [TRACE_TO_TENANT] = {"toTenants", 128, true},
    [TRACE_TO_CHANNEL] = {"toChannels", 128, true},
    [TRACE_TO_CONNECTION] = {"toConnections", 32, true},
    [TRACE_VALUES] = {"targets", 0, false},
    [TRACE_LISTENERS_ONLY] = {"listenersOnly", 0, false},
    [TRACE_QOS] = {"qos", 0, false},
    [TRACE_SHARDS] = {"workers", 0, false},
    [TRACE_IN_GROUP] = {"connections", 0, false},
    [TRACE_QUEUED] = {"queued", 0, false},
    [TRACE_MISSED] = {"missed", 0, false},
    [TRACE_GOT] = {"queuedFor", 32, true},
    [TRACE_DEAF] = {"notListening", 32, true},
    [TRACE_LEFT_OUT] = {"missedBy", 32, true},
    [TRACE_COPIES] = {"copies", 0, false},
    [TRACE_STATE] = {"state", 32, false},
    [TRACE_CAUSE] = {"cause", 160, false},
    [TRACE_CONNECTION] = {"connection", 32, false},
    [TRACE_USER] = {"user", 160, false},
    [TRACE_TENANT] = {"tenantId", 128, false},
    [TRACE_CLAIMED_USER] = {"claimedUserId", 128, false},
    [TRACE_CLAIMED_TENANT] = {"claimedTenantId", 128, false},
    [TRACE_ADDRESS] = {"address", 64, false},
    [TRACE_CLIENT] = {"clientId", 64, false},
    [TRACE_REQUEST] = {"requestId", 64, false},
    [TRACE_METHOD] = {"method", 16, false},
    [TRACE_PATH] = {"path", 128, false},
    [TRACE_STATUS] = {"status", 0, false},
    [TRACE_RULE] = {"rule", 64, false},
    [TRACE_REASON] = {"reason", 250, false},
    [TRACE_LISTENER] = {"listeners", 128, true},
    [TRACE_CHANNEL] = {"channels", 128, true},
    [TRACE_REFUSED_CHANNEL] = {"channelsLeftOut", 128, true},
    [TRACE_REFUSED_LISTENER] = {"listenersLeftOut", 128, true},
    [TRACE_REFUSED_WHY] = {"leftOutFor", 16, true},
    [TRACE_NAMES] = {"names", 0, false},
    [TRACE_POLICY] = {"policy", 32, false},
    [TRACE_COUNT] = {"count", 0, false},
    [TRACE_WRITTEN] = {"writtenUpTo", 0, false},
    [TRACE_RESUME] = {"resume", 32, false},
    [TRACE_AFTER] = {"after", 0, false},
};

/* ---- the bound ---- */

/* Half of the bound is for messages: the owner records each, and what it brings to its own
 * connections; the others record the latter alone. The rest comes wherever clients connect. */
struct trace_bounds trace_bounds_of(size_t bytes, size_t workers, bool is_owner)
{
    const size_t messages = bytes / 2, others = bytes / 4 / workers;
    struct trace_bounds bounds = {{[TRACE_OF_MESSAGES] = messages,
                                   [TRACE_OF_CONNECTIONS] = others,
                                   [TRACE_OF_REFUSALS] = others}};

    if (workers > 1)
        bounds.bytes[TRACE_OF_MESSAGES] = is_owner ? messages / 2 : messages / 2 / (workers - 1);
    return bounds;
}

static size_t chunk_size_for(size_t bytes)
{
    size_t size = CHUNK_MOST;

    while (size > CHUNK_LEAST && size > bytes / CHUNKS_OF_CLASS)
        size /= 2;
    return size;
}

static void open_rings(struct trace *trace, const struct trace_bounds *bounds)
{
    trace->bounds = *bounds;
    for (size_t i = 0; trace_is_on(trace) && i < TRACE_CLASSES; i++) {
        struct trace_ring *ring = &trace->rings[i];

        ring->chunk_size = chunk_size_for(bounds->bytes[i]);
        ring->most = bounds->bytes[i] / ring->chunk_size;
        if (ring->most < CHUNKS_LEAST)
            ring->most = CHUNKS_LEAST;
        ring->chunks = mem_alloc(ring->most * sizeof(struct trace_chunk *));
    }
}

/* Numbers of chunks go on: who has read some of them reads on behind them. */
static void close_rings(struct trace *trace)
{
    for (size_t i = 0; i < TRACE_CLASSES; i++) {
        struct trace_ring *ring = &trace->rings[i];

        for (; ring->oldest < ring->next; ring->oldest++)
            free(ring->chunks[ring->oldest % ring->most]);
        free(ring->chunks);
        ring->chunks = NULL;
        trace->overwritten[i] = trace->recorded[i];
    }
    trace->used = 0;
}

void trace_init(struct trace *trace, struct loop *loop, size_t worker,
                const struct trace_bounds *bounds)
{
    *trace = (struct trace){.loop = loop, .worker = (uint8_t)worker};
    open_rings(trace, bounds);
}

void trace_change(struct trace *trace, const struct trace_bounds *bounds)
{
    if (memcmp(bounds, &trace->bounds, sizeof(*bounds)) == 0)
        return;
    close_rings(trace);
    open_rings(trace, bounds);
}

void trace_release(struct trace *trace)
{
    close_rings(trace);
    trace->bounds = (struct trace_bounds){{0}};
}

/* ---- writing ---- */

static struct trace_chunk *chunk_at(const struct trace_ring *ring, uint64_t number)
{
    return ring->chunks[number % ring->most];
}

/* NULL: there is no memory for one. */
static struct trace_chunk *take_chunk(struct trace *trace, enum trace_class class)
{
    struct trace_ring *ring = &trace->rings[class];
    struct trace_chunk *chunk;

    if (ring->next - ring->oldest < ring->most) {
        chunk = malloc(ring->chunk_size);
        if (!chunk)
            return NULL;
        trace->used += ring->chunk_size;
    } else {
        chunk = chunk_at(ring, ring->oldest++);
        trace->overwritten[class] += chunk->count;
    }
    *chunk = (struct trace_chunk){.first = trace->recorded[class]};
    ring->chunks[ring->next++ % ring->most] = chunk;
    return chunk;
}

/* With room for a record. */
static struct trace_chunk *find_chunk(struct trace *trace, enum trace_class class)
{
    const struct trace_ring *ring = &trace->rings[class];
    struct trace_chunk *last;

    if (ring->next == ring->oldest)
        return take_chunk(trace, class);
    last = chunk_at(ring, ring->next - 1);
    if (sizeof(*last) + last->used + TRACE_RECORD_MOST <= ring->chunk_size)
        return last;
    return take_chunk(trace, class);
}

bool trace_begin(struct trace *trace, enum trace_kind kind, uint64_t position)
{
    struct trace_chunk *chunk;

    if (!trace_is_on(trace))
        return false;
    chunk = find_chunk(trace, trace_class_of(kind));
    if (!chunk)
        return false;
    trace->open = (struct trace_record *)(void *)(chunk->data + chunk->used);
    *trace->open = (struct trace_record){
        .kind = (uint8_t)kind,
        .worker = trace->worker,
        .time = loop_wall_ms(trace->loop),
        .ns = clock_real_ns(),
        .position = position,
    };
    trace->open_size = sizeof(struct trace_record);
    return true;
}

/* A field: which one it is; then the length of its text, and the text with a NUL; or a number. The
 * place behind the first; NULL: there is no room for so much. */
static char *take_room(struct trace *trace, enum trace_field field, size_t size)
{
    char *to = (char *)trace->open + trace->open_size;

    if (trace->open_size + 1 + size > TRACE_RECORD_MOST - ALIGNMENT)
        return NULL;
    *to = (char)field;
    trace->open_size += 1 + size;
    return to + 1;
}

/* Not within a character. */
static size_t cut(const char *text, size_t most)
{
    size_t length = strnlen(text, most + 1);

    if (length <= most)
        return length;
    for (length = most; length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80; length--)
        ;
    return length;
}

void trace_name(struct trace *trace, enum trace_field field, const char *name, size_t length)
{
    char *to = take_room(trace, field, length + 2);

    if (!to)
        return;
    *to++ = (char)(unsigned char)length;
    memcpy(to, name, length);
    to[length] = '\0';
}

void trace_text(struct trace *trace, enum trace_field field, const char *text)
{
    if (text && *text != '\0')
        trace_name(trace, field, text, cut(text, fields[field].most));
}

void trace_number(struct trace *trace, enum trace_field field, uint64_t number)
{
    char *to = take_room(trace, field, sizeof(number));

    if (to)
        memcpy(to, &number, sizeof(number));
}

void trace_end(struct trace *trace)
{
    const enum trace_class class = trace_class_of((enum trace_kind)trace->open->kind);
    const struct trace_ring *ring = &trace->rings[class];
    struct trace_chunk *chunk = chunk_at(ring, ring->next - 1);
    const size_t past = trace->open_size % ALIGNMENT;

    ((char *)trace->open)[trace->open_size] = (char)TRACE_FIELDS; /* no field follows */
    trace->open->size = (uint32_t)(trace->open_size + ALIGNMENT - past);
    chunk->used += trace->open->size;
    chunk->count++;
    trace->recorded[class]++;
    trace->open = NULL;
}

/* ---- reading ---- */

bool trace_next_field(const struct trace_record *record, struct trace_item *item)
{
    const unsigned char *at = (const unsigned char *)record->fields + item->next;

    if (at[0] >= TRACE_FIELDS)
        return false;
    *item = (struct trace_item){.field = (enum trace_field)at[0], .next = item->next};
    if (fields[item->field].most > 0) {
        item->text = (const char *)at + 2;
        item->next += 3u + at[1];
    } else {
        memcpy(&item->number, at + 1, sizeof(item->number));
        item->next += 1 + sizeof(item->number);
    }
    return true;
}

static bool find(const struct trace_record *record, enum trace_field field, struct trace_item *item)
{
    *item = (struct trace_item){.next = 0};
    while (trace_next_field(record, item)) {
        if (item->field == field)
            return true;
    }
    return false;
}

const char *trace_text_of(const struct trace_record *record, enum trace_field field)
{
    struct trace_item item;

    return find(record, field, &item) ? item.text : NULL;
}

uint64_t trace_number_of(const struct trace_record *record, enum trace_field field)
{
    struct trace_item item;

    return find(record, field, &item) ? item.number : 0;
}

bool trace_has_text(const struct trace_record *record, enum trace_field field, const char *text)
{
    struct trace_item item = {.next = 0};

    while (trace_next_field(record, &item)) {
        if (item.field == field && item.text && strcmp(item.text, text) == 0)
            return true;
    }
    return false;
}

const char *trace_field_name(enum trace_field field)
{
    return fields[field].name;
}

bool trace_field_is_list(enum trace_field field)
{
    return fields[field].is_list;
}

struct trace_place trace_place_of_end(const struct trace *trace, enum trace_class class)
{
    const struct trace_ring *ring = &trace->rings[class];
    struct trace_place place = {.chunk = ring->next, .seen = trace->recorded[class]};

    if (ring->next > ring->oldest) {
        place.chunk--;
        place.at = chunk_at(ring, place.chunk)->used;
    }
    return place;
}

/* Moves a place that is behind all of its chunk to the next one. NULL: there is nothing more. */
static const struct trace_chunk *find_next(const struct trace_ring *ring, struct trace_place *place)
{
    if (place->chunk < ring->oldest)
        *place = (struct trace_place){.chunk = ring->oldest, .seen = place->seen};
    while (place->chunk < ring->next) {
        const struct trace_chunk *chunk = chunk_at(ring, place->chunk);

        if (place->at < chunk->used)
            return chunk;
        if (place->chunk + 1 == ring->next) /* it may get more */
            return NULL;
        *place = (struct trace_place){.chunk = place->chunk + 1, .seen = place->seen};
    }
    return NULL;
}

bool trace_read(const struct trace *trace, enum trace_class class, struct trace_place *place,
                const struct trace_record **first, const struct trace_record **end, uint64_t *lost)
{
    const struct trace_chunk *chunk = find_next(&trace->rings[class], place);

    if (!chunk)
        return false;
    if (place->at == 0) {
        *lost += chunk->first - place->seen;
        place->seen = chunk->first;
    }
    *first = (const struct trace_record *)(const void *)(chunk->data + place->at);
    *end = (const struct trace_record *)(const void *)(chunk->data + chunk->used);
    place->at = chunk->used;
    place->seen = chunk->first + chunk->count;
    return true;
}
