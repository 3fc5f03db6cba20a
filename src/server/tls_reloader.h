/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_RELOADER_H
#define SERVER_TLS_RELOADER_H
/*
 * The certificates in use: keeps the contexts and hands new ones to the workers. Each worker
 * changes over on its own thread between two turns. Connections, and handshakes that have begun,
 * keep what they began with.
 *
 * A thread watches the files (file_watch.h) and loads them again when they change, all or nothing.
 * If they do not belong together it keeps those in use, logs that once, and tries again: soon,
 * then less and less often, and whenever they change. It renews the development certificate. While
 * nothing changes it sleeps.
 */
#include <stdbool.h>
#include <stddef.h>

struct reloads;
struct h2_tls_context;
struct tls_contexts;
struct tls_reloader;
struct worker;

/* Takes over a reference to the contexts that the workers will be started with. Counts in reloads
 * (borrowed) what it has loaded by itself, and each fault that it has said. */
struct tls_reloader *tls_reloader_new(struct tls_contexts *contexts, struct reloads *reloads);
/* When they have been. Borrowed; they must outlive tls_reloader_stop(). */
void tls_reloader_start(struct tls_reloader *reloader, struct worker *const *workers, size_t count);
void tls_reloader_stop(struct tls_reloader *reloader);
void tls_reloader_free(struct tls_reloader *reloader); /* stopped; accepts NULL */

/* Any thread, between start and stop: all workers show these from now on, and their files are
 * watched. Takes over a reference. They must be for the same listeners, of which the same ones have
 * TLS. */
void tls_reloader_adopt(struct tls_reloader *reloader, struct tls_contexts *contexts);

/* Whether that certificate of a context is in use, with the same chain. Any thread. */
bool tls_reloader_has(struct tls_reloader *reloader, const struct h2_tls_context *context,
                      size_t index);

#endif
