/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/broker.h"
#include "sse/event.h"

/* ---- the history ---- */

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

void presence_history_release(struct presence_history *history)
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

static void change_history(struct presence_history *history, size_t most, size_t most_bytes)
{
    history->most = most;
    history->most_bytes = most_bytes;
    while (history->count > most || history->bytes > most_bytes)
        presence_history_forget_oldest(history);
}

void presence_history_restart(struct presence_history *history)
{
    presence_history_release(history);
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

static bool is_wanted(const struct broker_read *read, const struct presence_entry *entry)
{
    return (read->kinds & PRESENCE_BIT(entry->kind)) &&
           (!read->tenants || (entry->tenant_id && words_have(read->tenants, entry->tenant_id)));
}

void presence_history_read(const struct presence_history *history, const struct broker_read *read,
                           size_t most, struct broker_events *events)
{
    size_t bytes = 0;

    events->count = 0;
    events->after = read->after;
    events->is_lost = read->after + 1 < oldest(history);
    for (; !events->is_lost && events->after < history->last; events->after++) {
        const size_t index = (size_t)(events->after + 1 - oldest(history));
        const struct presence_entry *entry = entry_at(history, index);

        if (!is_wanted(read, entry))
            continue;
        if (events->count == most ||
            (events->count > 0 && bytes + entry->wire->length > read->most_bytes))
            break;
        bytes += entry->wire->length;
        events->wires[events->count++] = bytes_ref(entry->wire);
    }
    events->is_all = !events->is_lost && events->after == history->last;
}

/* ---- the log ---- */

/* Whether every shard is to record. One origin, so that they come in order. */
struct recording {
    struct broker_request request;
    struct presence_log *log;
    bool is_on;
    bool has_asker; /* a watcher waits for it: */
    struct broker_asker asker;
    char last_id[PRESENCE_ID_SIZE];
};

/* Only now, when every shard records, is it known from where on nothing is missing. */
static void answer_watch(struct presence_log *log, const struct recording *recording)
{
    const struct presence_history *history = &log->history;
    struct broker_message *answer = broker_message_new(BROKER_WATCHED, 0, 0);
    struct broker_watched *watched = &answer->watched;

    watched->after = history->last;
    if (recording->last_id[0] != '\0') {
        watched->resume = presence_history_find(history, recording->last_id, &watched->after);
        log->gaps += watched->resume != PRESENCE_RESUMED;
    }
    presence_history_id(history, watched->after, watched->id);
    broker_answer(log->broker, &recording->asker, answer);
}

static void on_recorded(struct broker_request *request, const struct broker_message *answer)
{
    struct recording *recording = container_of(request, struct recording, request);

    (void)answer;
    if (request->open > 0)
        return;
    if (recording->has_asker)
        answer_watch(recording->log, recording);
    free(recording);
}

static struct broker_message *make_record(void *context, size_t worker)
{
    const struct recording *recording = context;
    struct broker_message *message = broker_message_new(BROKER_RECORD, recording->log->service, 0);

    (void)worker;
    message->is_recording = recording->is_on;
    return message;
}

/* watch: of the watcher that waits for it; NULL: none does. */
static void record_everywhere(struct presence_log *log, bool is_on,
                              const struct broker_message *watch)
{
    struct recording *recording = mem_zalloc(sizeof(*recording));

    recording->log = log;
    recording->is_on = is_on;
    recording->request.on_answer = on_recorded;
    if (watch) {
        recording->has_asker = true;
        recording->asker = broker_asker(watch);
        memcpy(recording->last_id, watch->last_id, sizeof(recording->last_id));
    }
    broker_ask_all(log->broker, make_record, recording, &recording->request);
}

static void on_kept_long_enough(struct loop_timer *timer)
{
    struct presence_log *log = container_of(timer, struct presence_log, keep);

    log->is_recording = false;
    presence_history_restart(&log->history);
    record_everywhere(log, false, NULL);
}

/* While somebody watches, only their number and size are bounded. */
static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct presence_log *log = container_of(age, struct presence_log, age);
    const uint64_t keep_ms = log->settings.keep_ms;
    uint64_t at;

    if (log->watchers > 0 || !presence_history_oldest(&log->history, &at))
        return AGE_TIMER_NEVER;
    if (at + keep_ms > now_ms)
        return at + keep_ms;
    presence_history_forget_oldest(&log->history);
    return 0;
}

static void begin_to_forget(struct presence_log *log)
{
    age_timer_add(&log->age, loop_now_ms(log->loop) + log->settings.keep_ms);
}

static void wake_watchers(struct loop_task *task)
{
    struct presence_log *log = container_of(task, struct presence_log, wake);

    for (size_t worker = 0; worker < broker_workers(log->broker); worker++) {
        if (!log->is_waiting[worker])
            continue;
        log->is_waiting[worker] = false;
        broker_send(log->broker, worker, broker_message_new(BROKER_WAKE_WATCHERS, log->service, 0));
    }
}

void presence_log_init(struct presence_log *log, struct broker *broker, size_t service,
                       struct loop *loop, const struct presence_log_settings *settings)
{
    *log = (struct presence_log){
        .broker = broker,
        .loop = loop,
        .service = service,
        .settings = *settings,
        .keep.on_fire = on_kept_long_enough,
        .wake.run = wake_watchers,
        .is_recording = settings->is_always,
        .is_waiting = mem_zalloc(broker_workers(broker) * sizeof(bool)),
    };
    age_timer_init(&log->age, loop, end_first);
    presence_history_init(&log->history, settings->history, settings->history_bytes);
}

void presence_log_change(struct presence_log *log, const struct presence_log_settings *settings)
{
    const bool was_always = log->settings.is_always;

    log->settings = *settings;
    change_history(&log->history, settings->history, settings->history_bytes);
    if (settings->is_always && !was_always) {
        log->is_recording = true;
        loop_timer_stop(&log->keep);
        record_everywhere(log, true, NULL);
    } else if (!settings->is_always && was_always && log->watchers == 0) {
        loop_timer_start(log->loop, &log->keep, settings->keep_ms);
    }
}

void presence_log_release(struct presence_log *log)
{
    loop_timer_stop(&log->keep);
    loop_cancel(&log->wake);
    age_timer_release(&log->age);
    presence_history_release(&log->history);
    free(log->is_waiting);
}

/* What was on its way when the recording ended is of no use: its like is missing. */
void presence_log_add(struct presence_log *log, enum presence_kind kind,
                      const struct presence_subject *about, struct bytes *json)
{
    char id[PRESENCE_ID_SIZE];

    if (log->is_recording) {
        presence_history_add(&log->history, kind, about->tenant_id, json, loop_now_ms(log->loop));
        log->added++;
        loop_defer(log->loop, &log->wake);
        if (log->settings.is_always && log->watchers == 0)
            begin_to_forget(log);
        presence_history_id(&log->history, log->history.last, id);
        if (log->listener.on_event)
            log->listener.on_event(log->listener.context, kind, about->user_key, id, json);
    }
    bytes_unref(json);
}

static void watch(struct presence_log *log, const struct broker_message *message)
{
    const struct broker_asker asker = broker_asker(message);
    struct broker_message *answer;

    if (log->watchers >= log->settings.watchers) {
        log->refused++;
        answer = broker_message_new(BROKER_WATCHED, 0, 0);
        answer->watched.is_refused = true;
        broker_answer(log->broker, &asker, answer);
        return;
    }
    log->watchers++;
    log->is_recording = true;
    loop_timer_stop(&log->keep);
    record_everywhere(log, true, message);
}

static void unwatch(struct presence_log *log)
{
    if (--log->watchers > 0)
        return;
    if (log->settings.is_always)
        begin_to_forget(log);
    else
        loop_timer_start(log->loop, &log->keep, log->settings.keep_ms);
}

static void read_on(struct presence_log *log, const struct broker_message *message)
{
    const struct broker_asker asker = broker_asker(message);
    struct broker_message *answer = broker_message_new(BROKER_EVENTS, 0, 0);
    struct broker_events *events = &answer->events;

    events->wires = mem_alloc(BROKER_EVENTS_MOST * sizeof(struct bytes *));
    presence_history_read(&log->history, &message->read, BROKER_EVENTS_MOST, events);
    log->gaps += events->is_lost;
    if (events->is_all)
        log->is_waiting[message->from] = true;
    broker_answer(log->broker, &asker, answer);
}

void presence_log_receive(struct presence_log *log, const struct broker_message *message)
{
    if (message->kind == BROKER_WATCH)
        watch(log, message);
    else if (message->kind == BROKER_READ)
        read_on(log, message);
    else
        unwatch(log);
}
