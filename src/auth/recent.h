/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_RECENT_H
#define AUTH_RECENT_H
/*
 * Names that were used lately, each with a small number. One that was not for some time is
 * forgotten; when there are too many, the one that was not used for longest is.
 *
 * One costs 48 bytes and its name's text.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/age_timer.h"
#include "base/list.h"
#include "sse/table.h"

struct auth_recent {
    struct sse_table table;
    struct list used; /* the one used last comes last */
    size_t most;
    uint64_t kept_ms;   /* without being used */
    uint64_t displaced; /* forgotten for want of room, since start */
    struct age_timer age;
};

/* A most of 0: nothing is kept. */
void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms);
void auth_recent_release(struct auth_recent *recent);

/* The name's number, which is used by that; -1 when it is not known. */
int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms);

/* The name must not be known; the number is not negative. */
void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms);

size_t auth_recent_count(const struct auth_recent *recent);

#endif
