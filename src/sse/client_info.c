/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/client_info.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"

#define FIELD(name) offsetof(struct sse_client_info, name)

static const struct {
    size_t offset;
    const char *parameter; /* what it is called in the query; NULL: it is not there */
} fields[] = {
    /* What a browser, or a page, says alike on all its connections. */
    {FIELD(client_version), "clientVersion"},
    {FIELD(screen), "screen"},
    {FIELD(js_heap_size_limit), "jsHeapSizeLimit"},
    {FIELD(request_domain), NULL},
    {FIELD(user_agent), NULL},
    {FIELD(http_headers), NULL},
    {FIELD(request_tls), NULL},
#define SHARED 7u
    {FIELD(client_id), "clientId"},
    {FIELD(client_instance_id), "clientInstanceId"},
    {FIELD(client_instance_time), "clientInstanceTime"},
    {FIELD(client_import_module_time), "clientImportModuleTime"},
    {FIELD(location_href), "locationHref"},
    {FIELD(total_js_heap_size), "totalJSHeapSize"},
    {FIELD(used_js_heap_size), "usedJSHeapSize"},
    {FIELD(request_ip), NULL},
    {FIELD(http_parameters), NULL},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct sse_packed_info {
    const char *shared[SHARED];
    char own[]; /* one NUL-terminated text behind the other */
};

static const char **field_of(const struct sse_client_info *info, size_t i)
{
    return (const char **)(uintptr_t)((const char *)info + fields[i].offset);
}

static const char *text_of(const struct sse_client_info *info, size_t i)
{
    const char *text = *field_of(info, i);

    return text ? text : "";
}

/* ---- texts that many have in common ---- */

struct entry {
    struct table_node node;
    unsigned refs;
    char text[];
};

struct sse_intern {
    struct table table;
};

struct sse_intern *sse_intern_new(void)
{
    struct sse_intern *intern = mem_zalloc(sizeof(*intern));

    table_init(&intern->table, TABLE_BY_TEXT(struct entry, node, text));
    return intern;
}

void sse_intern_free(struct sse_intern *intern)
{
    if (!intern)
        return;
    assert(intern->table.count == 0);
    table_release(&intern->table);
    free(intern);
}

/* The one copy of this text, good until as many drops as there were takes. "" costs nothing. */
static const char *take(struct sse_intern *intern, const char *text)
{
    struct entry *entry;

    if (text[0] == '\0')
        return "";
    entry = table_find(&intern->table, text);
    if (!entry)
        entry = table_new_item(&intern->table, text);
    entry->refs++;
    return entry->text;
}

static void drop(struct sse_intern *intern, const char *text)
{
    struct entry *entry;

    if (text[0] == '\0')
        return;
    entry = container_of((uintptr_t)text, struct entry, text);
    if (--entry->refs > 0)
        return;
    table_remove(&intern->table, &entry->node);
    free(entry);
}

/* ---- packing ---- */

struct sse_packed_info *sse_client_info_pack(const struct sse_client_info *info,
                                             struct sse_intern *intern)
{
    struct sse_packed_info *packed;
    size_t size = 0;
    char *at;

    for (size_t i = SHARED; i < FIELDS; i++)
        size += strlen(text_of(info, i)) + 1;
    packed = mem_alloc(sizeof(*packed) + size);
    at = packed->own;
    for (size_t i = SHARED; i < FIELDS; i++)
        at = stpcpy(at, text_of(info, i)) + 1;
    for (size_t i = 0; i < SHARED; i++)
        packed->shared[i] = take(intern, text_of(info, i));
    return packed;
}

void sse_client_info_unpack(const struct sse_packed_info *packed, struct sse_client_info *info)
{
    const char *at = packed->own;

    for (size_t i = 0; i < SHARED; i++)
        *field_of(info, i) = packed->shared[i];
    for (size_t i = SHARED; i < FIELDS; i++) {
        *field_of(info, i) = at;
        at += strlen(at) + 1;
    }
}

void sse_client_info_free(struct sse_packed_info *packed, struct sse_intern *intern)
{
    if (!packed)
        return;
    for (size_t i = 0; i < SHARED; i++)
        drop(intern, packed->shared[i]);
    free(packed);
}

/* ---- the query ---- */

/* FIELDS: none has that name. */
static size_t find_parameter(const char *name)
{
    size_t i = 0;

    while (i < FIELDS && (!fields[i].parameter || strcmp(fields[i].parameter, name) != 0))
        i++;
    return i;
}

bool sse_parameters_is_member(const char *name)
{
    return find_parameter(name) < FIELDS;
}

static json_t *stored(const struct sse_client_info *info)
{
    json_t *object = json_loads(info->http_parameters, 0, NULL);

    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_object();
}

json_t *sse_parameters_own(const struct sse_client_info *info)
{
    json_t *object = stored(info);
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, name, value)
    {
        if (!json_is_string(value))
            (void)json_object_del(object, name);
    }
    return object;
}

static json_t *whole_value(const struct sse_client_info *info, const char *name, json_t *value)
{
    const size_t i = find_parameter(name);

    if (json_is_array(value))
        return json_incref(json_array_get(value, 0));
    return json_is_string(value) || i == FIELDS ? json_incref(value)
                                                : json_string(*field_of(info, i));
}

json_t *sse_parameters_all(const struct sse_client_info *info)
{
    json_t *object = stored(info);
    json_t *all = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
        json_object_set_new(all, name, whole_value(info, name, value));
    json_decref(object);
    return all;
}
