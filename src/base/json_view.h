/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_VIEW_H
#define BASE_JSON_VIEW_H
/*
 * A JSON value as somebody looks at it, wherever it lies: in a tree, or in the text of an object
 * that is written plainly, of which no tree is built then. Views point into what they were made of.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_view_kind {
    JSON_VIEW_NONE, /* it is not there */
    JSON_VIEW_TEXT,
    JSON_VIEW_INTEGER,
    JSON_VIEW_FALSE,
    JSON_VIEW_TRUE,
    JSON_VIEW_ARRAY,
    JSON_VIEW_OTHER
};

struct json_view {
    enum json_view_kind kind;
    const char *text; /* of a text, without a NUL; of an array in a text: its next value */
    size_t length;
    int64_t integer;
    size_t count;       /* of an array: values */
    const json_t *tree; /* an array in a tree, and which of its values comes next */
    size_t next;
};

/* NULL: it is not there. */
struct json_view json_view_of(const json_t *value);
/* The array's next value, of which there is one. */
struct json_view json_view_next(struct json_view *array);

static inline bool json_view_is_there(const struct json_view *view)
{
    return view->kind != JSON_VIEW_NONE;
}

/* ---- an object in a text ---- */

struct json_view_text {
    const char *text;
    size_t length, at;
};

struct json_view_members {
    /* The place of a member's view, below 32; -1: there is no such member. */
    int (*find)(const char *name, size_t length);
    int kept; /* the one that is somebody's own: its tokens are its text, as they are written */
};

/* Whether this comes next, behind white space; then it is taken. */
bool json_view_take(struct json_view_text *text, char mark);
/* Nothing but white space is left. */
bool json_view_is_over(struct json_view_text *text);

/* Reads the object that comes next into zero-filled views; what is null is not there. False when it
 * is not written plainly: it has members that are not known or come twice, escapes, numbers that
 * are no integers of 18 digits, objects, or arrays of anything but texts and integers; or it is no
 * JSON that json_parse_by() takes, with is_wide and that kept. */
bool json_view_object(struct json_view_text *text, const struct json_view_members *members,
                      struct json_view *views);

/* The text that the outermost object has as its member of this name, in the beginning of a JSON
 * text, of which the rest may be missing. NULL when it is not there or behind what is no JSON, is
 * no text without escapes, or does not fit into buffer. */
const char *json_view_member(const char *text, size_t length, const char *name, char *buffer,
                             size_t size);

#endif
