/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CERTIFICATE_H
#define SERVER_CERTIFICATE_H
/*
 * The development certificate: self-signed, ECDSA P-256, for localhost and 90 days. Browsers warn
 * of it until somebody trusts it; it says who the server is to nobody else.
 */
#include <stddef.h>

struct config_fault;

#define CERTIFICATE_MAX_NAMES     32u
#define CERTIFICATE_RENEW_SECONDS (7L * 24 * 3600) /* before its end it is made anew */

/* Paths of the PEM files. */
struct certificate_files {
    char *certificate; /* DIRECTORY/development-cert.pem */
    char *key;         /* DIRECTORY/development-key.pem, mode 0600 */
};

/* Makes a new pair in directory (which is made too when it is missing), for localhost, 127.0.0.1,
 * ::1 and the names given (DNS names or addresses). The files appear whole or not at all. 0, or a
 * negative errno with *fault; then *files holds nothing. */
int certificate_make(struct certificate_files *files, const char *directory,
                     const char *const *names, size_t count, struct config_fault *fault);

/* The same, but keeps the pair that is there while it can be read, belongs together and is good for
 * another seven days. */
int certificate_ensure(struct certificate_files *files, const char *directory,
                       struct config_fault *fault);

void certificate_files_release(struct certificate_files *files);

#endif
