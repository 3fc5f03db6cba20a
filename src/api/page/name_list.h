/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NAME_LIST_H
#define API_NAME_LIST_H
/* The names of events or channels that a page says, checked. Zero-filled is empty and valid. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct h2_form;

enum name_kind { NAME_OF_EVENT, NAME_OF_CHANNEL };

struct name_list {
    const char **names;
    size_t count;
    char *storage; /* where the names lie, when they are not lent */
    /* Takes what is no name, instead of a fault. NULL: the first such is a fault. */
    void (*refuse)(void *context, enum name_kind kind, const char *name);
    void *context; /* of refuse */
};

/* Each adds names of the kind and returns NULL, or stops at the first that is none and returns a
 * sentence that says so. What they read must live as long, a text excepted. */

/* A string, or an array of strings. */
const char *name_list_add_json(struct name_list *list, enum name_kind kind, const json_t *value);
/* Every parameter of that name; empty ones are dropped. */
const char *name_list_add_form(struct name_list *list, enum name_kind kind,
                               const struct h2_form *form, const char *parameter);
/* "a,b": spaces around a name and empty names are dropped. Once per list. */
const char *name_list_add_text(struct name_list *list, enum name_kind kind, const char *text);

/* Drops those that is_kept() does not want; the order stays. */
void name_list_keep(struct name_list *list, bool (*is_kept)(void *context, const char *name),
                    void *context);

void name_list_release(struct name_list *list);

#endif
