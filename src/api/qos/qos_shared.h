/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_SHARED_H
#define API_QOS_SHARED_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct qos_backup;
struct qos_store;

/* What all threads know of a service's stored messages. */
struct qos_shared {
    /* Stored copies; while it is 0 no connection needs to tell the hub that it is there. Said
     * before a copy is written anywhere: who sees 0 has not missed any. Not known yet is 1. */
    atomic_size_t copies;
    char *service;
    bool is_in_memory;
    pthread_mutex_t lock;    /* guards the store's life */
    struct qos_store *store; /* NULL: it is not there yet, or not any more */
};

void qos_shared_init(struct qos_shared *shared, const char *service, bool is_in_memory);
void qos_shared_release(struct qos_shared *shared);

/* By the hub, before the store goes NULL. */
void qos_shared_set_store(struct qos_shared *shared, struct qos_store *store);

/* Any thread. As qos_store_back_up(); without a store -ESHUTDOWN. */
int qos_shared_back_up(struct qos_shared *shared, struct qos_backup *backup);

#endif
