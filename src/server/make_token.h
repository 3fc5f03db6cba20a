/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MAKE_TOKEN_H
#define SERVER_MAKE_TOKEN_H
/* The command make-token: an access token of a service with auth jwt, for who tries things out. */
#include <stddef.h>
#include <stdio.h>

struct config;

/* As the command line says it; NULL: not given. */
struct make_token_request {
    const char *user, *name, *tenant;
    const char *channels, *permissions; /* with commas */
    const char *expires;                /* a time from now; NULL: 1h */
    const char *key;                    /* which of tokenKeys, by id; NULL: the first that can */
    const char *key_file;               /* what to sign with, where tokenKeys has the public key */
    const char *service;                /* NULL: the first with auth jwt */
};

/* Writes one line. 0, or -EINVAL with a sentence in fault. */
int make_token(const struct config *config, const struct make_token_request *request, FILE *to,
               char *fault, size_t fault_size);

#endif
