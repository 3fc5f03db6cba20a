/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H
/*
 * Is this token (a JWT, RFC 7519) good? Its form, then its signature, then its claims: who cannot
 * sign learns nothing of what the claims should be.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_jwt_key;
struct auth_jwt_keys;
struct auth_jwt_signatures;

#define AUTH_JWT_MAX_BYTES 8192u

struct auth_jwt_rules {
    const char *audiences; /* words; the token must be for one of them. "": not looked at */
    const char *issuer;    /* "": not looked at */
    uint32_t leeway_ms;    /* by which the clocks of others may differ */
    bool require_expiry;
};

/* Several sets, looked at in turn: those of the configuration, those of identity providers. */
struct auth_jwt_key_ring {
    const struct auth_jwt_keys *const *sets; /* NULL among them: not there yet */
    size_t count;
    struct auth_jwt_signatures *signatures; /* what is known of tokens; NULL: each is computed */
};

struct auth_jwt_question {
    const char *token;
    const char *address; /* who shows it; NULL: nobody whose failures are counted */
    int64_t now_ms;      /* wall */
};

struct auth_jwt_answer {
    const char *fault;              /* what was wrong and what would be right; static. NULL: good */
    bool is_unknown_key;            /* a newer set of keys might have it, */
    bool is_named_key;              /* and the token's header names it */
    bool is_postponed;              /* neither good nor wrong: nothing is computed now */
    json_t *claims;                 /* with a good token: an object, owned by the receiver */
    const struct auth_jwt_key *key; /* and who signed it; lives as long as its set */
    int64_t expires_at;             /* wall ms; 0: never */
    int64_t issued_at;              /* wall s; INT64_MIN when the token does not say */
};

void auth_jwt_check(const struct auth_jwt_question *question, const struct auth_jwt_key_ring *ring,
                    const struct auth_jwt_rules *rules, struct auth_jwt_answer *answer);

/* What a token claims, whoever made it (NULL when it is none; the caller json_decref()s it), and
 * when it says that it ends (wall ms; 0 when it does not say). */
json_t *auth_jwt_claimed(const char *token, int64_t *expires_at);

#endif
