/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
/*
 * Strict JSON on jansson: bounded depth and width, no duplicate keys, no NUL in strings, nothing
 * behind the value. What is wrong is told with line and
 * column, fit to be shown to the sender.
 */
#include <jansson.h>
#include <stddef.h>

#define JSON_MAX_DEPTH  32u
#define JSON_MAX_VALUES 10000u

struct json_fault {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in bytes */
    char message[160];
};

/* The parsed value (caller json_decref()s it), or NULL with *fault filled in. Limits are checked
 * by a scan before anything is built, so that a hostile text costs no more than its length. */
json_t *json_parse(const char *text, size_t length, struct json_fault *fault);

/* Removes the members of an object, or of each object of an array, that are null, save the one
 * named kept (NULL: none): serializers write null for what is absent. */
void json_drop_nulls(json_t *value, const char *kept);

/* An id in JSON is a string or an integer; 7 and "7" name the same thing. Writes its text into
 * buffer and returns it, or NULL when the value is neither or does not fit. */
const char *json_id_text(const json_t *value, char *buffer, size_t size);

#endif
