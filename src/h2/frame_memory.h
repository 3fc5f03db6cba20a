/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_FRAME_MEMORY_H
#define H2_FRAME_MEMORY_H
/*
 * nghttp2 gives every session a 16 KiB buffer in which it serialises one frame at a time. All
 * sessions of a thread share one here: a session is always flushed to the end before another
 * begins (h2/flush.c), so that nothing in the buffer outlives a flush. That leans on nghttp2's
 * inside (the first chunk of its frame buffer is the only large allocation of a new session and is
 * freed as it was allocated). The server tries that at its start (h2/frame_check.h), and without
 * h2_frame_memory_share() every session has its own.
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

struct h2_frame_memory;

struct h2_frame_memory *h2_frame_memory_new(void); /* not shared yet */
void h2_frame_memory_free(struct h2_frame_memory *memory);

/* The sessions that begin from now on share. */
void h2_frame_memory_share(struct h2_frame_memory *memory);
bool h2_frame_memory_is_shared(const struct h2_frame_memory *memory);

/* A server session whose frame buffer is the shared one, if there is one. As
 * nghttp2_session_server_new3. */
int h2_frame_memory_session(struct h2_frame_memory *memory, nghttp2_session **session,
                            const nghttp2_session_callbacks *callbacks, void *user_data,
                            const nghttp2_option *option);

/* Sessions whose buffer is shared now; for the tests of the assumption. */
size_t h2_frame_memory_users(const struct h2_frame_memory *memory);

#endif
