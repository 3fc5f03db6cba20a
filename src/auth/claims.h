/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H
/* How the members of a JSON object that describes a user are read, whoever wrote it. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

#define AUTH_CLAIM_MAX_TEXT     256u /* bytes */
#define AUTH_CLAIM_MAX_CHANNELS 100u
#define AUTH_CLAIM_SIZE         (AUTH_CLAIM_MAX_TEXT + 1)

/* Whether it is without control characters, line breaks included. */
bool auth_claim_is_plain(const char *text);

/* The member, or NULL where there is none, or it is null, or its name is "". */
const json_t *auth_claim_of(const json_t *claims, const char *name);

/* A text or a whole number, as text; "" when there is no such member. False when it is something
 * else, too long, or holds a control character. */
bool auth_claim_text(const json_t *claims, const char *name, char text[AUTH_CLAIM_SIZE]);

/* Appends channels, one a line, as struct sse_user has them: of a list of texts, or of one text
 * with blanks or commas between. False when it is something else, there are too many, or one is no
 * name of a channel. NULL: there are none. */
bool auth_claim_channels(const json_t *value, struct buf *lines);

#endif
