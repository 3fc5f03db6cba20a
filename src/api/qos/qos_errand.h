/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_ERRAND_H
#define API_QOS_ERRAND_H
/* A request that the store of its service has the answer to: to the hub, which has one job or
 * several done, and back. */
#include "cluster/peers.h"

struct api_exchange;
struct qos_hub;
struct qos_job;

/* Embed it in the struct of the concrete errand. */
struct qos_errand {
    struct peers_call call;
    struct api_exchange *exchange; /* a reference, which answer drops */
    struct qos_hub *hub;           /* for begin and what follows it there */
    /* At the hub. Must lead to qos_errand_end() there. */
    void (*begin)(struct qos_errand *errand);
    /* Where it came from; owns the errand. */
    void (*answer)(struct qos_errand *errand);
};

/* begin and answer are the caller's to fill in. */
void qos_errand_start(struct qos_errand *errand, struct api_exchange *exchange);
void qos_errand_end(struct qos_errand *errand);

/* For answer: the job has failed. -ENOENT is 404: no message has that id. */
void qos_errand_refuse(const struct qos_errand *errand, int status);

/* For those that have job after job done: the server stops, and waits for them. */
bool qos_errand_is_late(const struct qos_errand *errand);

#endif
