/* SPDX-License-Identifier: Apache-2.0 */
#include "api/event_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/event.h"

static const char fault_text[] =
    "a listener must be the name of an event: a text of 1 to 128 bytes without line breaks";

static const char *check(struct event_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];

        if (name && name[0] != '\0' &&
            sse_event_check_field(name, strlen(name), SSE_EVENT_MAX_NAME) == 0)
            continue;
        event_names_release(names);
        return fault_text;
    }
    return NULL;
}

const char *event_names_from_json(struct event_names *names, const json_t *array)
{
    size_t count = json_array_size(array);

    *names = (struct event_names){.names = mem_zalloc((count + 1) * sizeof(char *))};
    for (size_t i = 0; i < count; i++)
        names->names[names->count++] = json_string_value(json_array_get(array, i));
    return check(names);
}

static size_t count_parts(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " ");
    length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

const char *event_names_from_list(struct event_names *names, const char *list)
{
    char *rest, *part;

    *names = (struct event_names){.names = mem_zalloc(count_parts(list) * sizeof(char *)),
                                  .storage = mem_strdup(list)};
    rest = names->storage;
    while ((part = strsep(&rest, ","))) {
        part = trim(part);
        if (part[0] != '\0')
            names->names[names->count++] = part;
    }
    return check(names);
}

void event_names_release(struct event_names *names)
{
    free(names->names);
    free(names->storage);
    *names = (struct event_names){NULL, 0, NULL};
}
