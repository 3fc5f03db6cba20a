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

#include "api/api_settings.h"
#include "auth/jwt.h"
#include "auth/webhook.h"
#include "base/log.h"
#include "h2/peer.h"
#include "h2/session.h"
#include "h2/tls.h"
#include "outbound/http.h"
#include "sse/service.h"

struct config_key;

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
    char *algorithm; /* a name of auth/jwt_key.h */
    char *secret;
    char *secret_file; /* where that was read from, or "" */
    char *file;
    char *jwks;          /* a path or a URL */
    unsigned refresh_ms; /* of jwks */
    char *services;      /* names; "": all */
};

/* One of several of a listener. */
struct config_certificate {
    unsigned line;             /* as above */
    struct h2_tls_files files; /* its texts are owned by the config */
};

struct config_listener {
    unsigned line; /* as above */
    char *address; /* see h2/listener.h */
    bool tls;      /* default true */
    struct h2_tls_files
        files; /* the same; "" with tls and none below: the development certificate */
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

/* Whose pages and back ends a service is for; in the order of its words (config_compat.c). */
enum config_compat { CONFIG_COMPAT_NONE, CONFIG_COMPAT_JAVA };

enum config_auth { CONFIG_AUTH_DEVELOPMENT, CONFIG_AUTH_JWT, CONFIG_AUTH_WEBHOOK };

/* In the order of its words. */
enum config_store { CONFIG_STORE_SQLITE, CONFIG_STORE_MEMORY };

/* Who says that a message has arrived; in the order of its words. */
enum config_acknowledgement { CONFIG_ACK_PAGE, CONFIG_ACK_WRITE, CONFIG_ACK_CLIENT };

struct config_service {
    unsigned line;                        /* as above */
    struct sse_service_settings settings; /* name and base_path are owned by the config */
    struct api_service_settings api;      /* so are its texts; the rest is made (settings.c) */
    enum config_compat compat;
    enum config_auth auth;
    struct auth_jwt_settings jwt;              /* its texts are owned by the config */
    struct auth_webhook_settings auth_webhook; /* the same; without service and secret */
    char *envelope_ok, *envelope_error;        /* for pages (base/envelope.h); "": the usual one */
    char *origins;                             /* of pages, with commas (base/http_url.h) */
    char *cors_headers;                        /* the same (api/origin.h) */
    uint32_t upload_age_ms;                    /* 0: they stay */
    uint32_t upload_threads;                   /* 4 that write to its directory */
    char *webhook_secret_file;                 /* where that was read from, or "" */
    enum config_store store; /* its file: "<state directory>/<service name>/…" for "" */
    enum config_acknowledgement acknowledgement;
    char *notified_events; /* words */
};

/* A key that a source has said something of; see config_is_given(). */
struct config_given {
    const struct config_key *key;
    size_t index; /* of its list's item */
};

enum config_access_format { CONFIG_ACCESS_COMBINED, CONFIG_ACCESS_LOGFMT, CONFIG_ACCESS_JSON };

struct config {
    char *file; /* what was read, for messages; NULL: none */
    struct config_given *given;
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
    char *console_hosts;           /* names with commas */
    bool allow_development_remote; /* development auth on a non-loopback address */
    enum log_level log_level;
    char *audit_file;
    char *access_file;
    enum config_access_format access_format;
    size_t access_bytes; /* that wait to be written */
    uint32_t slow_request_ms;
    enum log_format log_format;
    char *trusted_proxies; /* networks with commas (base/networks.h) */
    enum client_address_field proxy_field;
    char *ticket_key_file; /* "": keys made at the start */
    struct h2_limits limits;
    struct outbound_http_settings outbound; /* of one worker; its texts are owned by the config */
    bool outbound_http2;
    char *outbound_proxy_file; /* where the proxy was read from, or "" */
    unsigned stop_notice_ms;   /* at a stop, only readiness fails for so long; */
    unsigned drain_spread_ms;  /* then event streams end within so long; */
    unsigned drain_ms;         /* and after so long, in all, what is left is cut off */
};

#endif
