/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H
/*
 * Who is asking? A backend takes the facts of a request and answers with a user, or with a refusal;
 * at once or later. It knows nothing of HTTP/2: the facts are texts and look-up functions.
 */
#include <stdbool.h>
#include <stddef.h>

struct sse_user;

struct auth_facts {
    const char *method;
    const char *path;
    const char *peer; /* address of the client */
    /* Each returns NULL when the request has no such thing; what they return lives as long as the
     * facts do. */
    const char *(*header)(const void *request, const char *name);
    const char *(*cookie)(const void *request, const char *name);
    const char *(*parameter)(const void *request, const char *name);
    const void *request;
};

enum auth_verdict {
    AUTH_OK,
    AUTH_NONE,   /* the request carries no credential at all */
    AUTH_BAD,    /* it carries one, and that is wrong: 401 */
    AUTH_DENIED, /* known, and not allowed: 403 */
    AUTH_FAILED, /* could not be found out: 502 or 504 */
};

struct auth_result {
    enum auth_verdict verdict;
    struct sse_user *user; /* with AUTH_OK: the receiver owns the reference */
    const char *message;   /* otherwise: what was wrong and what would be right; static */
};

struct auth;

struct auth_ops {
    const char *name;
    /* Calls done once, before or after it returns. */
    void (*check)(struct auth *auth, const struct auth_facts *facts,
                  void (*done)(void *context, const struct auth_result *result), void *context);
    void (*free)(struct auth *auth);
};

struct auth {
    const struct auth_ops *ops; /* embedded first in each backend's struct */
};

static inline void auth_check(struct auth *auth, const struct auth_facts *facts,
                              void (*done)(void *context, const struct auth_result *result),
                              void *context)
{
    auth->ops->check(auth, facts, done, context);
}

static inline void auth_free(struct auth *auth)
{
    if (auth)
        auth->ops->free(auth);
}

/* auth/development.c: believes what the request says of itself. For loopback only. */
struct auth *auth_development_new(void);

#endif
