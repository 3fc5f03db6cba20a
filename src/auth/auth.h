/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H
/*
 * An auth backend says whose a request is. It gets the facts of a request, and answers with a user
 * or a refusal, at once or later. It knows nothing of HTTP/2: the facts are texts and look-up
 * functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_denial;
struct bytes;
struct sse_user;

/* Where a credential came from: a browser sends cookies by itself, whoever made it ask. */
enum auth_source { AUTH_BY_REQUEST, AUTH_BY_COOKIE };

/* What a back end may do; a mask. */
enum auth_permission {
    AUTH_MAY_SEND = 1 << 0,       /* send, setDuration */
    AUTH_MAY_QUERY = 1 << 1,      /* users, connections, counts, … */
    AUTH_MAY_DISCONNECT = 1 << 2, /* disconnectUser */
    AUTH_MAY_PRESENCE = 1 << 3,   /* the presence stream */
    AUTH_MAY_METRICS = 1 << 4,    /* /metrics */
    AUTH_MAY_ALL = (1 << 5) - 1,  /* which a key or token has that names none: not those below */
    AUTH_MAY_INSPECT = 1 << 5,    /* the trace */
    AUTH_MAY_ANY = (1 << 6) - 1   /* whoever may do some of it */
};

/* How many different cookies of a request a backend may look up. */
#define AUTH_MAX_COOKIES 8u

struct auth_facts {
    const char *method;
    const char *path;
    const char *api;  /* what it is for: "connect", "message/orders/new"; NULL: it is not told */
    const char *peer; /* address of the client */
    const char *customer; /* the part of it that one customer has all of: what is counted by */
    /* A token that the request was made to show: it counts before those that come along. Or NULL.
     */
    const char *credential;
    /* Each returns NULL when the request has no such thing; what they return lives as long as the
     * facts do. */
    const char *(*header)(const void *request, const char *name);
    const char *(*cookie)(const void *request, const char *name);
    const char *(*parameter)(const void *request, const char *name);
    /* The traceparent for who is asked because of it (base/traceparent.h); NULL: there is none that
     * is one. The function may be NULL. */
    const char *(*traceparent)(const void *request);
    const void *request;
};

enum auth_verdict {
    AUTH_OK,
    AUTH_NONE,    /* the request carries no credential at all */
    AUTH_BAD,     /* it carries one, and that is wrong: 401 */
    AUTH_DENIED,  /* known, and not allowed: 403 */
    AUTH_FAILED,  /* who would know gave no answer that can be used: 502 */
    AUTH_TIMEOUT, /* who would know did not answer in time: 504 */
    AUTH_BUSY,    /* too many are being asked for: 503, come again */
    AUTH_VERDICTS
};

struct auth_result {
    enum auth_verdict verdict;
    enum auth_source source;
    struct sse_user *user;  /* with AUTH_OK: the receiver owns the reference */
    const char *message;    /* otherwise: what was wrong and what would be right; static */
    const char *rule;       /* the same as a word: expired, revoked, webhook; NULL: no such one */
    struct bytes *data;     /* beside it, JSON for the page; lent while done runs; NULL: none */
    unsigned retry_after_s; /* with AUTH_BUSY: when it makes sense; 0: soon */
};

/* Whom a revocation is for: one of the two. What they got before now does not count any more. */
struct auth_revocation {
    const char *user_key;     /* everything that this user was given (sse/user.h) */
    const char *access_token; /* this one */
    /* Is told, before the call returns, what has to be restored after a restart; NULL: nobody. */
    void (*note)(void *context, const struct auth_denial *denial);
    void *context;
};

/* What backends count; what means nothing to one stays 0. */
struct auth_counters {
    uint64_t revocations;           /* since the start */
    uint64_t revocations_displaced; /* forgotten early: there were too many */
    uint64_t revocations_kept;      /* now */
    uint64_t key_reads;             /* of JWK sets */
    uint64_t key_read_failures;
    uint64_t waiting;   /* requests that wait until it is known who asks, now */
    uint64_t busy;      /* refusals with AUTH_BUSY */
    uint64_t questions; /* to another service, about credentials */
    uint64_t question_failures;
    uint64_t question_connections; /* opened for them */
    uint64_t shared_answers;       /* requests that waited for the answer to another's question */
    uint64_t cache_hits;           /* requests that needed no question */
    uint64_t cached;               /* answers that are remembered, now */
    uint64_t cache_displaced;      /* forgotten early: there were too many */
    uint64_t signatures_recalled;  /* tokens whose signature was known, right or wrong */
    uint64_t signatures_computed;  /* and was not */
    uint64_t signatures_wrong;     /* of those computed */
    uint64_t signatures_refused;   /* tokens not looked at: too many were wrong */
    uint64_t signatures_us;        /* that computing took */
    uint64_t addresses_kept;       /* that have shown something good, or only failed, now */
    uint64_t addresses_displaced;  /* of these, forgotten early: there were too many */
    uint64_t signatures_kept;      /* known now, and addresses that wrong ones came from */
    uint64_t signatures_displaced; /* of these, forgotten early: there were too many */
};

struct auth;

#define AUTH_CLAIMED_SIZE 257u

/* Whom a credential names, as it says itself: nobody has checked it. */
struct auth_claimed {
    char user_id[AUTH_CLAIMED_SIZE], tenant_id[AUTH_CLAIMED_SIZE]; /* "": it does not say */
};

struct auth_ops {
    const char *name;
    /* Calls done once, before or after it returns. The facts must live until then. */
    void (*check)(struct auth *auth, const struct auth_facts *facts,
                  void (*done)(void *context, const struct auth_result *result), void *context);
    /* For a back end that shows a credential of this kind as "authorization: Bearer …", from this
     * customer's address (NULL: it was let in before, and limits are not for it): its permissions
     * (AUTH_OK), AUTH_DENIED (it is good, and carries none), AUTH_BAD, or AUTH_BUSY. At once.
     * *subject: whom a good one names, for the caller to free; unchanged when it names nobody.
     * subject may be NULL. The whole function NULL: no credential of this kind carries any. */
    enum auth_verdict (*check_back_end)(struct auth *auth, const char *token, const char *address,
                                        unsigned *permissions, char **subject);
    /* NULL: there is nothing that could be revoked. Every worker has a backend of its own, and all
     * are told. */
    void (*revoke)(struct auth *auth, const struct auth_revocation *revocation);
    /* What revocations before this start have noted, all of it; or, with a negative status, that
     * it cannot be known now, and is tried again. Until it is, nobody is let in. NULL: none is. */
    void (*restore)(struct auth *auth, int status, const struct auth_denial *denials, size_t count);
    /* Puts in the place of a token, as it was shown, the name that its user has as access_token,
     * which is no longer; whether it is a good one does not matter. NULL: they are the same. */
    void (*name_token)(char *token);
    /* Whom the credential of a request names, whether it is a good one or not: for who looks into
     * why it was refused. False: nobody, or there is none. NULL: no credential of this kind does.
     */
    bool (*read_claimed)(const struct auth *auth, const struct auth_facts *facts,
                         struct auth_claimed *claimed);
    /* Writes into *counters, which is zero-filled, what this backend has counted. NULL: nothing. */
    void (*count)(const struct auth *auth, struct auth_counters *counters);
    void (*free)(struct auth *auth);
};

struct auth {
    const struct auth_ops *ops; /* embedded first in each backend's struct */
    uint64_t revocations;       /* told so far: what was checked before one may be worth nothing */
};

static inline void auth_check(struct auth *auth, const struct auth_facts *facts,
                              void (*done)(void *context, const struct auth_result *result),
                              void *context)
{
    auth->ops->check(auth, facts, done, context);
}

static inline void auth_revoke(struct auth *auth, const struct auth_revocation *revocation)
{
    auth->revocations++;
    if (auth->ops->revoke)
        auth->ops->revoke(auth, revocation);
}

static inline struct auth_counters auth_count(const struct auth *auth)
{
    struct auth_counters counters = {0};

    if (auth->ops->count)
        auth->ops->count(auth, &counters);
    return counters;
}

static inline void auth_free(struct auth *auth)
{
    if (auth)
        auth->ops->free(auth);
}

/* auth/development.c: believes what the request says of itself. For loopback only. of_tenant: users
 * are unique within their tenant. */
struct auth *auth_development_new(bool of_tenant);

#endif
