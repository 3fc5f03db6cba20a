/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PROCESSORS_H
#define SERVER_PROCESSORS_H
/*
 * How many processors this process may use: those of its CPU set, or as many as the quota of a
 * control group pays for, whichever is less. A container on a large machine is given a small share
 * of it.
 */
#include <stddef.h>

/* Where the kernel tells. */
struct processors_paths {
    const char *groups; /* "/proc/self/cgroup": the groups of this process, a line each */
    const char *root;   /* "/sys/fs/cgroup": where their hierarchies are mounted */
};

/* At least 1. What cannot be read is no limit. */
size_t processors_usable(void);

/* The quota alone, rounded up to whole processors; 0: none. Version 2 (cpu.max) and 1
 * (cpu.cfs_quota_us), in this process's groups and those above. */
size_t processors_quota(const struct processors_paths *places);

#endif
