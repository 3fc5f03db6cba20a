/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TLS_H
#define H2_TLS_H
/*
 * TLS for HTTP: versions 1.2 and 1.3, Mozilla's intermediate suites without DHE, ALPN "h2" (and
 * "http/1.1" where that is spoken) or the alert no_application_protocol (RFC 7301 3.2), one session
 * ticket (h2_tickets), no renegotiation, no compression, no early data. One context serves all
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
struct h2_tls_names;
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

/* The end of one of its certificates, in seconds since 1970. */
time_t h2_tls_context_end(const struct h2_tls_context *context, size_t index);
/* One of them, borrowed, and the names that it is for. */
const X509 *h2_tls_context_certificate(const struct h2_tls_context *context, size_t index);
const struct h2_tls_names *h2_tls_context_names(const struct h2_tls_context *context, size_t index);
/* Whether one of the listener's certificates is for the host. */
bool h2_tls_has_name(const SSL *ssl, const char *host);
/* What clients will object to in one: 0, or -EINVAL with a sentence. */
int h2_tls_context_warning(const struct h2_tls_context *context, size_t index, char *fault,
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

/* The keys of session tickets (RFC 5077, RFC 8446 4.6.1): one set for all workers, so that a client
 * resumes with any of them, and beyond a change of certificates. Either made here, in memory only:
 * a new one every 12 hours, and a ticket is good for 24; or read from a file, which a restart and
 * other nodes share, and which whoever keeps it rotates. Counted; any thread. */
#define H2_TICKET_SECONDS      (24L * 3600)
#define H2_TICKET_KEY_SECONDS  (12L * 3600)
#define H2_TICKET_KEYS         3u  /* of these that are made here: what the oldest ticket needs */
#define H2_TICKET_KEYS_IN_FILE 16u /* at most */

struct h2_tickets *h2_tickets_new(void);
/* Keys behind each other, as nginx has them in a file each: all of 80 octets (a name of 16, 32 for
 * HMAC, 32 for AES-256), or all of 48 (a name, 16 for AES-128, 16 for HMAC). The first encrypts.
 * NULL with a sentence that names the file. */
struct h2_tickets *h2_tickets_read(const char *file, char *fault, size_t fault_size);
struct h2_tickets *h2_tickets_ref(struct h2_tickets *tickets);
void h2_tickets_unref(struct h2_tickets *tickets); /* accepts NULL */

/* Readies one ticket to be encrypted, or decrypted: what SSL_CTX_set_tlsext_ticket_key_evp_cb()
 * asks for, and answers. */
int h2_tickets_ready(struct h2_tickets *tickets, unsigned char name[16], unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts);

#endif
