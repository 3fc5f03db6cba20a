/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/client_info.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/intern.h"

#define FIELD(name) offsetof(struct sse_client_info, name)

/* What a browser, or a page, says alike on all its connections. */
static const size_t shared_fields[] = {
    FIELD(client_version), FIELD(screen),       FIELD(js_heap_size_limit), FIELD(request_domain),
    FIELD(user_agent),     FIELD(http_headers), FIELD(request_tls),
};

static const size_t own_fields[] = {
    FIELD(client_id),
    FIELD(client_instance_id),
    FIELD(client_instance_time),
    FIELD(client_import_module_time),
    FIELD(location_href),
    FIELD(total_js_heap_size),
    FIELD(used_js_heap_size),
    FIELD(request_ip),
    FIELD(http_parameters),
};

#define SHARED (sizeof(shared_fields) / sizeof(shared_fields[0]))
#define OWN    (sizeof(own_fields) / sizeof(own_fields[0]))

struct sse_packed_info {
    const char *shared[SHARED];
    char own[]; /* one NUL-terminated text behind the other */
};

static const char *field(const struct sse_client_info *info, size_t offset)
{
    const char *text = *(const char *const *)(const void *)((const char *)info + offset);

    return text ? text : "";
}

static void set_field(struct sse_client_info *info, size_t offset, const char *text)
{
    *(const char **)(void *)((char *)info + offset) = text;
}

struct sse_packed_info *sse_client_info_pack(const struct sse_client_info *info,
                                             struct sse_intern *intern)
{
    struct sse_packed_info *packed;
    size_t size = 0;
    char *at;

    for (size_t i = 0; i < OWN; i++)
        size += strlen(field(info, own_fields[i])) + 1;
    packed = mem_alloc(sizeof(*packed) + size);
    at = packed->own;
    for (size_t i = 0; i < OWN; i++)
        at = stpcpy(at, field(info, own_fields[i])) + 1;
    for (size_t i = 0; i < SHARED; i++)
        packed->shared[i] = sse_intern_take(intern, field(info, shared_fields[i]));
    return packed;
}

void sse_client_info_unpack(const struct sse_packed_info *packed, struct sse_client_info *info)
{
    const char *at = packed->own;

    for (size_t i = 0; i < OWN; i++) {
        set_field(info, own_fields[i], at);
        at += strlen(at) + 1;
    }
    for (size_t i = 0; i < SHARED; i++)
        set_field(info, shared_fields[i], packed->shared[i]);
}

void sse_client_info_free(struct sse_packed_info *packed, struct sse_intern *intern)
{
    if (!packed)
        return;
    for (size_t i = 0; i < SHARED; i++)
        sse_intern_drop(intern, packed->shared[i]);
    free(packed);
}
