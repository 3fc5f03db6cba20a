/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_MEMORY_H
#define SERVER_TLS_MEMORY_H
/*
 * Where OpenSSL gets its memory from. It takes a buffer for each record that it reads or writes,
 * and gives it back (SSL_MODE_RELEASE_BUFFERS). To glibc that is a large block, for whose sake it
 * joins all the small ones that it has kept for the next request: so each thread keeps one buffer
 * for its next record.
 */

/* Before OpenSSL is used: else it keeps what it has. */
void tls_memory_begin(void);

#endif
