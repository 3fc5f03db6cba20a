/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_EVENT_H
#define LOAD_EVENT_H
/*
 * The payload of a measured event, and how a stream finds it again. A payload is a stamp (who sent
 * it, to whom, its number, when), filled up with 'x' to the wanted size: fit for JSON as it is. The
 * scanner takes a stream's bytes in pieces of any length, copies nothing but a stamp, and checks
 * every byte from the stamp to the blank line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_STAMP_LENGTH 38u
#define LOAD_PADDING      'x'
#define LOAD_EVERYONE     UINT32_MAX /* the target of a broadcast */

struct load_stamp {
    uint64_t sent; /* load_now() */
    uint32_t target;
    uint32_t number; /* from 0, per publisher and target */
    uint8_t phase;
    uint8_t publisher;
};

void load_stamp_write(const struct load_stamp *stamp, char to[LOAD_STAMP_LENGTH]);

/* Zero-filled is at the start of a stream. */
struct load_scanner {
    enum { LOAD_SCAN_SEEK, LOAD_SCAN_STAMP, LOAD_SCAN_PADDING, LOAD_SCAN_END } state;
    uint32_t padding; /* bytes of it still to come */
    char stamp[LOAD_STAMP_LENGTH];
    uint8_t have; /* bytes of the stamp */
    bool newline; /* the latest byte was one */
    bool damaged; /* something between the stamp and the blank line was not what was sent */
};

/* Reads until an event ends: true, with its stamp. *data moves behind what was read. payload: bytes
 * of each, LOAD_STAMP_LENGTH at least. */
bool load_scan(struct load_scanner *scanner, uint32_t payload, const char **data, const char *end,
               struct load_stamp *stamp);

#endif
