/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_HUB_H
#define API_QOS_HUB_H
/*
 * Where a service's stored messages are looked after, on the worker that owns it: the store and the
 * desk, and what the desk asks for. The other workers come here with what is sent
 * (qos_send.h), acknowledged or asked (qos_requests.h), and with who comes and goes (qos_joins.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "api/qos/qos_joins.h"
#include "api/qos/qos_line.h"
#include "api/qos/qos_revocations.h"
#include "api/qos/qos_sweeper.h"
#include "qos/desk.h"
#include "qos/store.h"

struct api_service;
struct qos_copies;
struct qos_copy;
struct qos_receipts;

struct qos_counters {
    uint64_t stored;  /* copies */
    uint64_t repeats; /* messages that were sent again under the same id */
    uint64_t refused; /* requests that found no place in the store, or no store; */
    uint64_t busy;    /* or too much that waited for it */
    uint64_t ended[QOS_STATES];
};

struct qos_hub {
    struct api_service *service;
    struct qos_store *store;
    bool is_in_memory; /* the store's, instead of in: */
    char *file;        /* SQLite's; both are for its thread */
    char *name;        /* of the service, for that, too */
    struct qos_desk *desk;
    struct qos_desk_settings desk_settings;
    struct qos_receipts *receipts;
    struct qos_line line;
    struct chores chores; /* too long for one turn */
    struct qos_joins joins;
    struct qos_sweeper sweeper;
    struct qos_restorer restorer;
    bool has_taken_back;   /* what was set aside, and can be read again */
    bool is_stopped;       /* what the store still hands back leads to nothing */
    uint64_t first_number; /* of the messages that were stored in this life; 0: none were */
    struct qos_counters counters;
};

/* NULL in a worker that does not own the service. */
struct qos_hub *qos_hub_new(struct api_service *service);
/* The service has other settings. The store stays where it is. */
void qos_hub_change(struct qos_hub *hub);
void qos_hub_free(struct qos_hub *hub); /* when the broker has stopped */

/* The server stops: receipts are tried at once, and once. Settled: none is left, or they were
 * abandoned, and with them what the store has not begun. */
void qos_hub_hurry(struct qos_hub *hub);
void qos_hub_abandon(struct qos_hub *hub);
bool qos_hub_is_settled(const struct qos_hub *hub);

/* This job has ended copies, or set them aside, unless it has failed: the desk, the counters and
 * whoever wants a receipt hear of it. */
void qos_hub_ended(struct qos_hub *hub, const struct qos_job *job, const struct qos_copies *copies);
/* The same of one of them. */
void qos_hub_end(struct qos_hub *hub, const struct qos_copy *ended);
/* Sets how often each has been written, as far as the desk knows more than the store. */
void qos_hub_count_written(const struct qos_hub *hub, struct qos_copies *copies);
/* Whether somebody may have had the copy before: what an earlier life has written it may not have
 * told the store. */
bool qos_hub_was_written(const struct qos_hub *hub, const struct qos_copy *copy);
/* Lets the other workers see how many copies there are. */
void qos_hub_publish(struct qos_hub *hub);

#endif
