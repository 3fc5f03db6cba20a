/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_JSON_BODY_H
#define API_JSON_BODY_H
/* The JSON that a request brought, and what is usually wrong with it. */
#include <jansson.h>
#include <stdbool.h>

struct api_exchange;
struct body_kind;
struct body_reading;

/* An object whose members its handler asks for; those that are null are not there. */
extern const struct body_kind api_json_members;
/* An object, token by token as its sender wrote it (base/json_raw.h). */
extern const struct body_kind api_json_raw;

/* A new reference to the members; or NULL: then it has answered 400 with line and column, or 422
 * what is no object. */
json_t *api_json_body_members(struct api_exchange *exchange);

/* The tokens, which the caller frees; of null those of an empty object. NULL when there is no body.
 * False: it has answered. */
bool api_json_body_raw(struct api_exchange *exchange, char **raw);

/* Answers for a body that is empty, or could not be read. */
void api_json_body_refuse(struct api_exchange *exchange, const struct body_reading *reading);
/* For one that is JSON, and no object. */
void api_json_body_refuse_other(struct api_exchange *exchange);

/* The text of an optional member; NULL when it is missing, null, empty or no text. */
const char *api_json_member_text(const json_t *object, const char *name);
/* The same of an id, which may be a whole number: then a text takes its place. */
const char *api_json_member_id(json_t *object, const char *name);

#endif
