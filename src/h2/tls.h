/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TLS_H
#define H2_TLS_H
/*
 * TLS for HTTP/2: versions 1.2 and 1.3, Mozilla's intermediate suites without DHE, ALPN "h2" or the
 * alert no_application_protocol (RFC 7301 3.2), one session ticket, no renegotiation, no
 * compression, no early data. One context serves all threads.
 */
#include <openssl/ssl.h>
#include <stddef.h>

struct h2_tls_context;

enum h2_tls_profile { H2_TLS_INTERMEDIATE, H2_TLS_MODERN };

/* Loads certificate chain and key (PEM). NULL on failure; then fault says which file and why. */
struct h2_tls_context *h2_tls_context_new(const char *certificate_file, const char *key_file,
                                          enum h2_tls_profile profile, char *fault,
                                          size_t fault_size);
/* What clients will object to in its certificates: 0, or -EINVAL with a sentence. */
int h2_tls_context_doubt(const struct h2_tls_context *context, char *fault, size_t fault_size);
void h2_tls_context_free(struct h2_tls_context *context);

/* The server's side of one TLS connection that reads and writes through bio, which it takes over.
 * NULL when OpenSSL has no memory; then bio is still the caller's. Any thread. */
SSL *h2_tls_new(struct h2_tls_context *context, BIO *bio);

/* Why the handshake of this thread that has just failed did. */
#define H2_TLS_FAULT_SIZE 160u
void h2_tls_fault(char fault[H2_TLS_FAULT_SIZE]);

#endif
