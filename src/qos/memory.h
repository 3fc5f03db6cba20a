/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_MEMORY_H
#define QOS_MEMORY_H
/* A repository in memory: it forgets everything when the process ends. */

struct qos_repository;

struct qos_repository *qos_memory_new(void);

#endif
