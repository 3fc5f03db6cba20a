/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H
/*
 * The settings of one process. One table (config_keys.c) has a row per key: name, type, range,
 * default and help; it is the loader, the validator, the environment's names and the text of
 * `default-config`. Only src/server sees this struct; everyone else is handed what it needs.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"
#include "api/client_address.h"
#include "auth/jwt_backend.h"
#include "auth/webhook_backend.h"
#include "base/log.h"
#include "h2/session.h"
#include "h2/tls.h"
#include "sse/service.h"

#define CONFIG_MAX_LISTENERS    16u
#define CONFIG_MAX_SERVICES     64u
#define CONFIG_MAX_KEYS         64u
#define CONFIG_MAX_TOKEN_KEYS   32u
#define CONFIG_MAX_CERTIFICATES 64u /* of one listener, besides its first */

struct config_api_key {
    unsigned line;     /* of the file where it begins; 0: not from a file */
    char *name;        /* "": named by its number */
    char *key;         /* the text itself, or "" and: */
    char *key_file;    /* where that was read from, or "" */
    char *hash;        /* "sha256:…" of the text, in hex */
    char *permissions; /* words */
    char *services;    /* names; "": all */
    char *tenants;     /* ids; "": all */
};

/* One key that access tokens are signed with (secret or file), or a set of them (jwks). */
struct config_token_key {
    unsigned line;   /* as above */
    char *id;        /* the kid of its tokens; "": they have none */
    char *algorithm; /* a name of auth/jwt_algorithm.h */
    char *secret;
    char *secret_file; /* where that was read from, or "" */
    char *file;
    char *jwks;          /* a path or a URL */
    unsigned refresh_ms; /* of jwks */
    char *services;      /* names; "": all */
};

/* One of several of a listener. */
struct config_certificate {
    unsigned line;     /* as above */
    char *certificate; /* PEM */
    char *key;
    char *ocsp_file; /* DER; "": none */
};

struct config_listener {
    unsigned line;     /* as above */
    char *address;     /* see h2/listener.h */
    bool tls;          /* default true */
    char *certificate; /* PEM; "" with tls and none below: the development certificate */
    char *key;
    char *ocsp_file; /* DER; "": none */
    struct config_certificate certificates[CONFIG_MAX_CERTIFICATES];
    size_t certificate_count;
    enum h2_tls_profile tls_profile;
    enum api_role role;
    char *transport_security; /* value of strict-transport-security; "": none */
    bool http1;
    bool proxy_protocol;
    char *proxy_from;   /* networks; "": any */
    char *socket_mode;  /* octal digits, of a unix socket; "": as the umask has it */
    char *socket_group; /* a name or a number; "": the process's */
};

/* Whose pages and back ends a service is for; in the order of its words (config_compat.h). */
enum config_compat { CONFIG_COMPAT_NONE, CONFIG_COMPAT_JAVA };

enum config_auth { CONFIG_AUTH_DEVELOPMENT, CONFIG_AUTH_JWT, CONFIG_AUTH_WEBHOOK };

/* Who is told who comes and goes. */
struct config_notifications {
    char *url;                      /* "": nobody */
    char *events;                   /* words */
    char *channels, *access_tokens; /* patterns, as words, of connections; "": any */
    uint32_t timeout_ms;            /* 10 s */
    uint32_t retry_ms;              /* 1 h */
    uint32_t queue;                 /* 10000 */
    size_t queue_bytes;             /* 16 MiB */
    uint32_t in_flight;             /* 8 */
};

/* In the order of its words. */
enum config_store { CONFIG_STORE_SQLITE, CONFIG_STORE_MEMORY };

/* Who says that a message has arrived; in the order of its words. */
enum config_acknowledgement { CONFIG_ACK_PAGE, CONFIG_ACK_WRITE, CONFIG_ACK_CLIENT };

struct config_qos {
    enum config_store store;
    char *file; /* "": <state directory>/<service name>/messages.sqlite */
    enum config_acknowledgement acknowledgement;
    uint32_t ttl_ms;      /* 24 h */
    uint32_t ttl_ms_most; /* 30 d */
    uint32_t queue;       /* 10000 */
    uint32_t messages;    /* 1 million */
    size_t bytes;         /* 1 GiB */
    size_t waiting_bytes; /* 16 MiB */
    uint32_t waiting_ms;  /* 10 s */
    uint32_t remember_ms; /* 24 h */
    uint32_t remembered;  /* 100000 */
    uint32_t receipts;    /* 1000 */
    char *receipt_hosts;  /* words; "": any that is public */
    uint32_t window;      /* 1000 */
    uint32_t ack_ms;      /* 30 s */
};

struct config_service {
    unsigned line;                        /* as above */
    struct sse_service_settings settings; /* name and base_path are owned by the config */
    enum config_compat compat;
    enum config_auth auth;
    struct auth_jwt_settings jwt;              /* its texts are owned by the config */
    struct auth_webhook_settings auth_webhook; /* the same; without service and secret */
    bool envelope;
    char *envelope_ok, *envelope_error; /* for pages (api/envelope.h); "": the usual one */
    bool page_lists;
    char *origins;      /* of pages, with commas (api/origins.h) */
    char *cors_headers; /* the same (api/cors.h) */
    bool session_binding_strict;
    bool calls_without_connection;  /* of pages, where theirs is unknown */
    char *secret_names;             /* words; never shown, besides those that look so */
    char *upload_directory;         /* "": <state directory>/<service name>/uploads */
    size_t json_body_bytes;         /* 1 MiB */
    size_t upload_bytes;            /* 32 MiB */
    size_t upload_parts;            /* 64 */
    uint32_t upload_age_ms;         /* 0: they stay */
    uint32_t upload_threads;        /* 4 that write to its directory */
    uint32_t upload_timeout_ms;     /* 30 s for a piece */
    uint32_t session_connections;   /* 32 event streams per session */
    uint32_t idempotency_keys;      /* 10000 answers kept per worker, */
    size_t idempotency_bytes;       /* 16 MiB of them */
    uint32_t idempotency_user_keys; /* 1000 of them for one user, */
    size_t idempotency_user_bytes;  /* 2 MiB */
    struct presence_log_settings presence;
    struct api_handler_settings handlers; /* its texts are owned by the config */
    char *webhook_secret;
    char *webhook_secret_file; /* where that was read from, or "" */
    struct config_qos qos;
    struct config_notifications notifications;
    struct limits_settings limits;
    bool channels_open;
    char *channel_patterns; /* with commas */
};

/* Requests of one worker to back ends. */
struct config_outbound {
    unsigned in_flight;        /* 100 */
    unsigned waiting;          /* 1000 */
    unsigned host_connections; /* 8 */
    unsigned connect_ms;       /* 5 s */
    bool http2;                /* true */
    char *ca_file;             /* "": the system's */
    char *proxy;               /* "": none */
    char *proxy_file;          /* where that was read from, or "" */
};

struct config_given;

struct config {
    char *file;                 /* what was read, for messages; NULL: none */
    struct config_given *given; /* what the sources have said; see config_is_given() */
    size_t given_count;
    struct config_listener listeners[CONFIG_MAX_LISTENERS];
    size_t listener_count;
    struct config_service services[CONFIG_MAX_SERVICES];
    size_t service_count;
    struct config_api_key api_keys[CONFIG_MAX_KEYS];
    size_t api_key_count;
    bool api_key_made; /* the demo's, made at this start: nobody else knows it */
    struct config_token_key token_keys[CONFIG_MAX_TOKEN_KEYS];
    size_t token_key_count;
    unsigned workers;         /* 0: as many as there are cores */
    unsigned signature_share; /* percent of a worker's time for checks of signatures, 50 */
    char *state_directory;
    bool demo;                     /* serve the demo page at / */
    bool allow_development_remote; /* development auth on a non-loopback address */
    enum log_level log_level;
    char *audit_file;
    enum log_format log_format;
    char *trusted_proxies; /* networks with commas (base/networks.h) */
    enum client_address_field proxy_field;
    char *ticket_key_file; /* "": keys made at the start */
    struct h2_limits limits;
    struct config_outbound outbound;
    unsigned stop_notice_ms;  /* at a stop, only readiness fails for so long; */
    unsigned drain_spread_ms; /* then event streams end within so long; */
    unsigned drain_ms;        /* and after so long, in all, what is left is cut off */
};

/* A complete, commented YAML file of all keys with their defaults. The caller frees it. */
char *config_default_text(void);

#endif
