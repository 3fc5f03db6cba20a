/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_FRAME_CHECK_H
#define H2_FRAME_CHECK_H
/*
 * Whether the nghttp2 that this process runs with does what the sharing of frame buffers leans on
 * (h2/frame_memory.h): it may be another than the one that the server was built and tested with.
 */

/* What a session of HTTP/2 takes more when it has a frame buffer of its own. */
#define H2_FRAME_BUFFER_KIB 16

/* Two sessions that share a buffer take turns, beside two that do not and are told the same: the
 * same bytes must come out. NULL: sessions may share; else a text of what nghttp2 does otherwise.
 * About a millisecond; at the start of the process. */
const char *h2_frame_check(void);

#endif
