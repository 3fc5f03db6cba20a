/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H
/*
 * The look at a JSON text before anything is built from it: is it within JSON_MAX_DEPTH and
 * JSON_MAX_VALUES, well-formed UTF-8, without NUL? It knows strings and brackets; the rest of the
 * grammar is the parser's.
 */
#include <stdbool.h>
#include <stddef.h>

#define JSON_MAX_DEPTH  32u
#define JSON_MAX_VALUES 10000u

struct json_scan_rules {
    bool is_wide; /* JSON_MAX_VALUES bounds each array and object, and how many of them, alone */
    const char *kept; /* NULL, or the name of members that are not looked into (base/json.h) */
    char *masked;     /* with kept, a copy of the text: in their places comes a 0 among blanks */
    char *tokens;     /* with kept, room for the text: what they hold, in order, each with a NUL */
};

/* What is wrong, and in *offset where; or NULL when the parser may have it: with kept, what is
 * masked. */
const char *json_scan(const char *text, size_t length, const struct json_scan_rules *rules,
                      size_t *offset);

/* The text that the outermost object has as its member of this name, in the beginning of a JSON
 * text, of which the rest may be missing. NULL when it is not there, is no text without escapes, or
 * does not fit into buffer. */
const char *json_scan_member(const char *text, size_t length, const char *name, char *buffer,
                             size_t size);

#endif
