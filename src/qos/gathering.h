/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_GATHERING_H
#define QOS_GATHERING_H
/*
 * When a store begins its next transaction. Each costs as much as several messages do, and senders
 * that wait for their answers send again as soon as they have them. So those whose answers a
 * transaction has just brought are waited for, no longer than that one took: else they would take
 * turns with those who came meanwhile, in transactions half as large, one behind the other. Where
 * they do not come, because they send when they like, this is left alone for a while.
 */
#include <stddef.h>
#include <stdint.h>

#define GATHERING_US_LEAST 100u  /* what takes less is not worth it */
#define GATHERING_US_MOST  5000u /* nobody waits for longer */

/* Zero-filled is good. */
struct qos_gathering {
    size_t wanted;     /* jobs that are waited for; 0: none are */
    uint64_t until_us; /* monotonic */
    unsigned left_out; /* times that it is left alone, */
    unsigned failures; /* after so many in a row */
};

/* A transaction took so long and has answered so many; so many wait, of at most so many that the
 * next one takes. */
void qos_gathering_begin(struct qos_gathering *gathering, uint64_t now_us, uint64_t took_us,
                         size_t answered, size_t waiting, size_t most);
/* How long to wait still, with so many there; 0: no longer. */
uint64_t qos_gathering_us(const struct qos_gathering *gathering, uint64_t now_us, size_t waiting);
/* The next transaction begins with so many. */
void qos_gathering_end(struct qos_gathering *gathering, size_t waiting);

#endif
