/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WEBHOOK_ANSWER_H
#define AUTH_WEBHOOK_ANSWER_H
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
#include <stdbool.h>
#include <stdint.h>

struct auth_result;
struct outbound_answer;

/* *result but for its source, with a reference to its data; of_tenant: users are unique within
 * their tenant; the reference to a user is the caller's. NULL, or what kept the back end from
 * telling, for the log: static. */
const char *auth_webhook_answer_read(const struct outbound_answer *answer, int64_t now_ms,
                                     bool of_tenant, struct auth_result *result);

#endif
