/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_RECENT_H
#define AUTH_RECENT_H
/* Names that were used lately, each with a small number. One costs 48 bytes and its name's text. */
#include "base/lru.h"

struct auth_recent {
    struct lru names;
    uint64_t kept_ms; /* without being used */
};

/* A most of 0: nothing is kept. */
void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms);
void auth_recent_release(struct auth_recent *recent);

/* The name's number, which is used by that; -1 when it is not known. */
int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms);

/* The name must not be known; the number is not negative. */
void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms);

#endif
