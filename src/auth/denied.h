/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_DENIED_H
#define AUTH_DENIED_H
/*
 * The credentials that do not count any more although they have not expired: single tokens, and
 * what a user was given before some moment. In memory, for one worker; what is to survive a restart
 * is told to who keeps it. Bounded: at the bound the entry goes that would have ended first.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_denied;
struct loop;
struct sse_user;

struct auth_denied_counters {
    uint64_t added;
    uint64_t displaced; /* by the bound, before their time */
};

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

struct auth_denied *auth_denied_new(struct loop *loop, size_t most);
/* Another bound; what is denied already stays so. */
void auth_denied_change(struct auth_denied *denied, size_t most);
void auth_denied_free(struct auth_denied *denied);

/* Times are wall ms. Of the token's text only a hash is kept. */
void auth_denied_add_token(struct auth_denied *denied, const char *access_token, int64_t now_ms,
                           int64_t until_ms);

/* All that the user of this key (sse/user_key.h) was issued up to the second of now: tokens do not
 * tell time more finely. Who is given a new one within that second has to be given another, a
 * second later. */
void auth_denied_add_user(struct auth_denied *denied, const char *user_key, int64_t now_ms,
                          int64_t until_ms);

/* Brings back one that was kept. */
void auth_denied_restore(struct auth_denied *denied, const struct auth_denial *denial,
                         int64_t now_ms);

/* From now on, who is told of each that is added, before the call returns. NULL: nobody. */
void auth_denied_tell(struct auth_denied *denied,
                      void (*note)(void *context, const struct auth_denial *denial), void *context);

bool auth_denied_has(struct auth_denied *denied, const struct auth_credential *credential,
                     int64_t now_ms);

size_t auth_denied_count(const struct auth_denied *denied);
const struct auth_denied_counters *auth_denied_counters(const struct auth_denied *denied);

#endif
