/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Of the process, as its environment is: handed around, it would be in every struct that has a
 * point somewhere below. */
struct fault {
    pthread_once_t once;
    const char *name; /* not terminated */
    size_t length;
    atomic_ulong passes_left; /* 0: no fault was asked for, or it is over */
};

static struct fault process_fault = {.once = PTHREAD_ONCE_INIT};

/* Mapped once, for good; NULL: none was asked for. */
static struct scarcity {
    atomic_uint_least64_t passed, from, to;
} * scarcities;

static bool read_number(const char *text, unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number > 0;
}

static void read_environment(void)
{
    const char *text = getenv("FAULT_POINT");
    const char *colon = text ? strrchr(text, ':') : NULL;
    unsigned long passes;

    if (!text)
        return;
    if (!colon || colon == text || !read_number(colon + 1, &passes)) {
        /* A test whose fault never comes would pass without having tested anything. */
        (void)fprintf(stderr, "FAULT_POINT is '%s'; it must be <name>:<n>, with n from 1\n", text);
        abort();
    }
    process_fault.name = text;
    process_fault.length = (size_t)(colon - text);
    atomic_store_explicit(&process_fault.passes_left, passes, memory_order_relaxed);
}

void fault_point(const char *name)
{
    if (pthread_once(&process_fault.once, read_environment) != 0)
        abort();
    if (!process_fault.name || strlen(name) != process_fault.length ||
        memcmp(name, process_fault.name, process_fault.length) != 0)
        return;
    if (atomic_fetch_sub_explicit(&process_fault.passes_left, 1, memory_order_relaxed) == 1)
        raise(SIGKILL);
}

void fault_stall(const char *name)
{
    static const struct timespec look = {.tv_nsec = 1000000};
    const char *text = getenv("FAULT_STALL");
    const size_t length = strlen(name);

    while (text && strncmp(text, name, length) == 0 && text[length] == ':' &&
           access(text + length + 1, F_OK) == 0)
        (void)nanosleep(&look, NULL);
}

bool fault_failure(const char *name)
{
    const char *directory = getenv("FAULT_FAILURES");
    char path[256];

    if (!directory)
        return false;
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        abort(); /* as above */
    return access(path, F_OK) == 0;
}

/* No memory is asked for here, and nothing is logged: it is the allocators that come by. */
static void map_areas(void)
{
    const size_t size = FAULT_AREAS * sizeof(struct scarcity);
    const char *path = getenv("FAULT_MEMORY");
    int file;

    if (!path)
        return;
    file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || lseek(file, 0, SEEK_END) < (off_t)size)
        abort(); /* as above */
    scarcities = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (scarcities == MAP_FAILED)
        abort();
    close(file);
}

bool fault_allocation(enum fault_area area)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct scarcity *scarcity;
    uint_least64_t pass;

    if (pthread_once(&once, map_areas) != 0)
        abort();
    if (!scarcities)
        return false;
    scarcity = &scarcities[area];
    pass = atomic_fetch_add_explicit(&scarcity->passed, 1, memory_order_relaxed);
    return pass >= atomic_load_explicit(&scarcity->from, memory_order_relaxed) &&
           pass < atomic_load_explicit(&scarcity->to, memory_order_relaxed);
}

unsigned fault_patience(void)
{
    const char *text = getenv("FAULT_PATIENCE");
    unsigned long times;

    return text && read_number(text, &times) && times < 1000 ? (unsigned)times : 1;
}
