/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_PROCESS_H
#define LOAD_PROCESS_H
/*
 * What the kernel says of the server's processes. A process that cannot be read counts as nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* User and system time of all threads, in microseconds; resolution of a clock tick (10 ms). */
uint64_t load_process_cpu(const pid_t *pids, size_t count);

/* Proportional set size in KiB: memory that only these processes cause. */
uint64_t load_process_pss(const pid_t *pids, size_t count);

uint64_t load_process_own_cpu(void); /* of this process, in microseconds */

#endif
