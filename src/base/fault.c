/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Of the process, as its environment is: handed around, it would be in every struct that has a
 * point somewhere below. */
struct fault {
    pthread_once_t once;
    const char *name; /* not terminated */
    size_t length;
    atomic_ulong passes_left; /* 0: no fault was asked for, or it is over */
};

static struct fault process_fault = {.once = PTHREAD_ONCE_INIT};

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
        log_error("FAULT_POINT must be <name>:<n>, with n from 1", LOG_STR("value", text));
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
