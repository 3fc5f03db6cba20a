/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_EVENT_NAMES_H
#define API_EVENT_NAMES_H
/* The names of events that a page says it listens to, checked. Zero-filled is empty and valid. */
#include <jansson.h>
#include <stddef.h>

struct event_names {
    const char **names;
    size_t count;
    char *storage; /* where the names lie, when they are not lent */
};

/* Both return NULL, or a sentence that says what is wrong; then nothing is held. */

/* The strings of an array, which must live as long. */
const char *event_names_from_json(struct event_names *names, const json_t *array);
/* "a,b": spaces around a name and empty names are dropped. */
const char *event_names_from_list(struct event_names *names, const char *list);

void event_names_release(struct event_names *names);

#endif
