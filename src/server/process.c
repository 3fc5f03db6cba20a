/* SPDX-License-Identifier: Apache-2.0 */
#include "server/process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define FILE_SIZE ((size_t)64 * 1024)

bool process_memory(size_t *resident, size_t *shared)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    bool is_known;

    if (!file)
        return false;
    is_known = fscanf(file, "%*u %zu %zu", resident, shared) == 2;
    fclose(file);
    if (!is_known)
        return false;
    *resident *= page;
    *shared *= page;
    return true;
}

/* "max" is none. */
static uint64_t limit_of_group(const char *directory)
{
    struct buf path = BUF_INIT;
    uint64_t limit = UINT64_MAX;
    char *end;
    char *text;

    buf_printf(&path, "%s/memory.max", directory);
    text = file_read(buf_str(&path), FILE_SIZE, NULL);
    buf_release(&path);
    if (text) {
        const unsigned long long number = strtoull(text, &end, 10);

        if (end != text)
            limit = number;
    }
    free(text);
    return limit;
}

static uint64_t less(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* Of a group and of those above it, to the mount. */
static uint64_t limit_of_path(const char *root, const char *group)
{
    char directory[2 * PATH_MAX];
    uint64_t limit = UINT64_MAX;
    char *slash;

    snprintf(directory, sizeof(directory), "%s%s", root, group);
    for (;;) {
        limit = less(limit, limit_of_group(directory));
        slash = strrchr(directory, '/');
        if (!slash || (size_t)(slash - directory) < strlen(root))
            return limit;
        *slash = '\0';
    }
}

uint64_t process_memory_limit(const char *groups, const char *root)
{
    static const char version_2[] = "0::";
    uint64_t limit = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char *text = file_read(groups, FILE_SIZE, NULL);
    char *rest = text;

    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (strncmp(line, version_2, strlen(version_2)) == 0)
            limit = less(limit, limit_of_path(root, line + strlen(version_2)));
    }
    free(text);
    return limit;
}
