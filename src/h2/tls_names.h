/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TLS_NAMES_H
#define H2_TLS_NAMES_H
/*
 * The names that a certificate is for: dNSName and iPAddress of its subjectAltName (RFC 6125 and
 * 9525; the common name only where it has no subjectAltName). Immutable; any thread.
 */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

struct h2_tls_names;

/* How well a name is met. */
enum h2_tls_match { H2_TLS_NO_MATCH, H2_TLS_WILDCARD_MATCH, H2_TLS_EXACT_MATCH };

struct h2_tls_names *h2_tls_names_of(const X509 *certificate); /* may hold none */
void h2_tls_names_free(struct h2_tls_names *names);
size_t h2_tls_names_count(const struct h2_tls_names *names);
/* In lower case, addresses as inet_ntop() writes them; sorted. */
const char *h2_tls_names_at(const struct h2_tls_names *names, size_t index);

/* Whether they have this host: a DNS name in any case, with or without the dot of the root, or an
 * address (IPv6 with or without brackets). "*.example.org" has a.example.org, but neither
 * example.org nor a.b.example.org; an address matches addresses only. */
enum h2_tls_match h2_tls_names_match(const struct h2_tls_names *names, const char *host);

/* Whether every name of others is one of these, or met by one. */
bool h2_tls_names_cover(const struct h2_tls_names *names, const struct h2_tls_names *others);

/* Whether every name of others is one of these, letter by letter. */
bool h2_tls_names_include(const struct h2_tls_names *names, const struct h2_tls_names *others);

/* The host of an :authority or Host: without port and brackets, in lower case. False when it does
 * not fit. */
#define H2_TLS_HOST_SIZE 256u
bool h2_tls_host_of(const char *authority, char host[H2_TLS_HOST_SIZE]);
/* Whether a host is an address. */
bool h2_tls_is_address(const char *host);

#endif
