/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H
/*
 * One set of settings with all that is made of it: what the server runs by until a reload brings
 * the next one (server/reload.h). Immutable and counted: the main thread and each worker hold a
 * reference to the set that they go by, and let the old one go when they have changed over. So no
 * text of it may be kept elsewhere from one turn of a worker's loop to the next, but by what
 * worker_change() tells of the new set.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "broker/limits.h"
#include "broker/stored/stored.h"
#include "h2/listener.h"
#include "outbound/http.h"
#include "server/config.h"

struct audit_log;
struct auth_api_keys;
struct auth_jwt_keys;
struct config_fault;
struct envelope;
struct log_file;
struct networks;
struct origins;
struct sse_log;
struct thread_pool;
struct upload_quota;
struct upload_quota_service;

struct reloads {
    atomic_uint_fast64_t done, failed; /* since the start */
    atomic_uint_fast64_t sets;         /* of settings in memory, now */
};

/* What all sets of one process share. */
struct settings_shared {
    struct limits_shared limits[CONFIG_MAX_SERVICES];
    struct stored_shared qos[CONFIG_MAX_SERVICES];
    struct sse_log *logs[CONFIG_MAX_SERVICES];
    struct upload_quota *uploads;
    struct thread_pool *upload_pools[CONFIG_MAX_SERVICES];
    struct thread_pool *readers; /* of large bodies */
    struct audit_log *audit;     /* NULL: there is none */
    struct log_file *access;     /* the same */
    const char *server_id;
    int64_t started_at; /* wall ms */
    const atomic_bool *ready;
    atomic_bool *draining;
    struct reloads reloads;
    struct reloads certificate_reloads; /* because files had changed */
};

struct settings {
    atomic_uint refs;
    struct settings_shared *shared; /* borrowed */
    uint64_t number;                /* 1 at the start, one more with each reload */
    int64_t loaded_at;              /* wall ms */
    struct config config;
    struct networks *proxies;
    struct networks *listener_proxies[CONFIG_MAX_LISTENERS];    /* NULL: anybody */
    struct h2_listener_options listeners[CONFIG_MAX_LISTENERS]; /* without TLS */
    struct auth_api_keys *keys;
    struct auth_jwt_keys *token_keys[CONFIG_MAX_SERVICES]; /* NULL: not for that one's auth */
    struct origins *origins[CONFIG_MAX_SERVICES];
    struct buf origin_headers[CONFIG_MAX_SERVICES];
    struct envelope *envelopes[CONFIG_MAX_SERVICES][2]; /* of good answers, of errors */
    struct api_service_settings services[CONFIG_MAX_SERVICES];
    struct api_settings api;
    struct outbound_http_settings outbound;
    char *shown; /* as JSON, without secrets */
};

/* Takes over the texts of *config, which was checked, in any case. version: 1 for the first set,
 * one more for each that follows. NULL with *fault when a file has changed since the check.
 * shared must live as long. */
struct settings *settings_new(struct config *config, struct settings_shared *shared,
                              uint64_t version, struct config_fault *fault);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings); /* accepts NULL. Any thread */

/* Lives no longer than the config. */
struct outbound_http_settings settings_outbound(const struct config *config);

/* The services, for the quota of uploads. */
void settings_upload_services(const struct config *config, struct upload_quota_service *services);

#endif
