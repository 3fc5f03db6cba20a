/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCAL_TABLES_H
#define BROKER_LOCAL_TABLES_H
/*
 * What the engine of a single node keeps in memory: slots, the connections of clients, who is
 * online, idempotency keys. It knows at once what is asked, and hands that to answer, which gives
 * it back later.
 */
#include "broker/local/idempotency.h"
#include "broker/local/slots.h"

struct sse_clients;
struct sse_presence;

struct tables {
    struct slots slots[BROKER_WHATS][BROKER_SLOTS];
    struct sse_clients *clients;
    struct idempotency idempotency;
    struct sse_presence *presence;
    void (*answer)(struct tables *tables, struct qos_job *job);
    /* NULL: nobody is told any more. */
    void (*tell)(void *context, bool is_online, const char *user_key, struct bytes *about);
    void *context; /* its: of the engine's events */
};

/* Its events tell of users, later as well. */
void tables_init(struct tables *tables, struct loop *loop, const struct engine_limits *limits,
                 const struct engine_events *events,
                 void (*answer)(struct tables *tables, struct qos_job *job));
void tables_change(struct tables *tables, const struct engine_limits *limits);
/* Answers what still waits. */
void tables_release(struct tables *tables);

/* As the operations of the engine, of which those about idempotency keys go to these.
 * tables_open(): true when somebody gives way. */
void tables_attach(struct tables *tables, struct engine_attach *attach);
bool tables_open(struct tables *tables, const struct broker_opened *opened,
                 char evicted[SSE_HANDLE_SIZE]);
void tables_detach(struct tables *tables, const struct broker_detach *detach);
void tables_go(struct tables *tables, const char *user_key, struct bytes *about,
               const struct sse_user *left);

/* Their part of it. */
void tables_report(const struct tables *tables, struct engine_report *report);

#endif
