/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_CENSUS_H
#define API_QOS_CENSUS_H
/* Who of a queue's connections lives, in all workers: an op of the desk. */
#include <stdint.h>

struct qos_recipient;

void qos_census_start(void *context, uint64_t question, const struct qos_recipient *recipient,
                      uint64_t position, uint64_t instance);

#endif
