/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_USER_H
#define SSE_USER_H
/* Who opened a connection, as the auth backend said. Reference-counted within one thread. */
#include <jansson.h>
#include <stdint.h>

struct buf;

struct sse_user {
    unsigned refs;
    int64_t expires_at;       /* wall ms: until when the credential holds; 0: it does not expire */
    const char *id;           /* never NULL */
    const char *name;         /* "" when unknown */
    const char *access_token; /* "" when there is none */
    const char *tenant_id;    /* "" when there is none */
    const char *channels;     /* patterns that the credential allows, one a line; "": none */
    const char *extra;        /* further fields, a JSON object as text; NULL when there are none */
    char storage[];           /* the texts above, packed */
};

struct sse_user_fields {
    const char *id, *name, *access_token, *tenant_id, *channels; /* NULL counts as "" */
    const json_t *extra;                                         /* NULL: nothing further */
    int64_t expires_at;
};

/* Copies everything. One reference. */
struct sse_user *sse_user_new(const struct sse_user_fields *fields);
/* The same user for another thread. One reference. */
struct sse_user *sse_user_copy(const struct sse_user *user);
struct sse_user *sse_user_ref(struct sse_user *user);
struct sse_user *sse_user_unref(struct sse_user *user);

/* {"id","name","accessToken","tenantId", ...extra} as queries show it: the token shortened beyond
 * use, further secrets masked, what is unknown null. A new reference. */
json_t *sse_user_to_json(const struct sse_user *user);

/* The same with all secrets. */
json_t *sse_user_to_json_in_full(const struct sse_user *user);

/* Appends what of a token may be shown: enough to recognise it by, and not to use it. */
void sse_user_append_shortened(struct buf *to, const char *token);

#endif
