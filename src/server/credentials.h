/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CREDENTIALS_H
#define SERVER_CREDENTIALS_H
/* The commands make-key, make-token and check-token: credentials for who tries things out, and what
 * the server would say to one. */
#include <stdio.h>

struct config;
struct config_fault;

/* Writes a fresh key for a back end, and the hash of it for the settings. 0, or a negative errno
 * with *fault. */
int make_key(FILE *to, struct config_fault *fault);

/* The same for the key in the first line of from, of which only the hash is written. -EINVAL: no
 * key can look like that. */
int make_key_hash(FILE *from, FILE *to, struct config_fault *fault);

/* As the command line says it; NULL: not given. */
struct make_token_request {
    const char *user, *name, *tenant;
    const char *channels, *permissions; /* with commas */
    const char *expires;                /* a time from now; NULL: 1h */
    const char *key;                    /* which of tokenKeys, by id; NULL: the first that can */
    const char *key_file;               /* what to sign with, where tokenKeys has the public key */
    const char *service;                /* NULL: the first with auth jwt */
};

/* Writes one line: an access token of a service with auth jwt. 0, or -EINVAL with *fault. */
int make_token(const struct config *config, const struct make_token_request *request, FILE *to,
               struct config_fault *fault);

/* token: "-" is the first line of from. service: NULL is the first with auth jwt. */
struct check_token_request {
    const char *token, *service;
    FILE *from;
};

/* Writes what that service would say to the token. 0; -EACCES when it is not good, and *fault is
 * what a client would be told; or another negative errno with a sentence of its own. */
int check_token(const struct config *config, const struct check_token_request *request, FILE *to,
                struct config_fault *fault);

#endif
