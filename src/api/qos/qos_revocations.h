/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_REVOCATIONS_H
#define API_QOS_REVOCATIONS_H
/*
 * Revocations outlive the process: the store of their service keeps them, and when it starts all
 * workers are told what it has. Until then, or while it cannot be read, their auth backends let
 * nobody in.
 */
#include "base/loop.h"
#include "broker/broker.h"
#include "qos/revocations.h"

struct api_exchange;
struct auth;
struct auth_denial;
struct qos_hub;

/* Of a hub. */
struct qos_restorer {
    struct qos_hub *hub;
    struct loop_timer timer; /* to the next try */
    bool has_failed;
};

/* Begins to read. */
void qos_restorer_init(struct qos_restorer *restorer, struct qos_hub *hub);
void qos_restorer_release(struct qos_restorer *restorer);

/* BROKER_RESTORE: a worker's backend is told what the store has. */
void qos_restore(struct auth *auth, const struct broker_revocations *revocations);

/* Some that are to be kept. Zero-filled, then filled by note. */
struct qos_keeping {
    struct broker_request request;
    struct qos_revocations list;
    struct api_exchange *exchange; /* a reference, once it is started */
    /* Where it was started; owns the keeping. status: 0 when a restart does not forget them. */
    void (*done)(struct qos_keeping *keeping, int status);
};

/* As struct auth_revocation wants it; context: the keeping. */
void qos_keeping_note(void *context, const struct auth_denial *denial);
/* done is the caller's to fill in; it may run before this returns, when there are none. */
void qos_keeping_start(struct qos_keeping *keeping, struct api_exchange *exchange);
/* What is in it. */
void qos_keeping_release(struct qos_keeping *keeping);

#endif
