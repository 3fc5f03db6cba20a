/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_DENIED_H
#define AUTH_DENIED_H
/*
 * Revoked credentials that have not expired: single tokens, and all that a user was given before
 * some moment. In memory, for one worker. Whoever keeps revocations through a restart is told of
 * them. Bounded: at the bound the entry that would end first goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slices.h"
#include "base/table.h"

struct auth_counters;
struct sse_user;

/* What is asked about. */
struct auth_credential {
    const struct sse_user *user; /* NULL: it names none */
    const char *access_token;
    int64_t issued_at; /* wall s; INT64_MIN: not known, which counts as long ago */
};

/* One of them, as it can be kept and brought back. */
struct auth_denial {
    const char *name;     /* of the token or the user: nobody else reads it */
    int64_t issued_until; /* wall s: later credentials are not meant */
    int64_t until_ms;     /* wall */
};

struct auth_denied {
    struct table table;
    struct heap by_end;
    size_t most;               /* another bound may be set: what is denied already stays so */
    uint64_t added, displaced; /* by the bound, before their time */
    struct age_timer age;
    /* Who is told of each that is added, before the call returns; NULL: nobody. */
    void (*note)(void *context, const struct auth_denial *denial);
    void *context;
};

struct auth_denied *auth_denied_new(struct loop *loop, size_t most);
void auth_denied_free(struct auth_denied *denied);

/* Times are wall ms. Of the token's text only a hash is kept. */
void auth_denied_add_token(struct auth_denied *denied, const char *access_token, int64_t now_ms,
                           int64_t until_ms);

/* All that the user of this key (sse/user.h) was issued up to the second of now: tokens do not
 * tell time more finely. Who is given a new one within that second has to be given another, a
 * second later. */
void auth_denied_add_user(struct auth_denied *denied, const char *user_key, int64_t now_ms,
                          int64_t until_ms);

/* Brings back one that was kept. What has ended already is not added, and what is denied already
 * stays so for the longer of the two times. */
void auth_denied_add(struct auth_denied *denied, const struct auth_denial *denial, int64_t now_ms);

bool auth_denied_has(struct auth_denied *denied, const struct auth_credential *credential,
                     int64_t now_ms);

void auth_denied_count(const struct auth_denied *denied, struct auth_counters *counters);

#endif
