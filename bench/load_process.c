/* SPDX-License-Identifier: Apache-2.0 */
#include "load_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static FILE *open_file(pid_t pid, const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

static uint64_t ticks_of(pid_t pid)
{
    char line[1024];
    uint64_t user = 0, system = 0;
    FILE *file = open_file(pid, "stat");
    const char *behind_name;

    if (file == NULL)
        return 0;
    /* The name is in parentheses and may hold any character, these too. */
    if (fgets(line, sizeof(line), file) != NULL && (behind_name = strrchr(line, ')')) != NULL &&
        sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
               &user, &system) != 2)
        user = system = 0;
    (void)fclose(file);
    return user + system;
}

static uint64_t pss_of(pid_t pid)
{
    char line[256];
    uint64_t size = 0;
    FILE *file = open_file(pid, "smaps_rollup");

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Pss: %" SCNu64, &size) == 1)
            break;
    }
    (void)fclose(file);
    return size;
}

uint64_t load_process_cpu(const pid_t *pids, size_t count)
{
    uint64_t ticks = 0;

    for (size_t i = 0; i < count; i++)
        ticks += ticks_of(pids[i]);
    return ticks * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t load_process_pss(const pid_t *pids, size_t count)
{
    uint64_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pss_of(pids[i]);
    return size;
}

uint64_t load_process_own_cpu(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
