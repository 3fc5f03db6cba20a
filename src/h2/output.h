/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_OUTPUT_H
#define H2_OUTPUT_H
/*
 * Gathers the frames of one session, of all its streams, into full TLS records. One for a thread:
 * empty between the flushes of two sessions.
 */
#include <stdint.h>

#include "base/buf.h"

struct h2_session;
struct h2_stream;

struct h2_output {
    struct buf frames;
};

/* 0, or -EPROTO when TLS is broken. */
int h2_output_append(struct h2_output *output, struct h2_session *session, const void *data,
                     size_t length);
/* A DATA frame: its header, and length octets that the stream offered. */
int h2_output_data(struct h2_output *output, struct h2_session *session, const uint8_t *header,
                   size_t length, struct h2_stream *stream);
/* Octets that the stream offered, as they are. */
int h2_output_take(struct h2_output *output, struct h2_session *session, size_t length,
                   struct h2_stream *stream);
int h2_output_finish(struct h2_output *output, struct h2_session *session);

#endif
