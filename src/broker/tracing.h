/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TRACING_H
#define BROKER_TRACING_H
/* What goes into a service's trace (broker/trace.h), and when: each decision is recorded where it
 * is made. All of these do nothing while the trace is off. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buckets.h"
#include "broker/trace.h"
#include "sse/service.h"

struct broker_batch;
struct broker_item;
struct broker_line;
struct broker_names;
struct broker_service;
struct qos_copy;
struct sse_connection;
struct sse_dispatch_job;
struct sse_message;

/* The part of a worker. */
struct tracing {
    struct trace trace;
    struct sse_observer observer; /* of connections */
    struct buckets drops;         /* by connection: those that are recorded */
    struct buckets refusals;      /* by address: the same */
    uint64_t suppressed;          /* records that are not there for that */
};

void tracing_init(struct tracing *tracing, struct sse_service *core, size_t worker,
                  const struct trace_bounds *bounds);
void tracing_change(struct tracing *tracing, const struct trace_bounds *bounds);
void tracing_release(struct tracing *tracing);

/* ---- messages, at the owner ---- */

/* It has this position; shards: how many may have somebody for it. by: NULL: the server itself. */
void tracing_sent(struct tracing *tracing, const struct broker_item *item, const char *by,
                  uint64_t position, size_t shards);
/* With qos 1: on its way to the store. */
void tracing_held(struct tracing *tracing, const struct broker_item *item, const char *by);
/* It is stored, or was before: then a repetition. */
void tracing_stored(struct tracing *tracing, const struct broker_item *item, size_t copies,
                    bool is_repeat);
void tracing_ended(struct tracing *tracing, const struct qos_copy *copy);

/* ---- messages, anywhere ---- */

/* Where they were sent from: nothing of the batch was stored or written. Of many the first ones
 * alone. why: a word. */
void tracing_send_refused(struct tracing *tracing, const struct broker_batch *batch,
                          const char *why);

/* ---- messages, at a shard ---- */

/* The job has just been done. */
void tracing_dispatched(struct tracing *tracing, const struct sse_message *message,
                        const struct sse_dispatch_job *job, const struct sse_registry *registry);
void tracing_redelivered(struct tracing *tracing, const struct sse_connection *connection,
                         const struct broker_line *line);

/* ---- connections ---- */

/* Names that a page has asked for and does not get: as sse_connection_options.left_out. */
void tracing_left_out(struct tracing *tracing, const struct sse_connection *connection,
                      const json_t *left_out);

/* The same of listeners or channels of a connection that is there. why: as a page is told. */
void tracing_names_refused(struct tracing *tracing, const struct sse_connection *connection,
                           enum sse_group_kind kind, const struct broker_names *names,
                           const char *why);

/* A record of a connection that is there, as if it had been opened with the names that it has now:
 * its own may not be known any more. Into a trace of who asks. */
void tracing_of_now(struct trace *trace, const struct sse_connection *connection);

/* ---- refused requests ---- */

/* Texts may be NULL: not known. Paths with their secrets masked. */
struct tracing_refusal {
    int status;
    const char *rule;   /* a word: origin, the name of a limit, … */
    const char *reason; /* a sentence */
    const char *method, *path;
    const char *address, *client, *request, *by; /* by: of a back end */
    const struct sse_user *user;                 /* that was verified */
    const char *claimed_user, *claimed_tenant;   /* by a token that was not */
    const char *connection;                      /* a handle that the request names */
};

/* A flood of one address is not recorded: false, and counted. */
bool tracing_takes_refusal(struct tracing *tracing, const char *address);
/* It was taken. */
void tracing_refused(struct tracing *tracing, const struct tracing_refusal *refusal);

#endif
