/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_SETTINGS_H
#define API_API_SETTINGS_H
/* What an api and its services are told. All workers share it; it is immutable. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log_line.h"
#include "broker/service.h"
#include "broker/stored/settings.h"
#include "h2/peer.h"
#include "upload/quota.h"

struct audit_log;
struct auth_api_keys;
struct buf;
struct envelope;
struct log_file;
struct origins;
struct stored_shared;
struct sse_log;
struct sse_service_settings;
struct thread_pool;

/* What a listener serves: the role in its h2_listener_options. The server's health is on all. */
enum api_role {
    API_ROLE_ALL,
    API_ROLE_PUBLIC, /* the pages' side */
    API_ROLE_ADMIN,  /* the back ends' side and the metrics */
};

/* Back ends that handle what pages send; "": nobody does. */
struct api_handler_settings {
    const char *message_url;
    const char *upload_url;
    bool message_has_token; /* whole access tokens may be posted there (outbound/webhook.h) */
    bool upload_has_token;
    bool upload_streams; /* the body goes to upload_url as it comes, instead of to the disk */
    uint32_t time_limit_ms;
    size_t answer_bytes; /* that are taken of an answer */
};

struct api_service_settings {
    const struct sse_service_settings *core;
    bool envelope; /* false: data alone, errors as {"error":"…"} */
    /* What pages' answers are wrapped in; NULL: the usual one. */
    const struct envelope *envelope_ok, *envelope_error;
    bool page_lists;               /* their users may read lists (api/exchange.h) */
    const struct origins *origins; /* of pages that may use it, besides its own, */
    const char *origin_headers;    /* and what their scripts may send (api/origin.h) */
    bool calls_without_connection; /* of pages, where theirs is unknown */
    bool session_binding_strict;   /* a connectionId counts on its own session only */
    const char *secret_names;      /* further names that hold secrets; "": none (base/text.h) */
    const char *upload_directory;
    size_t json_body_bytes;
    size_t upload_bytes;
    size_t upload_parts;
    struct upload_quota *upload_quota; /* of all services */
    struct thread_pool *upload_pool;   /* of this one's directory */
    uint32_t upload_timeout_ms;        /* that a disk has for a piece of an upload */
    uint32_t session_connections;      /* event streams that one session may hold */
    struct upload_limits upload_limits;
    struct broker_settings broker;
    struct api_handler_settings handlers;
    struct stored_settings qos;
    struct stored_shared *qos_shared;
    struct sse_log *log;
};

/* What its worker does for an api. */
struct api_host {
    /* What clients have sent fills its budget: others may have something that gives way. */
    void (*make_room)(void *context, bool for_stranger);
    /* The text of /metrics, of these services (auth/credential.h). */
    void (*gather_metrics)(void *context, uint64_t services,
                           void (*done)(void *to, struct buf *text), void *to);
    /* Appends all certificates, as JSON. */
    void (*show_certificates)(void *context, struct buf *json);
    void *context;
};

struct api_settings {
    struct client_address_rule client_address;
    const struct api_service_settings *services;
    size_t service_count;
    const struct auth_api_keys *keys;
    struct log_file *access; /* the access log; NULL: there is none */
    enum log_format access_format;
    bool demo;                 /* serve the demo page at "/" */
    const char *console_hosts; /* that the console answers to besides its own (words) */
    const char *server_id;     /* X-Sse-Server-Id */
    uint32_t slow_request_ms;  /* an answer that takes so long is told to the log; 0: none is */
    const char *version;
    struct audit_log *audit;     /* NULL: there is none */
    struct thread_pool *readers; /* of large bodies (api/input.h) */
    const atomic_bool *ready;    /* false: /health/ready answers 503 */
    atomic_bool *draining;       /* api_drain() of some worker has begun */
    const char *shown;           /* what they are, as JSON without secrets */
};

#endif
