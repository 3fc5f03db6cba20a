/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_SHARED_H
#define API_QOS_SHARED_H
#include <stdatomic.h>
#include <stddef.h>

/* What all workers know of a service's stored messages. */
struct qos_shared {
    /* Stored copies; while it is 0 no connection needs to tell the hub that it is there. Said
     * before a copy is written anywhere: who sees 0 has not missed any. Not known yet is 1. */
    atomic_size_t copies;
};

#endif
