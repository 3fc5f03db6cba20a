/* SPDX-License-Identifier: Apache-2.0 */
#include "server/processors.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_SIZE ((size_t)64 * 1024)

static size_t less(size_t quota, size_t other)
{
    return quota == 0 || (other > 0 && other < quota) ? other : quota;
}

/* Processors' worth of time, rounded up: half a processor still needs a worker. */
static size_t processors_of(long long quota, long long period)
{
    return quota > 0 && period > 0 ? (size_t)((quota + period - 1) / period) : 0;
}

/* A file of a group, which the caller frees; NULL: there is none. */
static char *read_text(const char *directory, const char *name)
{
    struct buf path = BUF_INIT;
    char *text;

    buf_printf(&path, "%s/%s", directory, name);
    text = file_read(buf_str(&path), FILE_SIZE, NULL);
    buf_release(&path);
    return text;
}

static long long read_number(const char *directory, const char *name)
{
    char *text = read_text(directory, name);
    const long long number = text ? strtoll(text, NULL, 10) : -1;

    free(text);
    return number;
}

/* "max 100000", or "50000 100000" (version 2). */
static size_t quota_of_max(const char *directory)
{
    char *text = read_text(directory, "cpu.max");
    char *rest = text;
    long long quota = 0, period = 0;

    if (text) {
        quota = strtoll(text, &rest, 10); /* "max" is none */
        period = strtoll(rest, NULL, 10);
    }
    free(text);
    return processors_of(quota, period);
}

static size_t quota_of_group(const char *directory)
{
    return less(quota_of_max(directory),
                processors_of(read_number(directory, "cpu.cfs_quota_us"),
                              read_number(directory, "cpu.cfs_period_us")));
}

/* A group and those above it, to the mount: a path of the host's is not there in a container, which
 * has its own group mounted as the root. */
static size_t quota_of_path(const char *mount, const char *group)
{
    char directory[2 * PATH_MAX];
    const size_t shortest = strlen(mount);
    size_t quota = 0;
    char *slash;

    snprintf(directory, sizeof(directory), "%s%s", mount, group);
    for (;;) {
        quota = less(quota, quota_of_group(directory));
        slash = strrchr(directory, '/');
        if (!slash || (size_t)(slash - directory) < shortest)
            return quota;
        *slash = '\0';
    }
}

/* "0::/path" is of version 2, "4:cpu,cpuacct:/path" of version 1 (cgroups(7)). */
static size_t quota_of_line(const char *root, char *line)
{
    static const char *const mounts[] = {"", "/unified"};
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    size_t quota = 0;

    if (!group)
        return 0;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0') {
        for (size_t i = 0; i < COUNT(mounts); i++) {
            snprintf(mount, sizeof(mount), "%s%s", root, mounts[i]);
            quota = less(quota, quota_of_path(mount, group));
        }
        return quota;
    }
    if (!words_have(controllers, "cpu"))
        return 0;
    snprintf(mount, sizeof(mount), "%s/%s", root, controllers);
    quota = quota_of_path(mount, group);
    snprintf(mount, sizeof(mount), "%s/cpu", root);
    return less(quota, quota_of_path(mount, group));
}

size_t processors_quota(const struct processors_paths *places)
{
    char *groups = file_read(places->groups, FILE_SIZE, NULL);
    char *rest = groups;
    size_t quota = 0;

    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        quota = less(quota, quota_of_line(places->root, line));
    free(groups);
    return quota;
}

static size_t processors_of_set(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (size_t)CPU_COUNT(&set);
    return online > 0 ? (size_t)online : 1; /* more than the set has room for */
}

size_t processors_usable(void)
{
    static const struct processors_paths places = {"/proc/self/cgroup", "/sys/fs/cgroup"};

    return less(processors_of_set(), processors_quota(&places));
}
