/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWT_USER_H
#define AUTH_JWT_USER_H
/* What a good token says of its bearer: which claim is what, is configured. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sse_user;

/* Names of claims, "": no claim is that; and what a user is known by. */
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
