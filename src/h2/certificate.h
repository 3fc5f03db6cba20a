/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_CERTIFICATE_H
#define H2_CERTIFICATE_H
/*
 * What belongs to a certificate: the files of its chain and its key, the names that it is for, and
 * the OCSP response that is stapled to it.
 */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Loads the files of a chain and its key. 0, or -EINVAL with a sentence that names the file and
 * says what would be right. */
int h2_certificate_load(SSL_CTX *ssl, const char *certificate_file, const char *key_file,
                        char *fault, size_t fault_size);

/* What clients will object to in a chain that was loaded: a certificate that is over or not valid
 * yet, an order that is none. 0, or -EINVAL with a sentence. */
int h2_certificate_warning(const SSL_CTX *ssl, char *fault, size_t fault_size);

/* Whether both have the same certificate, with the same chain. */
bool h2_certificate_are_same(const SSL_CTX *one, const SSL_CTX *other);

/* When a certificate starts to count, and ends, in seconds since 1970; 0 when it does not say so.
 */
time_t h2_certificate_start(const X509 *certificate);
time_t h2_certificate_end(const X509 *certificate);

/* The names: dNSName and iPAddress of its subjectAltName (RFC 6125 and 9525; the common name only
 * where it has no subjectAltName). Immutable; any thread. */
struct h2_tls_names {
    size_t count;
    char **texts; /* in lower case, addresses as inet_ntop() writes them; sorted */
};

/* How well a name is met. */
enum h2_tls_match { H2_TLS_NO_MATCH, H2_TLS_WILDCARD_MATCH, H2_TLS_EXACT_MATCH };

struct h2_tls_names h2_tls_names_of(const X509 *certificate); /* may hold none */
void h2_tls_names_release(struct h2_tls_names *names);

/* Whether they have this host: a DNS name in any case, with or without the dot of the root, or an
 * address (IPv6 with or without brackets). "*.example.org" has a.example.org, but neither
 * example.org nor a.b.example.org; an address matches addresses only. */
enum h2_tls_match h2_tls_names_match(const struct h2_tls_names *names, const char *host);

/* Whether every name of others is met by one of these, at least so well. */
bool h2_tls_names_meet(const struct h2_tls_names *names, const struct h2_tls_names *others,
                       enum h2_tls_match least);

/* The host of an :authority or Host: without port and brackets, in lower case. False when it does
 * not fit. */
#define H2_TLS_HOST_SIZE 256u
bool h2_tls_host_of(const char *authority, char host[H2_TLS_HOST_SIZE]);
/* Whether a host is an address. */
bool h2_tls_is_address(const char *host);

struct h2_ocsp;
/* An OCSP response from a file, in DER (RFC 6066 8). Nobody fetches it here: what renews it writes
 * the file. Immutable; any thread. NULL when it cannot be stapled to that certificate: a sentence
 * in fault names the file. issuer may be NULL. To be freed by free(). */
struct h2_ocsp *h2_ocsp_read(const char *file, const X509 *certificate, const X509 *issuer,
                             char *fault, size_t fault_size);

/* The response, or NULL when it is over. */
const unsigned char *h2_ocsp_get(const struct h2_ocsp *ocsp, size_t *length);

#endif
