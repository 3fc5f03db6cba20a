/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_H
#define API_API_H
/*
 * Where HTTP/2 meets SSE: the route table, the envelope, one file per family of endpoints. One
 * struct api per worker; the settings are shared and immutable.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/client_address.h"
#include "api/limit/limits.h"
#include "api/presence/notification_queue.h"
#include "qos/desk.h"

struct api;
struct auth;
struct auth_api_keys;
struct h2_endpoint;
struct h2_handler;
struct loop;
struct origins;
struct outbound_http;
struct peers;
struct qos_shared;
struct upload_quota;
struct sse_service_settings;

/* What a listener serves: the role in its h2_listener_options. The server's health is on all. */
enum api_role {
    API_ROLE_ALL,
    API_ROLE_PUBLIC, /* the pages' side */
    API_ROLE_ADMIN,  /* the back ends' side and the metrics */
};

/* What back ends that watch who comes and goes may take. */
struct api_presence_settings {
    uint32_t history;     /* events that are kept for watchers that come back, */
    size_t history_bytes; /* and their size */
    uint32_t keep_ms;     /* how long it goes on when the last one has left */
    uint32_t watchers;    /* streams of one service */
};

/* Back ends that handle what pages send; "": nobody does. */
struct api_handler_settings {
    const char *message_url;
    const char *upload_url;
    bool upload_streams; /* the body goes to upload_url as it comes, instead of to the disk */
    uint32_t time_limit_ms;
    size_t answer_bytes; /* that are taken of an answer */
};

/* Where back ends are told who comes and goes. */
struct api_notification_settings {
    const char *url; /* "": nowhere */
    unsigned kinds;  /* of events (api/presence/presence_event.h) */
    uint32_t timeout_ms;
    struct notification_queue_settings queue;
};

/* Messages that are kept until somebody has them. */
struct api_qos_settings {
    bool is_in_memory;            /* instead of in: */
    const char *file;             /* SQLite's */
    uint32_t ttl_ms, ttl_ms_most; /* of messages that say nothing; that a message may say */
    uint32_t queue;               /* copies for one user, token, channel, … */
    uint32_t messages;            /* in all, */
    size_t bytes;                 /* and their size */
    size_t waiting_bytes;         /* of those that wait for the disk */
    uint32_t remember_ms;         /* how long ended messages are known, */
    uint32_t remembered;          /* and how many */
    uint32_t receipts;            /* that wait to be posted */
    const char *receipt_hosts;    /* to these (base/http_url.h); "": to public addresses */
    bool has_proxy;               /* between us and them, so that we do not see addresses */
    struct qos_desk_settings desk;
};

struct api_service_settings {
    const struct sse_service_settings *core;
    bool envelope;                 /* false: data alone, errors as {"error":"…"} */
    const struct origins *origins; /* of pages that may use it, besides its own, */
    const char *origin_headers;    /* and what their scripts may send (api/cors.h) */
    bool session_binding_strict;   /* a connectionId counts on its own session only */
    const char *secret_names;      /* further names that hold secrets; "": none (base/words.h) */
    const char *upload_directory;
    size_t json_body_bytes;
    size_t upload_bytes;
    size_t upload_parts;
    struct upload_quota *upload_quota; /* of all services */
    uint32_t session_connections;      /* event streams that one session may hold */
    struct limits_settings limits;
    struct limits_shared *shared;
    uint32_t idempotency_keys; /* answers that one worker keeps for requests that come again, */
    size_t idempotency_bytes;  /* and their size; */
    uint32_t idempotency_user_keys; /* and those of one user, */
    size_t idempotency_user_bytes;  /* and their size */
    bool channels_open;             /* every user may have every channel */
    const char *channel_patterns;   /* else those that one of these matches (base/words.h) */
    struct api_presence_settings presence;
    struct api_handler_settings handlers;
    struct api_notification_settings notifications;
    struct api_qos_settings qos;
    struct qos_shared *qos_shared;
    const char *webhook_secret; /* signs what is posted to back ends; "": it is not signed */
};

struct api_settings {
    struct client_address_rule client_address;
    const struct api_service_settings *services;
    size_t service_count;
    const struct auth_api_keys *keys;
    bool demo;             /* serve the demo page at "/" */
    const char *server_id; /* X-Sse-Server-Id */
    const char *version;
    const atomic_bool *ready; /* false: /health/ready answers 503 */
};

/* Where an api lives: what is the worker's own, and stays owned by the caller. */
struct api_place {
    size_t worker; /* its number */
    struct loop *loop;
    struct peers *peers;
    struct auth *const *auths;      /* one backend per service */
    struct outbound_http *outbound; /* for requests to back ends; outlives the api */
    /* The same, for bodies that are passed on as they come: they are as slow as their clients. */
    struct outbound_http *outbound_streams;
};

/* The worker then joins the peers with the api as its context; at the end the endpoint is closed
 * before it leaves them. */
struct api *api_new(const struct api_settings *settings, const struct api_place *place);
void api_free(struct api *api); /* all streams must be gone */

const struct h2_handler *api_handler(struct api *api);

/* Whose counters /metrics shows for this worker, and whose slow bodies give way. Borrowed. */
void api_set_endpoint(struct api *api, struct h2_endpoint *endpoint);

/* Ends every event stream with connect-close, reason "drain". Notifications that are left after
 * drain_ms are lost. */
void api_drain(struct api *api, uint32_t drain_ms);

/* True when no request is on its way, not even one whose client has gone. */
bool api_is_idle(const struct api *api);

#endif
