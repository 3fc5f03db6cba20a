/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/tables.h"

#include "sse/clients.h"

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

/* ---- idempotency keys ---- */

static void on_outcome(struct idempotency *idempotency, struct engine_claim *claim)
{
    struct tables *tables = container_of(idempotency, struct tables, idempotency);

    tables->answer(tables, &claim->job);
}

/* ---- all ---- */

void tables_init(struct tables *tables, struct loop *loop, const struct engine_limits *limits,
                 void (*answer)(struct tables *tables, struct qos_job *job))
{
    tables->answer = answer;
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
