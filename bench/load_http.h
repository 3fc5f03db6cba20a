/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H
/*
 * The HTTP/2 half of a connection: nghttp2's client session between decrypted bytes and calls.
 * Does no I/O.
 */
#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct load_call;
struct load_connection;

int load_http_open(struct load_connection *connection); /* 0 or -ENOMEM */
int load_http_submit(struct load_connection *connection, struct load_call *call,
                     const nghttp2_nv *fields, size_t count); /* 0 or -EPIPE */

/* NULL, or why the session cannot go on (static text). */
const char *load_http_receive(struct load_connection *connection, const unsigned char *data,
                              size_t length);

/* Appends the next frames to output; how many bytes, 0 when there is nothing to send. */
size_t load_http_pull(struct load_connection *connection, struct buf *output);

/* on_close of every call that is still open. */
void load_http_end_calls(struct load_connection *connection);

#endif
