/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_JSON_BODY_H
#define API_JSON_BODY_H
/* The JSON that a request brought, and what is usually wrong with it. */
#include <jansson.h>

struct api_exchange;
struct json_rules;

/* The parsed body, a new reference; or NULL: then it has answered 400 with line and column. Members
 * of objects whose members we define are not there when they are null. */
json_t *api_json_body(struct api_exchange *exchange, const struct json_rules *rules);

/* The same for what must be an object: else it has answered 422. */
json_t *api_json_body_members(struct api_exchange *exchange);

/* The body, which must be an object, token by token as its sender wrote it (base/json_raw.h); the
 * caller frees it. NULL: it has answered. */
char *api_json_body_raw(struct api_exchange *exchange);

/* The text of an optional member; NULL when it is missing, null, empty or no text. */
const char *api_json_member_text(const json_t *object, const char *name);

#endif
