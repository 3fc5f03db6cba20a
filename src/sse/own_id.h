/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_OWN_ID_H
#define SSE_OWN_ID_H
/*
 * The ids that the server makes for events: "<epoch>-<number>" names a message, "<epoch>-q<number>"
 * one that is stored, "<epoch>-p<number>" a position in a service's log; numbers in hex. An epoch
 * is 64 random bits. Messages bear that of the process, which is drawn once: ids of an earlier life
 * are never made again, and are recognised. Positions bear their log's (sse/log.h). Pages look at
 * the letter too (js/src/acknowledgements.js).
 */
#include <stdbool.h>
#include <stdint.h>

#define SSE_OWN_ID_SIZE 40u
#define SSE_EPOCH_BYTES 8u
#define SSE_EPOCH_SIZE  (2 * SSE_EPOCH_BYTES + 1) /* as text, with its NUL */

enum sse_own_id_kind {
    SSE_OWN_ID_NONE,
    SSE_OWN_ID_MESSAGE,
    SSE_OWN_ID_STORED,
    SSE_OWN_ID_POSITION,
    SSE_OWN_ID_KINDS
};

struct sse_own_id {
    enum sse_own_id_kind kind; /* none: a sender has made it, or nobody */
    bool is_of_this_life;      /* it bears the epoch of the process */
    uint64_t number;
};

/* Any thread. kind is not SSE_OWN_ID_NONE. */
void sse_own_id_write_of(char id[SSE_OWN_ID_SIZE], const char *epoch, enum sse_own_id_kind kind,
                         uint64_t number);
/* With the epoch of the process. */
void sse_own_id_write(char id[SSE_OWN_ID_SIZE], enum sse_own_id_kind kind, uint64_t number);

/* Exactly what could have been written: no upper case, no leading zeros, nothing behind it. */
struct sse_own_id sse_own_id_read(const char *id);

#endif
