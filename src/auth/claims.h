/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H
/* The user that a JSON object describes: how its members are read, whoever wrote it; and, of a good
 * token, which of its claims is what. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct sse_user;

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

/* What settings say: names of claims, "": no claim is that; and what a user is known by. */
struct auth_jwt_claims {
    const char *user_id;
    const char *name;
    const char *tenant_id;
    const char *channels;    /* a list of texts, or one text with blanks or commas between */
    const char *permissions; /* the same; what a back end may do */
    const char *fields;      /* words: claims that become further fields of the user */
    bool of_tenant;          /* users are unique within their tenant */
};

/* How access tokens are called by who revokes them: by jti, else by their own text. */
const char *auth_jwt_token_name(const json_t *claims, const char *token);

/* NULL when the claims name no user, or one that cannot be; then *fault is a static sentence. */
struct sse_user *auth_jwt_user_new(const json_t *claims, const struct auth_jwt_claims *names,
                                   const char *token, int64_t expires_at, const char **fault);

/* False when there is no such claim: then it is not the token of a back end. */
bool auth_jwt_permissions(const json_t *claims, const struct auth_jwt_claims *names,
                          unsigned *permissions);

#endif
