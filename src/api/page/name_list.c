/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/name_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "h2/form.h"
#include "sse/channel_pattern.h"
#include "sse/event.h"

static bool is_event_name(const char *name)
{
    return name[0] != '\0' && sse_event_check_field(name, strlen(name), SSE_EVENT_MAX_NAME) == 0;
}

static const struct {
    bool (*is_name)(const char *name);
    const char *fault;
} kinds[] = {
    [NAME_OF_EVENT] = {is_event_name, "a listener must be the name of an event: a text of 1 to 128 "
                                      "bytes without line breaks"},
    [NAME_OF_CHANNEL] = {sse_channel_is_name, "the name of a channel must be a text of 1 to 128 "
                                              "bytes without control characters"},
};

/* name: NULL, when there should be one. */
static const char *add(struct name_list *list, enum name_kind kind, const char *name)
{
    if (!name || !kinds[kind].is_name(name)) {
        if (!name || !list->refuse)
            return kinds[kind].fault;
        list->refuse(list->context, kind, name);
        return NULL;
    }
    /* Twice as much whenever the count is a power of two. */
    if ((list->count & (list->count - 1)) == 0)
        list->names =
            mem_realloc(list->names, (list->count > 0 ? 2 * list->count : 1) * sizeof(char *));
    list->names[list->count++] = name;
    return NULL;
}

const char *name_list_add_json(struct name_list *list, enum name_kind kind, const json_t *value)
{
    const size_t count = json_array_size(value);
    const char *fault = NULL;

    if (!json_is_array(value))
        return add(list, kind, json_string_value(value));
    for (size_t i = 0; i < count && !fault; i++)
        fault = add(list, kind, json_string_value(json_array_get(value, i)));
    return fault;
}

const char *name_list_add_form(struct name_list *list, enum name_kind kind,
                               const struct h2_form *form, const char *parameter)
{
    const char *fault = NULL;

    for (size_t i = 0; i < form->count && !fault; i++) {
        const struct h2_form_field *field = &form->fields[i];

        if (strcmp(field->name, parameter) == 0 && field->value[0] != '\0')
            fault = add(list, kind, field->value);
    }
    return fault;
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

const char *name_list_add_text(struct name_list *list, enum name_kind kind, const char *text)
{
    const char *fault = NULL;
    char *rest, *part;

    list->storage = mem_strdup(text);
    rest = list->storage;
    while (!fault && (part = strsep(&rest, ","))) {
        part = trim(part);
        if (part[0] != '\0')
            fault = add(list, kind, part);
    }
    return fault;
}

void name_list_keep(struct name_list *list, bool (*is_kept)(void *context, const char *name),
                    void *context)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (is_kept(context, list->names[i]))
            list->names[kept++] = list->names[i];
    }
    list->count = kept;
}

void name_list_release(struct name_list *list)
{
    free(list->names);
    free(list->storage);
    *list = (struct name_list){0};
}
