/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_SETTINGS_H
#define API_API_SETTINGS_H
/* What an api and its services are told. All workers share it; it is immutable. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "api/client_address.h"
#include "api/limit/limits.h"
#include "api/presence/notification_queue.h"
#include "broker/presence_log.h"
#include "qos/desk.h"
#include "sse/channel_rights.h"

struct audit_log;
struct auth_api_keys;
struct envelope;
struct origins;
struct qos_shared;
struct sse_service_settings;
struct thread_pool;
struct upload_quota;

/* What a listener serves: the role in its h2_listener_options. The server's health is on all. */
enum api_role {
    API_ROLE_ALL,
    API_ROLE_PUBLIC, /* the pages' side */
    API_ROLE_ADMIN,  /* the back ends' side and the metrics */
};

/* What back ends that watch who comes and goes may take. */
/* Back ends that handle what pages send; "": nobody does. */
struct api_handler_settings {
    const char *message_url;
    const char *upload_url;
    bool message_has_token; /* whole access tokens may be posted there (api/told.h) */
    bool upload_has_token;
    bool upload_streams; /* the body goes to upload_url as it comes, instead of to the disk */
    uint32_t time_limit_ms;
    size_t answer_bytes; /* that are taken of an answer */
};

/* Where back ends are told who comes and goes. */
struct api_notification_settings {
    const char *url;                      /* "": nowhere */
    unsigned kinds;                       /* of events (api/presence/presence_event.h) */
    bool has_token;                       /* whole access tokens may be posted there (api/told.h) */
    const char *channels, *access_tokens; /* of connections whose events are told; "": any */
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
    size_t waiting_bytes;         /* of those that wait for the disk, */
    uint32_t waiting_ms;          /* and how long what has not begun does */
    uint32_t remember_ms;         /* how long ended messages are known, */
    uint32_t remembered;          /* and how many */
    uint32_t receipts;            /* that wait to be posted */
    uint32_t revocations;         /* that are kept */
    const char *receipt_hosts;    /* to these (base/http_url.h); "": to public addresses */
    bool has_proxy;               /* between us and them, so that we do not see addresses */
    struct qos_desk_settings desk;
};

struct api_service_settings {
    const struct sse_service_settings *core;
    bool envelope; /* false: data alone, errors as {"error":"…"} */
    /* What pages' answers are wrapped in; NULL: the usual one. */
    const struct envelope *envelope_ok, *envelope_error;
    bool page_lists;               /* their users may read lists (api/page_lists.h) */
    const struct origins *origins; /* of pages that may use it, besides its own, */
    const char *origin_headers;    /* and what their scripts may send (api/cors.h) */
    bool calls_without_connection; /* of pages, where theirs is unknown */
    bool session_binding_strict;   /* a connectionId counts on its own session only */
    const char *secret_names;      /* further names that hold secrets; "": none (base/words.h) */
    const char *upload_directory;
    size_t json_body_bytes;
    size_t upload_bytes;
    size_t upload_parts;
    struct upload_quota *upload_quota; /* of all services */
    struct thread_pool *upload_pool;   /* of this one's directory */
    uint32_t upload_timeout_ms;        /* that a disk has for a piece of an upload */
    uint32_t session_connections;      /* event streams that one session may hold */
    struct limits_settings limits;
    struct limits_shared *shared;
    uint32_t idempotency_keys; /* answers that one worker keeps for requests that come again, */
    size_t idempotency_bytes;  /* and their size; */
    uint32_t idempotency_user_keys; /* and those of one user, */
    size_t idempotency_user_bytes;  /* and their size */
    struct channel_rights channels;
    struct presence_log_settings presence;
    struct api_handler_settings handlers;
    struct api_notification_settings notifications;
    struct api_qos_settings qos;
    struct qos_shared *qos_shared;
    const char *webhook_secret; /* signs what is posted to back ends; "": it is not signed */
};

struct api_reloads {
    atomic_uint_fast64_t done, failed; /* since the start */
    atomic_uint_fast64_t sets;         /* of settings in memory, now */
};

struct api_settings {
    struct client_address_rule client_address;
    const struct api_service_settings *services;
    size_t service_count;
    const struct auth_api_keys *keys;
    bool demo;             /* serve the demo page at "/" */
    const char *server_id; /* X-Sse-Server-Id */
    const char *version;
    struct audit_log *audit;     /* NULL: there is none */
    struct thread_pool *readers; /* of large bodies (api/body_reading.h) */
    const atomic_bool *ready;    /* false: /health/ready answers 503 */
    atomic_bool *draining;       /* api_drain() of some worker has begun */
    /* Calls show for each certificate that listeners show now, with its end in seconds since 1970.
     * Any thread. */
    void (*show_certificates)(void *context,
                              void (*show)(void *to, const char *listener, const char *file,
                                           time_t end),
                              void *to);
    void *certificates; /* its context */
    uint64_t number;    /* of these settings: 1 at the start, one more with each reload */
    int64_t loaded_at;  /* wall ms */
    const char *shown;  /* what they are, as JSON without secrets */
    const struct api_reloads *reloads;
    const struct api_reloads *certificate_reloads; /* because files had changed */
};

#endif
