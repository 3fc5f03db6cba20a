/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CREDENTIALS_H
#define CLI_CREDENTIALS_H
/* The commands make-key, make-token and check-token: credentials for who tries things out, and what
 * the server would say to one. */
#include <stdio.h>

#include "cli/line.h"

/* Writes a fresh key for a back end, and the hash of it for the settings. 0, or a negative errno
 * with *fault. */
int make_key(FILE *to, struct config_fault *fault);

/* The same for the key in the first line of from, of which only the hash is written. -EINVAL: no
 * key can look like that. */
int make_key_hash(FILE *from, FILE *to, struct config_fault *fault);

/* Writes one line: an access token of a service with auth jwt. 0, or -EINVAL with *fault. */
int make_token(const struct cli_line *line, const struct config *config, FILE *to,
               struct config_fault *fault);

/* Writes what the service would say to the token; "-" is the first line of from. 0; -EACCES when it
 * is not good, and *fault is what a client would be told; or another negative errno with a sentence
 * of its own. */
int check_token(const struct cli_line *line, const struct config *config, FILE *from, FILE *to,
                struct config_fault *fault);

#endif
