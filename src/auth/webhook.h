/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WEBHOOK_H
#define AUTH_WEBHOOK_H
/*
 * The auth backend that asks another server. It posts what a request shows to a service that knows
 * the users, which says whose it is. Requests with the same credential share one question; for a
 * moment the answer is remembered. Nothing here waits; when too many wait, a request is refused at
 * once.
 *
 * A revocation drops the remembered answers, so that the next request asks again. An answer to a
 * question from before the revocation does not count if it names a revoked user.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/buf.h"
#include "base/lru.h"
#include "base/text.h"
#include "outbound/http.h"

struct bytes;
struct loop;

/* ---- the question, and its answer (webhook_question.c) ----
 *
 * What the back end that knows the users is told of a request: the named cookies, header fields
 * and parameters, as JSON. Cookies and header fields are real fields of the question as well, so
 * that a back end with sessions needs no code for us.
 *
 * A credential that the request was made to show replaces cookies and parameters, as
 * "authorization: Bearer …" if that field is named.
 *
 * A browser adds cookies by itself, and a proxy may add fields: a question with one of them counts
 * as AUTH_BY_COOKIE. It does not if a Bearer field stands beside them, which no stranger's page
 * can make a browser send.
 */

/* What may be forwarded: words. */
struct auth_webhook_names {
    const char *cookies;    /* at most AUTH_MAX_COOKIES */
    const char *headers;    /* in lower case */
    const char *parameters; /* of the query or of a form */
    /* Patterns, as words, of what is asked about apart (auth_facts.api); NULL or "": nothing is. */
    const char *apis;
};

/* The first of the patterns that matches what the request is for; its length is 0 where none does.
 */
struct word auth_webhook_class(const struct auth_webhook_names *names,
                               const struct auth_facts *facts);

struct auth_webhook_question {
    struct word class; /* as above */
    json_t *shown;     /* "headers", "cookies", "parameters": objects; "credential" */
    enum auth_source source;
    struct outbound_field *fields;
    size_t field_count;
    struct buf cookie; /* the field's value */
    /* The same for all who show the same: a hash, so that no credential lies about as a key. */
    char key[AUTH_KEY_HASH_TEXT];
};

/* False when the request shows nothing of what is named; then there is nothing to release. */
bool auth_webhook_question_init(struct auth_webhook_question *question,
                                const struct auth_webhook_names *names,
                                const struct auth_facts *facts);
void auth_webhook_question_release(struct auth_webhook_question *question);

/* The JSON that is posted. One reference. */
struct bytes *auth_webhook_question_text(const struct auth_webhook_question *question,
                                         const struct auth_facts *facts, const char *service,
                                         int64_t now_ms);

/*
 * What the back end that knows the users said. 200 comes with the user as JSON, alone, as
 * {"user":…} or in the envelope {"success":true,"data":…}:
 *
 *     id           a text or a whole number; must be there
 *     name, tenantId
 *     accessToken  how the back end calls this credential when it sends to it or revokes it
 *     channels     that it allows: a list of texts, or one text with blanks or commas between
 *     expiresAt    in ms since 1970; or expiresIn, in seconds
 *
 *     lifetime     of the connections that it opens, in seconds
 *     attributes   of these: an object
 *
 * All others become further fields of the user. 401: the credential is wrong; 403: the user may not
 * come in; either may be JSON with a "body", which the page gets. 429 and 503: later. A 401 that
 * refuses our signature is no answer. An envelope that tells of no success counts as its "code"
 * does.
 */

/* *result but for its source, with a reference to its data; of_tenant: users are unique within
 * their tenant; the reference to a user is the caller's. NULL, or what kept the back end from
 * telling, for the log: static. */
const char *auth_webhook_answer_read(const struct outbound_answer *answer, int64_t now_ms,
                                     bool of_tenant, struct auth_result *result);

/* ---- the cache (webhook_cache.c) ----
 *
 * Answers about credentials, remembered for a moment, since a page that opens makes many requests
 * at once. Bounded: at the bound the oldest goes. Of one worker and one service.
 */
struct auth_webhook_cache {
    struct lru entries;         /* the oldest first; its bounds may be changed at any time */
    struct table users, tokens; /* whose they are */
    size_t most_of_user;        /* answers: with one more the oldest of its own goes. 0: no bound */
};

void auth_webhook_cache_init(struct auth_webhook_cache *cache, struct loop *loop, size_t most);
void auth_webhook_cache_release(struct auth_webhook_cache *cache);

/* NULL: it is not known now. Lent until the cache changes. */
const struct auth_result *auth_webhook_cache_find(struct auth_webhook_cache *cache, const char *key,
                                                  uint64_t now_ms);

/* Takes the place of what is there. Keeps references to the user and the data of the result. */
void auth_webhook_cache_add(struct auth_webhook_cache *cache, const char *key,
                            const struct auth_result *result, uint64_t now_ms, uint64_t until_ms);

/* Forgets what was told of this user or this access token. */
void auth_webhook_cache_forget(struct auth_webhook_cache *cache,
                               const struct auth_revocation *revocation);

/* ---- the backend (webhook_backend.c) ---- */

/* The texts must live as long as the backend. */
struct auth_webhook_settings {
    const char *service; /* our name, told to the other side */
    const char *url;
    const char *secret; /* "": what is posted is not signed */
    struct auth_webhook_names names;
    unsigned time_limit_ms; /* from a request to its answer */
    unsigned in_flight;     /* questions at a time; http must be made for as many, */
    unsigned waiting;       /* and requests behind them: for their turn, or for the same answer */
    unsigned cache_ms;      /* how long an answer counts; 0: for those who wait for it only */
    uint32_t cache_entries; /* at least 1, */
    uint32_t user_entries;  /* and of one user; 0: as many */
    size_t answer_bytes;
    bool of_tenant; /* users are unique within their tenant */
};

/* http is for this backend alone: who is slow here must not keep others waiting. It must outlive
 * the backend. */
struct auth *auth_webhook_new(const struct auth_webhook_settings *settings, struct loop *loop,
                              struct outbound_http *http);

/* Other settings, which must live as long. Where it is another service that knows the users, or is
 * told other things, what the old one said is forgotten; who waits for its answer gets that. */
void auth_webhook_change(struct auth *auth, const struct auth_webhook_settings *settings);

#endif
