/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TLS_H
#define H2_TLS_H
/*
 * TLS for HTTP: versions 1.2 and 1.3, Mozilla's intermediate suites without DHE, ALPN "h2" (and
 * "http/1.1" where that is spoken) or the alert no_application_protocol (RFC 7301 3.2), one session
 * ticket (h2/tickets.h), no renegotiation, no compression, no early data. One context serves all
 * threads.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * What one listener shows: its certificates, all that belongs to them, and the keys of its session
 * tickets. Immutable and counted, also by the connections that it has begun: another one takes its
 * place (h2_listener_options.tls) and these keep theirs.
 */
struct h2_tls_context;
struct h2_tickets;

enum h2_tls_profile { H2_TLS_INTERMEDIATE, H2_TLS_MODERN };

/* PEM files of a chain and of its key; a DER file of an OCSP response, "" or NULL: none. */
struct h2_tls_files {
    const char *certificate, *key, *ocsp;
};

/* A client that names a host (RFC 6066 3) gets the certificate that has the name, else the first
 * that has it by a wildcard, else the first of all. For a name that both an RSA and an ECDSA
 * certificate have it gets the one that it can check. */
struct h2_tls_options {
    const struct h2_tls_files *files;
    size_t count; /* at least 1 */
    enum h2_tls_profile profile;
    struct h2_tickets *tickets; /* NULL: keys of its own */
};

/* NULL on failure; then fault says which file and why. A response that cannot be stapled is no
 * failure: h2_tls_context_hint() tells. */
struct h2_tls_context *h2_tls_context_new(const struct h2_tls_options *options, char *fault,
                                          size_t fault_size);
struct h2_tls_context *h2_tls_context_ref(struct h2_tls_context *context);
void h2_tls_context_free(struct h2_tls_context *context); /* one reference; accepts NULL */

/* Its certificates: how many, and the end of each, in seconds since 1970. */
size_t h2_tls_context_count(const struct h2_tls_context *context);
time_t h2_tls_context_end(const struct h2_tls_context *context, size_t index);
/* What clients will object to in one: 0, or -EINVAL with a sentence. */
int h2_tls_context_doubt(const struct h2_tls_context *context, size_t index, char *fault,
                         size_t fault_size);
/* Whether that certificate of another one is among its own, with the same chain. */
bool h2_tls_context_has(const struct h2_tls_context *context, const struct h2_tls_context *other,
                        size_t index);
/* What does no harm and is not meant: it is never shown, or its response is not stapled. 0, or
 * -EINVAL with a sentence. */
int h2_tls_context_hint(const struct h2_tls_context *context, size_t index, char *hint,
                        size_t hint_size);

/* Whether a request for this authority came by a wrong connection (RFC 9110 7.4, 15.5.20): the
 * client has named a host, the listener has several certificates, and that of the connection is not
 * for the authority. One for an address is not: nobody can name that. */
bool h2_tls_is_misdirected(const SSL *ssl, const char *authority);

/* The server's side of one TLS connection that reads and writes through bio, which it takes over.
 * http1: "http/1.1" is taken where the client does not offer "h2", and meant where it offers
 * nothing by ALPN. NULL when OpenSSL has no memory; then bio is still the caller's. Any thread. */
SSL *h2_tls_new(struct h2_tls_context *context, BIO *bio, bool http1);

/* Why the handshake of this thread that has just failed did. */
#define H2_TLS_FAULT_SIZE 160u
void h2_tls_fault(char fault[H2_TLS_FAULT_SIZE]);

#endif
