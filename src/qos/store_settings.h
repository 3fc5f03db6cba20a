/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_STORE_SETTINGS_H
#define QOS_STORE_SETTINGS_H
/* How a store is opened and kept (qos/store.h, qos/keeper.h), and what it reports. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qos/repository.h"

/* The texts are borrowed. */
struct qos_store_settings {
    const char *service; /* for the log */
    /* As qos_sqlite_new(); context is the settings' own. In the store's thread. */
    struct qos_repository *(*open)(void *context, int *error, char *fault, size_t fault_size);
    void *context;
    unsigned batch;       /* 256: copies of one transaction */
    unsigned retry_ms;    /* 1000 */
    unsigned patience_ms; /* that a job that is asked for waits to begin; 0: for ever */
};

/* What a store has done so far. */
struct qos_store_report {
    bool is_open;
    struct qos_totals totals;    /* while it is closed: the last that were known */
    uint64_t transactions, jobs; /* committed; handed back */
    uint64_t faults;             /* transactions that failed, openings included */
    uint64_t waiting;            /* jobs submitted and not done */
    uint64_t commit_us;          /* time spent in commits, in all */
    uint64_t commit_us_max;
};

#endif
