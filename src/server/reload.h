/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H
/*
 * Reads the settings anew while the server runs, from where they came at the start. All or nothing:
 * what is wrong with any of them leaves all as they were. Else each worker changes over by itself
 * (server/worker.h), and keys that count at a start only are named, and stay.
 *
 * The main thread runs it, one at a time; any other asks for it and may wait for the outcome.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct budget;
struct config_sources;
struct h2_slots;
struct h2_tickets;
struct reload;
struct settings;
struct settings_shared;
struct tls_reloader;
struct worker;

/* What the settings count for; borrowed. */
struct reload_parts {
    const struct config_sources *sources;
    struct settings_shared *shared;
    struct worker *const *workers;
    size_t worker_count;
    struct h2_slots *slots;
    struct budget *inbound;
    struct h2_tickets *tickets;
    struct tls_reloader *tls_reloader;
};

/* Takes over a reference to the settings that the workers were started with. */
struct reload *reload_new(const struct reload_parts *parts, struct settings *settings);
void reload_free(struct reload *reload); /* accepts NULL */

/* Those in use, lent until the next reload. The main thread only. */
const struct settings *reload_settings(const struct reload *reload);

/* Does it. In the log stands what has changed, or why nothing has. */
void reload_run(struct reload *reload);

/* Any thread: waits until one that began after this call is over. uid: whose process asks, for the
 * audit log. outcome: what it has said, to be freed by the caller. False when it has failed, or
 * there will be none, since the server stops. */
bool reload_await(struct reload *reload, uid_t uid, char **outcome);
/* Nobody waits any more, and there will be none. */
void reload_end(struct reload *reload);

/* What some limits of sessions count for in all workers; for the start. */
unsigned reload_address_sessions(const struct settings *settings);
size_t reload_inbound_bytes(const struct settings *settings);

#endif
