/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CHECK_TOKEN_H
#define SERVER_CHECK_TOKEN_H
/* The command check-token: what a service with auth jwt would say to a token. */
#include <stddef.h>
#include <stdio.h>

struct config;

/* token: "-" is the first line of from. service: NULL is the first with auth jwt. Writes what the
 * token says. 0; -EACCES when the token is not good, and fault is what a client would be told; or
 * another negative errno with a sentence of its own. */
struct check_token_request {
    const char *token, *service;
    FILE *from;
};
int check_token(const struct config *config, const struct check_token_request *request, FILE *to,
                char *fault, size_t fault_size);

#endif
