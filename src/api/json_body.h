/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_JSON_BODY_H
#define API_JSON_BODY_H
/* The JSON that a request brought, and what is usually wrong with it. */
#include <jansson.h>

struct api_exchange;

/* The parsed body, a new reference; or NULL: then it has answered 400 with line and column. */
json_t *api_json_body(struct api_exchange *exchange);

/* The same for what must be an object: else it has answered 422. */
json_t *api_json_body_object(struct api_exchange *exchange);

/* The same for an object whose members we define: those that are null are not there. */
json_t *api_json_body_members(struct api_exchange *exchange);

/* The text of an optional member; NULL when it is missing, null, empty or no text. */
const char *api_json_member_text(const json_t *object, const char *name);

#endif
