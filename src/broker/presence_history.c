/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_history.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/presence_text.h"
#include "sse/event.h"

#define FIRST_RING   64u
#define MOST_DIGITS  19u /* of a number in an id */
#define EPOCH_BYTES  ((PRESENCE_EPOCH_SIZE - 1) / 2)
#define EPOCH_LENGTH (PRESENCE_EPOCH_SIZE - 1)

struct presence_entry {
    enum presence_kind kind;
    struct bytes *wire;
    char *tenant_id; /* NULL: of none */
    uint64_t at;
};

const char *const presence_resume_words[PRESENCE_RESUMES] = {
    [PRESENCE_RESUMED] = "resumed",
    [PRESENCE_TOO_OLD] = "too-old",
    [PRESENCE_OTHER] = "epoch",
    [PRESENCE_UNKNOWN] = "unknown-id",
};

static struct presence_entry *entry_at(const struct presence_history *history, size_t index)
{
    return &history->ring[(history->first + index) % history->capacity];
}

void presence_history_forget_oldest(struct presence_history *history)
{
    struct presence_entry *oldest = entry_at(history, 0);

    history->bytes -= oldest->wire->length;
    bytes_unref(oldest->wire);
    free(oldest->tenant_id);
    history->first = (history->first + 1) % history->capacity;
    history->count--;
}

static void clear(struct presence_history *history)
{
    while (history->count > 0)
        presence_history_forget_oldest(history);
    free(history->ring);
    history->ring = NULL;
    history->capacity = 0;
    history->first = 0;
}

void presence_history_init(struct presence_history *history, size_t most, size_t most_bytes)
{
    assert(most > 0);
    *history = (struct presence_history){.most = most, .most_bytes = most_bytes};
    presence_history_restart(history);
}

void presence_history_change(struct presence_history *history, size_t most, size_t most_bytes)
{
    history->most = most;
    history->most_bytes = most_bytes;
    while (history->count > most || history->bytes > most_bytes)
        presence_history_forget_oldest(history);
}

void presence_history_release(struct presence_history *history)
{
    clear(history);
}

void presence_history_restart(struct presence_history *history)
{
    clear(history);
    random_hex(history->epoch, EPOCH_BYTES);
    history->last = 0;
}

static void grow(struct presence_history *history)
{
    size_t capacity = history->capacity > 0 ? history->capacity * 2 : FIRST_RING;
    struct presence_entry *ring;

    if (capacity > history->most)
        capacity = history->most;
    ring = mem_alloc(capacity * sizeof(*ring));
    for (size_t i = 0; i < history->count; i++)
        ring[i] = *entry_at(history, i);
    free(history->ring);
    history->ring = ring;
    history->capacity = capacity;
    history->first = 0;
}

static struct bytes *encode(const struct presence_history *history, enum presence_kind kind,
                            const struct bytes *json)
{
    char id[PRESENCE_ID_SIZE];
    struct sse_event_fields fields = {
        .id = id,
        .name = presence_kind_words[kind],
        .retry_ms = -1,
    };
    struct buf shown = BUF_INIT;
    struct bytes *wire;

    presence_text_append_shown(&shown, json);
    fields.data = shown.data;
    fields.data_length = shown.length;

    presence_history_id(history, history->last, id);
    wire = sse_event_encode_told(&fields);
    buf_release(&shown);
    assert(wire); /* every text in it is our own, or was checked */
    return wire;
}

void presence_history_add(struct presence_history *history, enum presence_kind kind,
                          const char *tenant_id, const struct bytes *json, uint64_t at)
{
    struct bytes *wire;

    history->last++;
    wire = encode(history, kind, json);
    while (history->count > 0 &&
           (history->count >= history->most || history->bytes + wire->length > history->most_bytes))
        presence_history_forget_oldest(history);
    if (history->count == history->capacity)
        grow(history);
    history->count++;
    *entry_at(history, history->count - 1) = (struct presence_entry){
        .kind = kind,
        .wire = wire,
        .tenant_id = tenant_id[0] == '\0' ? NULL : mem_strdup(tenant_id),
        .at = at,
    };
    history->bytes += wire->length;
}

bool presence_history_oldest(const struct presence_history *history, uint64_t *at)
{
    if (history->count > 0)
        *at = entry_at(history, 0)->at;
    return history->count > 0;
}

void presence_history_id(const struct presence_history *history, uint64_t number,
                         char id[PRESENCE_ID_SIZE])
{
    snprintf(id, PRESENCE_ID_SIZE, "%s-%" PRIu64, history->epoch, number);
}

static uint64_t oldest(const struct presence_history *history)
{
    return history->last - history->count + 1;
}

enum presence_resume presence_history_find(const struct presence_history *history, const char *id,
                                           uint64_t *number)
{
    const size_t hex = strspn(id, "0123456789abcdef");
    const char *digits = id + hex + 1;
    size_t length;
    uint64_t shown;

    if (hex != EPOCH_LENGTH || id[hex] != '-')
        return PRESENCE_UNKNOWN;
    length = strspn(digits, "0123456789");
    if (length == 0 || length > MOST_DIGITS || digits[length] != '\0')
        return PRESENCE_UNKNOWN;
    if (memcmp(id, history->epoch, EPOCH_LENGTH) != 0)
        return PRESENCE_OTHER;
    shown = strtoull(digits, NULL, 10);
    if (shown > history->last)
        return PRESENCE_UNKNOWN;
    if (shown + 1 < oldest(history))
        return PRESENCE_TOO_OLD;
    *number = shown;
    return PRESENCE_RESUMED;
}

static bool is_wanted(const struct presence_reading *reading, const struct presence_entry *entry)
{
    if (!(reading->kinds & PRESENCE_BIT(entry->kind)))
        return false;
    return !reading->tenants ||
           (entry->tenant_id && words_have(reading->tenants, entry->tenant_id));
}

int presence_history_read(const struct presence_history *history, struct presence_reading *reading)
{
    size_t bytes = 0;

    reading->count = 0;
    if (reading->after + 1 < oldest(history))
        return -ERANGE;
    for (; reading->after < history->last; reading->after++) {
        const size_t index = (size_t)(reading->after + 1 - oldest(history));
        const struct presence_entry *entry = entry_at(history, index);

        if (!is_wanted(reading, entry))
            continue;
        if (reading->count == reading->most)
            break;
        if (reading->count > 0 && bytes + entry->wire->length > reading->most_bytes)
            break;
        bytes += entry->wire->length;
        reading->wires[reading->count++] = bytes_ref(entry->wire);
    }
    return 0;
}
