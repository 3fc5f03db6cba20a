/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sse/clients.h"
#include "sse/presence.h"

/* ---- slots ---- */

/* Only a user's slots make room for one more of a client. */
static uint32_t client_most(const struct engine_limits *limits, size_t what, size_t slot)
{
    return what == BROKER_STREAM && slot == BROKER_SLOT_OF_USER ? limits->client_connections : 0;
}

static void give(struct tables *tables, enum broker_what what, const char *const *keys,
                 size_t count, const char *client)
{
    for (size_t slot = 0; slot < count; slot++) {
        if (keys[slot])
            slots_give(&tables->slots[what][slot], keys[slot], client);
    }
}

static bool take(struct tables *tables, const struct broker_attach *wanted,
                 enum broker_slot *refused)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        struct slots *slots = &tables->slots[wanted->what][slot];

        if (!wanted->keys[slot] || slots_take(slots, wanted->keys[slot], wanted->client))
            continue;
        give(tables, wanted->what, wanted->keys, slot, wanted->client);
        *refused = (enum broker_slot)slot;
        return false;
    }
    return true;
}

void tables_attach(struct tables *tables, struct engine_attach *attach)
{
    attach->is_refused = !take(tables, attach->wanted, &attach->refused);
    tables->answer(tables, &attach->job);
}

bool tables_open(struct tables *tables, const struct broker_opened *opened,
                 char evicted[SSE_HANDLE_SIZE])
{
    return opened->client && sse_clients_join(tables->clients, opened->client, opened->handle,
                                              opened->order, evicted);
}

void tables_detach(struct tables *tables, const struct broker_detach *detach)
{
    give(tables, detach->what, detach->keys, BROKER_SLOTS, detach->client);
    if (detach->client && detach->handle[0] != '\0')
        sse_clients_leave(tables->clients, detach->client, detach->handle);
}

/* ---- presence ---- */

struct user_event {
    struct qos_job job;
    bool is_online;
    struct bytes *about;
    char user_key[];
};

static void tell_user(struct qos_job *job)
{
    struct user_event *event = container_of(job, struct user_event, job);
    const struct tables *tables = job->context;

    if (tables->tell)
        tables->tell(tables->context, event->is_online, event->user_key, event->about);
    bytes_unref(event->about);
    free(event);
}

static void tell_later(struct tables *tables, bool is_online, const char *user_key,
                       struct bytes *about)
{
    const size_t size = strlen(user_key) + 1;
    struct user_event *event = mem_zalloc(sizeof(*event) + size);

    event->job.context = tables;
    event->job.done = tell_user;
    event->is_online = is_online;
    event->about = about ? bytes_ref(about) : NULL;
    memcpy(event->user_key, user_key, size);
    tables->answer(tables, &event->job);
}

static void on_online(void *context, const char *user_key, struct bytes *about)
{
    tell_later(context, true, user_key, about);
}

static void on_offline(void *context, const char *user_key, struct bytes *about)
{
    tell_later(context, false, user_key, about);
}

void tables_go(struct tables *tables, const char *user_key, struct bytes *about,
               const struct sse_user *left)
{
    sse_presence_leave(tables->presence, user_key, about);
    if (left)
        sse_presence_remember(tables->presence, left);
}

/* ---- idempotency keys ---- */

static void on_outcome(struct idempotency *idempotency, struct engine_claim *claim)
{
    struct tables *tables = container_of(idempotency, struct tables, idempotency);

    tables->answer(tables, &claim->job);
}

/* ---- all ---- */

void tables_init(struct tables *tables, struct loop *loop, const struct engine_limits *limits,
                 const struct engine_events *events,
                 void (*answer)(struct tables *tables, struct qos_job *job))
{
    const struct sse_presence_handler handler = {on_online, on_offline, tables};

    tables->answer = answer;
    tables->tell = events->user;
    tables->context = events->context;
    tables->presence = sse_presence_new(loop, limits->offline_grace_ms, &handler);
    tables->clients = sse_clients_new(limits->client_connections);
    idempotency_init(&tables->idempotency, loop, &limits->idempotency, on_outcome);
    for (size_t what = 0; what < BROKER_WHATS; what++) {
        for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
            slots_init(&tables->slots[what][slot], limits->slots[what][slot],
                       client_most(limits, what, slot));
    }
}

void tables_change(struct tables *tables, const struct engine_limits *limits)
{
    sse_clients_change(tables->clients, limits->client_connections);
    sse_presence_change(tables->presence, limits->offline_grace_ms);
    tables->idempotency.settings = limits->idempotency;
    for (size_t what = 0; what < BROKER_WHATS; what++) {
        for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
            slots_change(&tables->slots[what][slot], limits->slots[what][slot],
                         client_most(limits, what, slot));
    }
}

void tables_release(struct tables *tables)
{
    idempotency_release(&tables->idempotency);
    sse_clients_free(tables->clients);
    sse_presence_free(tables->presence);
    for (size_t what = 0; what < BROKER_WHATS; what++) {
        for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
            slots_release(&tables->slots[what][slot]);
    }
}

void tables_report(const struct tables *tables, struct engine_report *report)
{
    report->clients = sse_clients_count(tables->clients);
    report->keys = tables->idempotency.entries.count;
    report->keys_replayed = tables->idempotency.replayed;
    report->keys_evicted = tables->idempotency.entries.evicted;
}
