/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_AUTHORITIES_H
#define OUTBOUND_AUTHORITIES_H
/*
 * The authorities that back ends are certified by, parsed once for all workers, when the first of
 * them asks by https: that takes as long as some hundred turns of a loop. (libcurl would read them
 * in a loop, anew for each worker and after each day.) Shared by threads, and counted.
 */
#include <stdbool.h>

struct authorities_reading;
struct file_readers;
struct outbound_authorities;
struct x509_store_st; /* OpenSSL's X509_STORE */

/* file: NULL or "": the system's, if that is one. */
struct outbound_authorities *outbound_authorities_new(const char *file);
struct outbound_authorities *outbound_authorities_ref(struct outbound_authorities *authorities);
void outbound_authorities_unref(struct outbound_authorities *authorities); /* accepts NULL */

/* Waits until they are read, and reads them unless another thread does. */
void outbound_authorities_read(struct outbound_authorities *authorities);
bool outbound_authorities_are_read(struct outbound_authorities *authorities);
/* Once they are. NULL: they could not be read; then it is left to libcurl, which tells each request
 * so. Borrowed. */
struct x509_store_st *outbound_authorities_store(const struct outbound_authorities *authorities);

/* Reads them in a thread; done runs later, in the client's loop, once. NULL: there is no thread. */
struct authorities_reading *outbound_authorities_start(struct outbound_authorities *authorities,
                                                       const struct file_readers *readers,
                                                       void (*done)(void *context), void *context);
/* done does not run. Accepts NULL. */
void outbound_authorities_cancel(struct authorities_reading *reading);

#endif
