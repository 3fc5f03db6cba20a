/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TLS_FILES_H
#define H2_TLS_FILES_H
/* The files of a certificate chain and its key: loaded, or told what is wrong with them. */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* 0, or -EINVAL with a sentence that names the file and says what would be right. */
int h2_tls_files_load(SSL_CTX *ssl, const char *certificate_file, const char *key_file, char *fault,
                      size_t fault_size);

/* What clients will object to in a chain that was loaded: a certificate that is over or not valid
 * yet, an order that is none. 0, or -EINVAL with a sentence. */
int h2_tls_files_doubt(const SSL_CTX *ssl, char *fault, size_t fault_size);

/* Whether both have the same certificate, with the same chain. */
bool h2_tls_files_are_same(const SSL_CTX *one, const SSL_CTX *other);

/* When a certificate ends, in seconds since 1970; 0 when it does not say so. */
time_t h2_tls_files_end(const X509 *certificate);

#endif
