/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_INTERN_H
#define SSE_INTERN_H
/*
 * Texts that many connections have in common (the browser's name, its header fields), each held
 * once and counted. One per service and worker; not for other threads.
 */
#include <stddef.h>

struct sse_intern;

struct sse_intern *sse_intern_new(void);
void sse_intern_free(struct sse_intern *intern); /* every text must have been dropped */

/* The one copy of this text, good until as many drops as there were takes. "" costs nothing. */
const char *sse_intern_take(struct sse_intern *intern, const char *text);
void sse_intern_drop(struct sse_intern *intern, const char *text);

size_t sse_intern_count(const struct sse_intern *intern); /* different texts */

#endif
