/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_FRAME_MEMORY_H
#define H2_FRAME_MEMORY_H
/*
 * nghttp2 gives every session a 16 KiB buffer in which it serialises one frame at a time. All
 * sessions of a thread share one here: a session is always flushed to the end before another
 * begins (h2/flush.c), so that nothing in the buffer outlives a flush. That leans on nghttp2's
 * inside (the first chunk of its frame buffer is the only large allocation of a new session and is
 * freed as it was allocated). The server tries that at its start (h2_frame_check), and without
 * is_shared every session has its own.
 *
 * They also share the table of the header fields that they have sent. It has room for 128 in any
 * session, and none is ever put into it, since ours remember none (the option
 * max_deflate_dynamic_table_size is 0).
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

struct h2_frame_memory {
    nghttp2_mem functions;
    char *shared;
    void **table;     /* of fields; stays empty */
    size_t users;     /* sessions whose buffer is shared now */
    size_t tables;    /* and those whose table is */
    bool is_shared;   /* sessions that begin from now on share */
    bool makes_frame; /* within nghttp2_session_server_new3, before its buffer was asked for */
    bool makes_table; /* and before its table was */
};

struct h2_frame_memory *h2_frame_memory_new(void); /* not shared yet */
void h2_frame_memory_free(struct h2_frame_memory *memory);

/* A server session whose frame buffer and table are the shared ones, if there are. As
 * nghttp2_session_server_new3; the option says that it remembers no fields. */
int h2_frame_memory_session(struct h2_frame_memory *memory, nghttp2_session **session,
                            const nghttp2_session_callbacks *callbacks, void *user_data,
                            const nghttp2_option *option);

/* What a session of HTTP/2 takes more when it has a frame buffer of its own. */
#define H2_FRAME_BUFFER_KIB 16

/* Whether the nghttp2 of this process allows the sharing: it may be another version than the one
 * that the server was built and tested with. Two sessions that share a buffer take turns, beside
 * two that do not and are told the same: the same bytes must come out. NULL: sessions may share;
 * else a text of what nghttp2 does otherwise. About a millisecond; at the start of the process. */
const char *h2_frame_check(void);

#endif
