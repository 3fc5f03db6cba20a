/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_WIRE_BIO_H
#define H2_WIRE_BIO_H
/* OpenSSL's end of a wire: reads what was received, writes to what will be sent. Never blocks and
 * never fails to write, so that SSL_write needs no retry. */
#include <openssl/bio.h>

struct buf;
struct h2_wire;

/* NULL when OpenSSL has no memory. The wire must outlive it. */
BIO *h2_wire_bio_new(struct h2_wire *wire);

/* Where output goes now: behind what the socket did not take, else into the shared buffer. */
struct buf *h2_wire_outlet(struct h2_wire *wire);

#endif
