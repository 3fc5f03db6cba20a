/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

static const char *pack(char **at, const char *text)
{
    const size_t size = size_of(text);
    char *to = *at;

    memcpy(to, text ? text : "", size);
    *at += size;
    return to;
}

struct sse_user *sse_user_new(const char *id, const char *name, const char *access_token,
                              const char *tenant_id, const json_t *extra)
{
    char *further =
        json_object_size(extra) > 0 ? json_dumps(extra, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const size_t size =
        size_of(id) + size_of(name) + size_of(access_token) + size_of(tenant_id) + size_of(further);
    struct sse_user *user = mem_alloc(sizeof(*user) + size);
    char *at = user->storage;

    user->refs = 1;
    user->id = pack(&at, id);
    user->name = pack(&at, name);
    user->access_token = pack(&at, access_token);
    user->tenant_id = pack(&at, tenant_id);
    user->extra = further ? pack(&at, further) : NULL;
    free(further);
    return user;
}

struct sse_user *sse_user_ref(struct sse_user *user)
{
    user->refs++;
    return user;
}

struct sse_user *sse_user_unref(struct sse_user *user)
{
    if (user && --user->refs == 0)
        free(user);
    return NULL;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);

    json_object_set_new(object, key, value ? value : json_null());
}

json_t *sse_user_to_json(const struct sse_user *user)
{
    json_t *object = json_object();
    json_t *extra = user->extra ? json_loads(user->extra, 0, NULL) : NULL;

    set_text(object, "id", user->id);
    set_text(object, "name", user->name);
    set_text(object, "accessToken", user->access_token);
    set_text(object, "tenantId", user->tenant_id);
    if (extra)
        json_object_update_missing(object, extra);
    json_decref(extra);
    return object;
}
