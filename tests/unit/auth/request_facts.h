/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_AUTH_REQUEST_FACTS_H
#define UNIT_AUTH_REQUEST_FACTS_H
/* Facts of a request that a test writes down as pairs of name and value. */
#include <string.h>

#include "auth/auth.h"

#define REQUEST_PAIRS 4

struct request {
    const char *headers[REQUEST_PAIRS][2];
    const char *cookies[REQUEST_PAIRS][2];
    const char *parameters[REQUEST_PAIRS][2];
    const char *credential;
};

static inline const char *request_find(const char *const pairs[REQUEST_PAIRS][2], const char *name)
{
    for (size_t i = 0; i < REQUEST_PAIRS && pairs[i][0]; i++) {
        if (strcmp(pairs[i][0], name) == 0)
            return pairs[i][1];
    }
    return NULL;
}

static inline const char *request_header(const void *request, const char *name)
{
    return request_find(((const struct request *)request)->headers, name);
}

static inline const char *request_cookie(const void *request, const char *name)
{
    return request_find(((const struct request *)request)->cookies, name);
}

static inline const char *request_parameter(const void *request, const char *name)
{
    return request_find(((const struct request *)request)->parameters, name);
}

/* The request must live as long. */
static inline struct auth_facts request_facts(const struct request *request)
{
    return (struct auth_facts){
        .method = "GET",
        .path = "/sse/demo/connect",
        .peer = "192.0.2.7",
        .credential = request->credential,
        .header = request_header,
        .cookie = request_cookie,
        .parameter = request_parameter,
        .request = request,
    };
}

#endif
