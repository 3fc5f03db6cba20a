/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
/*
 * Strict JSON on jansson: bounded depth and width, no duplicate keys, no NUL in strings, nothing
 * behind the value. What is wrong is told with line and column, fit to be shown to the sender.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define JSON_MAX_DEPTH  32u
#define JSON_MAX_VALUES 10000u

/* Which JSON is taken. Zero-filled: all is looked at, with JSON_MAX_VALUES values at the most. */
struct json_rules {
    bool is_wide;     /* as many as lie in JSON_MAX_VALUES arrays and objects of as many values */
    const char *kept; /* NULL, or a member of the outermost object, or of those in the outermost
                       * array, that is somebody's own: of it comes its JSON, as a string, token by
                       * token as it was written, whatever that holds (base/json_raw.h) */
};

/* jansson's memory, for the process: call it once, before anything else of jansson. What is made
 * here aborts where there is none, as base/mem.h does. What others decide the size of, which is
 * what the functions below read and write, fails by itself. */
void json_init(void);

/* For a text of the size of what others have sent; free() it. NULL: there is no memory for it. */
char *json_allocate(size_t size);

struct json_fault {
    bool is_out_of_memory; /* nothing is known to be wrong with the text */
    unsigned line;         /* from 1 */
    unsigned column;       /* from 1, in bytes */
    char message[160];
};

/* The parsed value (caller json_decref()s it), or NULL with *fault filled in. Limits are checked
 * by a scan before anything is built, so that a hostile text costs no more than its length. A byte
 * order mark is skipped (RFC 8259 8.1). */
json_t *json_parse(const char *text, size_t length, struct json_fault *fault);
json_t *json_parse_by(const struct json_rules *rules, const char *text, size_t length,
                      struct json_fault *fault);

/* Where it is in a text, for people. */
void json_fault_at(struct json_fault *fault, const char *text, size_t offset, const char *message);

/* Removes the members of an object, or of each object of an array, that are null: serializers
 * write null for what is absent. What is kept is never null here. */
void json_drop_nulls(json_t *value);

/* The value's text (caller frees it), as json_dumps(); NULL: there is no memory for it. */
char *json_write(const json_t *value, size_t flags);

/* A string; null for "". */
json_t *json_text_or_null(const char *text);
/* The number that a text is, of at most 18 digits and nothing else; else null. */
json_t *json_number_or_null(const char *text);

/* An array of these texts (base/text.h). */
json_t *json_words(const char *words);

/* An id in JSON is a string or an integer; 7 and "7" name the same thing. Writes its text into
 * buffer and returns it, or NULL when the value is neither or does not fit. */
const char *json_id_text(const json_t *value, char *buffer, size_t size);

/* ---- written as text, for answers that need no tree ---- */

/* Appends text as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD, octet by octet,
 * so that what is written is always JSON. */
void json_text_string(struct buf *buf, const char *text);
void json_text_number(struct buf *buf, uint64_t number);
/* Before an item or a member: the comma, unless it is the first. */
void json_text_next(struct buf *buf);
/* A member, and what json_text_next() does. name: plain. text NULL: null. */
void json_text_member(struct buf *buf, const char *name, const char *text);

#endif
