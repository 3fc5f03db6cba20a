/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H
/* "authorization: Bearer …" (RFC 6750). */

/* The token in the field's value, which it lies in; NULL when the field is of another scheme, or
 * holds no token, or something besides it. */
const char *auth_bearer_token(const char *authorization);

#endif
