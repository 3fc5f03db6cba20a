/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_AUTHORITIES_H
#define OUTBOUND_AUTHORITIES_H
/*
 * The certificate authorities of back ends, parsed once for all workers when the first request by
 * https is made: parsing takes as long as some hundred turns of a loop. (libcurl would read them
 * in a loop, in each worker and again each day.) Shared by threads, and counted.
 */
#include <stdbool.h>

struct outbound_authorities;
struct x509_store_st; /* OpenSSL's X509_STORE */

/* file: NULL or "": the system's, if that is one. */
struct outbound_authorities *outbound_authorities_new(const char *file);
struct outbound_authorities *outbound_authorities_ref(struct outbound_authorities *authorities);
void outbound_authorities_unref(struct outbound_authorities *authorities); /* accepts NULL */

/* Waits until they are read, and reads them unless another thread does. libcurl is loaded. */
void outbound_authorities_read(struct outbound_authorities *authorities);
bool outbound_authorities_are_read(struct outbound_authorities *authorities);
/* NULL: they are not, since no TLS is needed, or could not be; then it is left to libcurl, which
 * tells each request so. Borrowed. Accepts NULL. */
struct x509_store_st *outbound_authorities_store(struct outbound_authorities *authorities);

#endif
