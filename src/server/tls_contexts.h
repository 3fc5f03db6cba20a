/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_CONTEXTS_H
#define SERVER_TLS_CONTEXTS_H
/*
 * The TLS of all listeners, loaded together: certificates with their keys and OCSP responses, and
 * the keys of session tickets. Immutable and counted; any thread. To replace them all:
 *
 *   struct tls_contexts *next = tls_contexts_load(config, tickets, &fault);
 *
 * off to the side, all or nothing (the ones in use stay as they are when it is NULL), and then
 * tls_reloader_adopt() (server/tls_reloader.h), which hands them to the workers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct buf;
struct config;
struct config_fault;
struct h2_tickets;
struct h2_tls_context;
struct tls_contexts;

/* NULL on failure; then *fault names the listener (or the key of the settings), the file and what
 * is wrong with it. The development certificate is made where it is needed and missing, or near its
 * end. config is borrowed for the call only. tickets: keys made here (h2_tickets), for where no
 * tls.ticketKeyFile is named; a reference is taken. */
struct tls_contexts *tls_contexts_load(const struct config *config, struct h2_tickets *tickets,
                                       struct config_fault *fault);
/* The same files once more, as they are now. */
struct tls_contexts *tls_contexts_load_again(const struct tls_contexts *contexts,
                                             struct config_fault *fault);
struct tls_contexts *tls_contexts_ref(struct tls_contexts *contexts);
void tls_contexts_unref(struct tls_contexts *contexts); /* accepts NULL */

/* Of one listener, borrowed; NULL: it has no TLS. */
struct h2_tls_context *tls_contexts_at(const struct tls_contexts *contexts, size_t listener);

/* Whether a file is another one than was loaded, or a development certificate nears its end: then
 * it is time for tls_contexts_load_again(). */
bool tls_contexts_is_stale(const struct tls_contexts *contexts);
/* When that is, in seconds since 1970; 0: there is no development certificate. */
time_t tls_contexts_renew_at(const struct tls_contexts *contexts);
/* All files; the caller frees the array, not the texts. */
const char **tls_contexts_paths(const struct tls_contexts *contexts, size_t *count);

/* A certificate, and where it is shown. */
struct tls_shown {
    const char *listener; /* its address */
    const char *file;
    const struct h2_tls_context *context; /* in which it has this */
    size_t index;
    bool is_development;
};

/* Calls show for each certificate, in order. */
void tls_contexts_show(const struct tls_contexts *contexts,
                       void (*show)(void *context, const struct tls_shown *shown), void *context);

/* Whether that certificate of a context is shown by one of them, with the same chain. */
bool tls_contexts_have(const struct tls_contexts *contexts, const struct h2_tls_context *context,
                       size_t index);

/* A line in the log for each certificate that clients will object to, and each response that cannot
 * be stapled. */
void tls_contexts_log_warnings(const struct tls_contexts *contexts);

#endif
