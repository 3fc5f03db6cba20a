/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_BODY_H
#define H2_BODY_H
/*
 * What has come of one request's body, in one piece. More than H2_BODY_HEAP octets lie in pages of
 * their own: among bodies of all sizes that come and go, the heap would keep half as much again in
 * holes, which no budget counts. Pages go back at once.
 */
#include <stddef.h>

#define H2_BODY_HEAP  ((size_t)16 * 1024)
#define H2_BODY_SPARE ((size_t)128 * 1024)

/* Pages that a body has left, at most H2_BODY_SPARE octets, for the next one of the thread: asking
 * the kernel for them each time costs more than what comes in them. Zero-filled is none. */
struct h2_body_spare {
    char *data;
    size_t capacity;
};

void h2_body_spare_release(struct h2_body_spare *spare);

/* Zero-filled is empty. */
struct h2_body {
    char *data; /* NULL while capacity is 0; else a NUL follows data[length - 1] */
    size_t length;
    size_t capacity;
};

/* The memory that the body takes with so many octets more, if it never has more than most in all;
 * at least length + more + 1. */
size_t h2_body_capacity(const struct h2_body *body, const struct h2_body_spare *spare, size_t more,
                        size_t most);
/* 0, or -ENOMEM: the body is as it was then. */
int h2_body_append(struct h2_body *body, struct h2_body_spare *spare, const char *data,
                   size_t length, size_t most);
/* Gives the memory back; the body is empty then. */
void h2_body_release(struct h2_body *body, struct h2_body_spare *spare);
/* The same, to the system. */
void h2_body_free(struct h2_body *body);
/* NUL-terminated, "" when empty; borrowed until the body changes. */
const char *h2_body_text(const struct h2_body *body);

#endif
