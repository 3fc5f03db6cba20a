/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_USER_KEY_H
#define SSE_USER_KEY_H
/*
 * What a user is known by in a service: the id; or, where users are unique within their tenant only
 * (users.unique), the tenant's id and the user's, as one text with a separator that neither has.
 * Targets and queues name users by either. Keys with a tenant are shown as two fields, never whole.
 */
#include <stdbool.h>

#define SSE_USER_KEY_SEPARATOR "\x1f" /* ASCII's own, between units */

/* "" as tenant: a user without one. The caller frees it. */
char *sse_user_key_new(const char *tenant_id, const char *id);

/* Whether it is what the above makes. */
bool sse_user_key_is(const char *key, const char *tenant_id, const char *id);

bool sse_user_key_has_tenant(const char *key);
/* The caller frees it; NULL: the key has none. */
char *sse_user_key_tenant(const char *key);
const char *sse_user_key_id(const char *key); /* lies in the key */

/* Whether a text can be the id of a user or a tenant: it has no control characters. */
bool sse_user_key_may_have(const char *text);

#endif
