/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_KEEPER_H
#define SERVER_TLS_KEEPER_H
/*
 * Whose certificates the workers show: holds the contexts in use and hands new ones to the workers.
 * Each worker changes over on its own thread between two turns; connections, and handshakes that
 * have begun, keep what they began with.
 *
 * A thread hears when the files change (file_watch.h) and loads them again, all or nothing: when
 * they do not belong together it keeps those in use, says so once, and tries again soon, then less
 * and less often, and whenever they change again. It renews the development certificate. While
 * nothing changes it sleeps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct api_reloads;
struct h2_tls_context;
struct tls_contexts;
struct tls_keeper;
struct worker;

/* Takes over a reference to the contexts that the workers will be started with. Counts in reloads
 * (borrowed) what it has loaded by itself, and each fault that it has said. */
struct tls_keeper *tls_keeper_new(struct tls_contexts *contexts, struct api_reloads *reloads);
/* When they have been. Borrowed; they must outlive tls_keeper_stop(). */
void tls_keeper_start(struct tls_keeper *keeper, struct worker *const *workers, size_t count);
void tls_keeper_stop(struct tls_keeper *keeper);
void tls_keeper_free(struct tls_keeper *keeper); /* stopped; accepts NULL */

/* Any thread, between start and stop: all workers show these from now on, and their files are
 * watched. Takes over a reference. They must be for the same listeners, of which the same ones have
 * TLS. */
void tls_keeper_adopt(struct tls_keeper *keeper, struct tls_contexts *contexts);

/* Whether that certificate of a context is in use, with the same chain. Any thread. */
bool tls_keeper_has(struct tls_keeper *keeper, const struct h2_tls_context *context, size_t index);

/* Calls show for each certificate in use, in order. Any thread. */
void tls_keeper_show(struct tls_keeper *keeper,
                     void (*show)(void *context, const char *listener, const char *file,
                                  time_t end),
                     void *context);

#endif
