/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/bearer.h"

#include <string.h>
#include <strings.h>

const char *auth_bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    const char *token;

    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    token = authorization + sizeof(scheme) - 1;
    token += strspn(token, " ");
    /* API keys are the operator's own texts: more than RFC 6750's alphabet, but no white space. */
    if (token[0] == '\0' || strpbrk(token, " \t"))
        return NULL;
    return token;
}
