/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_USER_H
#define SSE_USER_H
/*
 * Who opened a connection, as the auth backend said. Reference-counted within one thread.
 *
 * In a service a user is known by a key: the id; or, where users are unique within their tenant
 * only (users.unique), the tenant's id and the user's, as one text with a separator that neither
 * has. Targets and queues name users by either. Keys with a tenant are shown as two fields, never
 * whole.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define SSE_USER_KEY_SEPARATOR "\x1f" /* ASCII's own, between units */

struct sse_user {
    unsigned refs;
    bool has_number_id;       /* whoever knows the user has said its id, or its tenant's, */
    bool has_number_tenant;   /* as a number, and is told it as one */
    bool may_list;            /* the credential lets its page read who is there */
    int64_t expires_at;       /* wall ms: until when the credential holds; 0: it does not expire */
    const char *key;          /* whom the service takes for the same */
    const char *id;           /* never NULL; the end of the key */
    const char *name;         /* "" when unknown */
    const char *access_token; /* "" when there is none */
    const char *tenant_id;    /* "" when there is none */
    const char *channels;     /* patterns that the credential allows, one a line; "": none */
    int64_t lifetime_ms;      /* of the connections that it opens; 0: not said */
    const char *attributes;   /* of these, a JSON object as text; NULL when there are none */
    const char *extra;        /* further fields, a JSON object as text; NULL when there are none */
    char storage[];           /* the texts above, packed */
};

struct sse_user_fields {
    const char *id, *name, *access_token, *tenant_id, *channels; /* NULL counts as "" */
    const json_t *extra;                                         /* NULL: nothing further */
    const json_t *attributes;                                    /* an object; NULL: none */
    int64_t expires_at, lifetime_ms;
    bool is_of_tenant; /* the id is unique within the tenant, not within the service */
    bool has_number_id, has_number_tenant, may_list; /* as above */
};

/* Copies everything. One reference. */
struct sse_user *sse_user_new(const struct sse_user_fields *fields);
/* The same user for another thread. One reference. */
struct sse_user *sse_user_copy(const struct sse_user *user);
struct sse_user *sse_user_ref(struct sse_user *user);
struct sse_user *sse_user_unref(struct sse_user *user);

/* Whether the key is this user's. One with a tenant names a user whose own key has none, too: that
 * of this id, in that tenant alone. */
bool sse_user_is(const struct sse_user *user, const char *key);

/* {"id","name","accessToken","tenantId", ...extra} as queries show it: the token shortened beyond
 * use, further secrets masked, what is unknown null. A new reference. */
json_t *sse_user_to_json(const struct sse_user *user);

/* The same as the service's own back ends are told it: ids as they were given, numbers as numbers;
 * with has_token the whole token. */
json_t *sse_user_as_told(const struct sse_user *user, bool has_token);

/* The id, and that of the tenant (null: there is none), as they were given: a text or a number. New
 * references. */
json_t *sse_user_id_to_json(const struct sse_user *user);
json_t *sse_user_tenant_to_json(const struct sse_user *user);

/* The same with all secrets. */
json_t *sse_user_to_json_in_full(const struct sse_user *user);

/* Appends what of a token may be shown: enough to recognise it by, and not to use it. */
void sse_user_append_shortened(struct buf *to, const char *token);
/* An access token as a JSON string, shortened where the reader may not have it as a whole. */
void json_text_token(struct buf *buf, const char *token, bool is_whole);

/* ---- keys ---- */

/* "" as tenant: a user without one. The caller frees it. */
char *sse_user_key_new(const char *tenant_id, const char *id);
/* For what counts users whatever is unique: no text of one user can pass for another's. The caller
 * frees it. */
char *sse_user_key_counted(const char *tenant_id, const char *id);
/* Whether it is what sse_user_key_new() makes. */
bool sse_user_key_is(const char *key, const char *tenant_id, const char *id);

bool sse_user_key_has_tenant(const char *key);
/* The caller frees it; NULL: the key has none. */
char *sse_user_key_tenant(const char *key);
const char *sse_user_key_id(const char *key); /* lies in the key */

/* Whether a text has no control characters, as the ids of users and tenants. */
bool sse_text_is_plain(const char *text, size_t length);

/* A key as JSON: as members of an object, "userId" and, where the key has it, "tenantId"; and by
 * itself, the id as a string or an object of the two. */
void json_text_user_members(struct buf *buf, const char *key);
void json_text_user(struct buf *buf, const char *key);

#endif
