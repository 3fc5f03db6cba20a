/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_EVENT_H
#define LOAD_EVENT_H
/*
 * The payload of a measured event, and how a stream finds it again. A payload is a stamp (who sent
 * it, to whom, its number, when), filled up with 'x' to the wanted size: fit for JSON as it is. The
 * scanner takes a stream's bytes in pieces of any length, copies nothing but a stamp that is cut in
 * two, and checks every byte from the stamp to the blank line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_STAMP_LENGTH 40u
#define LOAD_EVERYONE     UINT32_MAX /* the target of a broadcast */

struct load_stamp {
    uint64_t sent; /* load_now() */
    uint32_t target;
    uint32_t number; /* from 0, per publisher and target */
    uint8_t phase;
    uint8_t publisher;
};

void load_stamp_write(const struct load_stamp *stamp, char to[LOAD_STAMP_LENGTH]);
bool load_stamp_read(struct load_stamp *stamp, const char from[LOAD_STAMP_LENGTH]);

enum load_scan_state { LOAD_SCAN_SEEK, LOAD_SCAN_STAMP, LOAD_SCAN_PADDING, LOAD_SCAN_END };

/* Zero-filled is at the start of a stream. */
struct load_scanner {
    char stamp[LOAD_STAMP_LENGTH];
    uint32_t padding; /* bytes of it still to come */
    uint8_t have;     /* bytes of the stamp */
    uint8_t state;    /* enum load_scan_state */
    bool newline;     /* the latest byte was one */
    bool damaged;
};

struct load_scan_handler {
    /* damaged: something between the stamp and the blank line was not what was sent. */
    void (*on_event)(void *context, const struct load_stamp *stamp, bool damaged);
    void *context;
    uint32_t payload; /* bytes of each, LOAD_STAMP_LENGTH at least */
};

void load_scan(struct load_scanner *scanner, const struct load_scan_handler *handler,
               const char *data, size_t length);

/* Which numbers of one publisher a stream has had; tells late ones from repeated ones as far as 64
 * numbers back, what is older counts as repeated. Zero-filled: none. */
struct load_sequence {
    uint64_t seen; /* bit i: next - 1 - i has come */
    uint32_t next;
};

enum load_order { LOAD_IN_ORDER, LOAD_DISORDERED, LOAD_DUPLICATED };

enum load_order load_sequence_take(struct load_sequence *sequence, uint32_t number);

#endif
