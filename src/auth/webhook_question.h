/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WEBHOOK_QUESTION_H
#define AUTH_WEBHOOK_QUESTION_H
/*
 * What of a request is told to the back end that knows the users: the cookies, header fields and
 * parameters that are named, as JSON and, but for the parameters, as real fields, too, so that a
 * back end that has sessions already needs to know nothing of us.
 *
 * A credential that the request was made to show is asked about in the place of cookies and
 * parameters, as "authorization: Bearer …" where that field is named.
 *
 * A browser adds cookies by itself, and a proxy may add fields: what holds one of them counts as
 * AUTH_BY_COOKIE. Not so where a Bearer field stands beside them, which no stranger's page can make
 * a browser send.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/key_hash.h"
#include "base/buf.h"
#include "base/words.h"
#include "outbound/http.h"

struct bytes;

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

#endif
