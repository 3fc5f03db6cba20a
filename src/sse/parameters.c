/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/parameters.h"

#include <stddef.h>
#include <string.h>

#include "sse/client_info.h"

#define MEMBER(member) offsetof(struct sse_client_info, member)

static const struct {
    const char *name;
    size_t offset;
} members[] = {
    {"clientId", MEMBER(client_id)},
    {"clientVersion", MEMBER(client_version)},
    {"clientInstanceId", MEMBER(client_instance_id)},
    {"clientInstanceTime", MEMBER(client_instance_time)},
    {"clientImportModuleTime", MEMBER(client_import_module_time)},
    {"locationHref", MEMBER(location_href)},
    {"screen", MEMBER(screen)},
    {"totalJSHeapSize", MEMBER(total_js_heap_size)},
    {"usedJSHeapSize", MEMBER(used_js_heap_size)},
    {"jsHeapSizeLimit", MEMBER(js_heap_size_limit)},
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static size_t member_of(const char *name)
{
    size_t i = 0;

    while (i < MEMBERS && strcmp(members[i].name, name) != 0)
        i++;
    return i;
}

bool sse_parameters_is_member(const char *name)
{
    return member_of(name) < MEMBERS;
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

static json_t *text_of(const struct sse_client_info *info, const char *name, json_t *value)
{
    const size_t member = member_of(name);
    const char *text;

    if (json_is_array(value))
        return json_incref(json_array_get(value, 0));
    if (json_is_string(value) || member == MEMBERS)
        return json_incref(value);
    memcpy(&text, (const char *)info + members[member].offset, sizeof(text));
    return json_string(text);
}

json_t *sse_parameters_all(const struct sse_client_info *info)
{
    json_t *object = stored(info);
    json_t *all = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
        json_object_set_new(all, name, text_of(info, name, value));
    json_decref(object);
    return all;
}
