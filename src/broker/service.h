/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SERVICE_H
#define BROKER_SERVICE_H
/*
 * What a service is beyond one connection: one worker's part of it. Each worker has a shard, the
 * connections that live there; one of them owns the service, and keeps what has to be exact for
 * all, together with the engine of the service (broker/engine.h): who is online, in which order
 * events are written, who holds which slots, who has claimed which idempotency key.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/broker.h"
#include "broker/call_order.h"
#include "broker/directory.h"
#include "broker/engine.h"
#include "broker/limits.h"
#include "broker/online_users.h"
#include "broker/presence_log.h"
#include "broker/publish.h"
#include "broker/tracing.h"
#include "outbound/posts.h"
#include "qos/revocations.h"
#include "sse/names.h"

struct notifications;
struct outbound_http;
struct sse_service;
struct stored_messages;
struct stored_shared;

/* ---- settings: texts are borrowed ---- */

/* Where back ends are told who comes and goes. */
struct notification_settings {
    const char *url;                      /* NULL or "": nowhere */
    unsigned kinds;                       /* of events (broker/presence_event.h) */
    bool has_token;                       /* whole access tokens may be posted there */
    const char *channels, *access_tokens; /* of connections whose events are told; "": any */
    uint32_t timeout_ms;
    struct post_queue_settings queue;
};

/* Who knows credentials, in each worker. */
struct broker_revoker {
    /* kept: gets what a restart is not to forget; NULL: another worker does that. */
    void (*revoke)(void *context, const struct sse_credential *credential,
                   struct qos_revocations *kept);
    /* What was revoked before this process started (broker/revoking.h). */
    void (*restore)(void *context, const struct broker_revocations *revocations);
    void *context;
};

struct broker_settings {
    struct limits_settings limits;
    struct limits_shared *shared; /* by all workers' parts */
    uint32_t client_connections;  /* 0: any number */
    struct idempotency_settings idempotency;
    struct presence_log_settings presence;
    struct notification_settings notifications;
    struct trace_settings trace;
    struct channel_rights channels;
    const char *webhook_secret; /* signs what is posted to back ends; "": it is not signed */
    const char *server_id;
    const atomic_bool *draining; /* event streams are ended by the stop, in some worker */
};

/* ---- the service ---- */

/* While a stream attaches: the groups that the owner has it in. count: 0: a connection has them. */
struct broker_opening {
    uint64_t *groups;
    size_t count;
};

struct broker_service {
    struct broker *broker;
    size_t index;
    struct broker_settings settings;
    struct outbound_http *outbound; /* for what is posted; its maker sets it. Borrowed */
    struct limits limits;
    struct tracing tracing; /* what this worker decides */
    /* The shard's. */
    struct sse_service *core; /* borrowed */
    struct group_teller groups;
    struct broker_opening *opening; /* NULL: none is */
    struct call_orders call_orders;
    struct sse_observer reporter;              /* of connections (broker/presence_reporter.h) */
    struct sse_observer queue_observer;        /* of the same (broker/stored/queue_observer.c) */
    const struct stored_shared *stored_shared; /* which that looks at */
    struct list readers;                       /* of presence events (broker/presence_reader.h) */
    size_t reader_count;
    bool is_recording; /* presence events; nothing is made while nobody wants to hear it */
    /* The owner's; empty elsewhere. */
    struct engine *engine; /* NULL elsewhere; its maker opens it */
    struct presence_log presence_log;
    struct online_users online; /* which it is told of */
    size_t closed_shards;       /* of shards that have told all, at a stop */
    struct directory directory;
    struct lag lag;
    struct publisher publisher;
    struct stored_messages *stored;      /* NULL elsewhere; its maker sets it */
    struct notifications *notifications; /* the same, and where none are configured */
    /* Of the kinds whose state is still the layer's above; its maker sets it. */
    struct broker_receiver guest;
    struct broker_revoker revoker; /* its maker sets it */
};

void broker_service_init(struct broker_service *service, struct broker *broker, size_t index,
                         struct sse_service *core, const struct broker_settings *settings);
/* Who is above a new limit stays, and gets no more. */
void broker_service_change(struct broker_service *service, const struct broker_settings *settings);
void broker_service_release(struct broker_service *service);

/* At the owner: what all nodes have to agree on, with the service's limits. Opened before anything
 * is received that needs it, and closed when the broker has stopped. events: of what is stored;
 * their context is the service. */
void broker_service_open_engine(struct broker_service *service, engine_maker make,
                                const struct engine_settings *settings,
                                const struct engine_events *events);
void broker_service_close_engine(struct broker_service *service);
/* Zero-filled elsewhere. */
struct engine_report broker_service_report(const struct broker_service *service);

/* The worker that owns it. */
size_t broker_service_owner(const struct broker_service *service);
/* Event streams are ended by the stop, in some worker: their users are not leaving. */
bool broker_service_is_draining(const struct broker_service *service);
/* Each takes the message over. */
void broker_tell_owner(const struct broker_service *service, struct broker_message *message);
void broker_ask_owner(const struct broker_service *service, struct broker_message *message,
                      struct broker_request *request);
/* As broker_answer(); but where this worker itself has asked the answer comes in the end of the
 * turn: never from inside of the question, nor of what a connection is at. */
void broker_answer_later(const struct broker_service *service, const struct broker_asker *asker,
                         struct broker_message *answer);

#endif
