/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REVOCATIONS_H
#define BROKER_REVOCATIONS_H
/* Revocations as messages carry them: all in one text of bytes, which workers share. */
#include <stdbool.h>
#include <stddef.h>

struct bytes;
struct qos_revocation;
struct qos_revocations;

/* One reference. */
struct bytes *broker_revocations_pack(const struct qos_revocations *list);
/* The one at *at, which is 0 at first and moves on; its name lies in the bytes. False: there is no
 * other. */
bool broker_revocations_next(const struct bytes *packed, size_t *at,
                             struct qos_revocation *revocation);

#endif
