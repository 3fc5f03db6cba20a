/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H
/* What the kernel says of this process's memory, and how much it may have. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In bytes; shared: of these, what files back. False: /proc does not say. */
bool process_memory(size_t *resident, size_t *shared);

/* The least of what its control groups (version 2, memory.max) allow and of what the machine has.
 * groups: "/proc/self/cgroup"; root: "/sys/fs/cgroup". What cannot be read is no limit. */
uint64_t process_memory_limit(const char *groups, const char *root);

#endif
