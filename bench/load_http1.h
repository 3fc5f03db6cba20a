/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_HTTP1_H
#define LOAD_HTTP1_H
/*
 * The same half for event streams by HTTP/1.1: one request without a body, whose answer is chunked
 * and does not end. Does no I/O.
 */
#include <nghttp2/nghttp2.h>
#include <stddef.h>

struct load_call;
struct load_connection;

/* How far the answer has been read. Zero-filled: its status line is next. */
struct load_http1 {
    enum { LOAD_HEAD, LOAD_SIZE, LOAD_CHUNK, LOAD_CHUNK_END } phase;
    size_t left;     /* of the chunk, or of the CR LF behind it */
    unsigned ends;   /* octets of the CR LF CR LF that end the head */
    unsigned octets; /* of the status line, as far as the status */
    int status;
};

/* As load_http_submit() and load_http_receive(). */
void load_http1_submit(struct load_connection *connection, struct load_call *call,
                       const nghttp2_nv *fields, size_t count);
const char *load_http1_receive(struct load_connection *connection, const char *data, size_t length);

#endif
