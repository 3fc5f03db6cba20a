/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_KEEPER_H
#define QOS_KEEPER_H
/*
 * Keeps a repository open, and a transaction whole: a repository that has failed is closed, and
 * opened anew when it is wanted next, at most once in retry_ms, and for no more than a fifth of the
 * time where that takes long. Tells the log when that begins and when it is over. Of one thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "qos/store_settings.h"

struct qos_keeper {
    const struct qos_store_settings *settings; /* borrowed */
    struct qos_repository *repository;         /* NULL: closed */
    int error;                                 /* why it is closed */
    uint64_t may_open_us;                      /* not before this (monotonic) */
    bool is_sound; /* it was open, and there was no fault since but want of room or memory */
    int told;      /* the error that the log was told, and not yet that it is over; 0: none */
    struct qos_store_report report; /* all but jobs and waiting */
};

/* Opens it at once, for what is wrong to be in the log before somebody sends. */
void qos_keeper_init(struct qos_keeper *keeper, const struct qos_store_settings *settings);
void qos_keeper_release(struct qos_keeper *keeper);

/* Opens the repository if need be, and begins a transaction. Both return 0, or the negative errno
 * that all who are in the transaction have to be told. */
int qos_keeper_begin(struct qos_keeper *keeper);
int qos_keeper_end(struct qos_keeper *keeper);

#endif
