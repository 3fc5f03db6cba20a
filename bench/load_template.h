/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_TEMPLATE_H
#define LOAD_TEMPLATE_H
/*
 * Paths and bodies with placeholders: {i} connection, {s} stream within it, {n} stream over all,
 * {t} the stream that a message is for, {payload}. Other braces stand for themselves, so that JSON
 * can be written as it is.
 */
#include <stddef.h>
#include <stdint.h>

struct buf;

struct load_values {
    uint32_t connection;
    uint32_t stream;
    uint32_t number;
    uint32_t target;
    const char *payload;
    size_t payload_length;
};

/* Appends the text to *to. */
void load_template_expand(const char *text, const struct load_values *values, struct buf *to);

#endif
