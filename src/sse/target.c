/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_view.h"
#include "base/mem.h"
#include "base/text.h"
#include "sse/connection_id.h"
#include "sse/user.h"

#define INTEGER_TEXT 24u /* any 64-bit integer and a NUL */

const char *const sse_dimension_keys[SSE_DIMENSIONS] = {
    [SSE_BY_USER] = "userId",
    [SSE_BY_TOKEN] = "accessToken",
    [SSE_BY_TENANT] = "tenantId",
    [SSE_BY_CHANNEL] = "channel",
    [SSE_BY_CONNECTION] = "connectionId",
    [SSE_ALL] = "all",
};

int sse_fail(const struct sse_fault *fault, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->text, fault->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* What an id is written as: a text, or an integer, whose digits go to number. NULL: it is none. */
static const char *id_of(const struct json_view *value, char number[INTEGER_TEXT], size_t *length)
{
    *length = value->length;
    if (value->kind == JSON_VIEW_TEXT)
        return value->text;
    if (value->kind != JSON_VIEW_INTEGER)
        return NULL;
    *length = (size_t)snprintf(number, INTEGER_TEXT, "%" PRId64, value->integer);
    return number;
}

/* The id and its length; NULL with a sentence in fault. */
static const char *check_value(const struct sse_target *target, const struct json_view *value,
                               char number[INTEGER_TEXT], size_t *length,
                               const struct sse_fault *fault)
{
    const char *id = id_of(value, number, length);

    if (!id || *length == 0 || memchr(id, '\0', *length))
        (void)sse_fail(fault, "\"%s\" must be a non-empty string, an integer, or an array of these",
                       sse_dimension_keys[target->dimension]);
    else if ((target->dimension == SSE_BY_USER || target->dimension == SSE_BY_TENANT) &&
             !sse_text_is_plain(id, *length))
        (void)sse_fail(fault, "\"%s\" has a control character, which no user and no tenant has",
                       sse_dimension_keys[target->dimension]);
    else
        return id;
    return NULL;
}

static struct json_view next_of(struct json_view *selector)
{
    return selector->kind == JSON_VIEW_ARRAY ? json_view_next(selector) : *selector;
}

/* The bytes of all texts with their NULs; 0: one of them is none. */
static size_t measure(const struct sse_target *target, struct json_view selector, size_t count,
                      const struct sse_fault *fault)
{
    char number[INTEGER_TEXT];
    size_t size = 0, length;

    for (size_t i = 0; i < count; i++) {
        const struct json_view value = next_of(&selector);

        if (!check_value(target, &value, number, &length, fault))
            return 0;
        size += length + 1;
    }
    return size;
}

static int read_values(struct sse_target *target, struct json_view selector,
                       const struct sse_fault *fault)
{
    const size_t count = selector.kind == JSON_VIEW_ARRAY ? selector.count : 1;
    char number[INTEGER_TEXT], *at;
    size_t size, length;

    if (count > SSE_TARGET_MAX_VALUES)
        return sse_fail(fault, "\"%s\" has %zu values; at most %u are taken",
                        sse_dimension_keys[target->dimension], count, SSE_TARGET_MAX_VALUES);
    size = measure(target, selector, count, fault);
    if (size == 0 && count > 0)
        return -EINVAL;
    target->values = mem_alloc(count * sizeof(char *) + size);
    target->count = count;
    at = (char *)(target->values + count);
    for (size_t i = 0; i < count; i++, at += length + 1) {
        const struct json_view value = next_of(&selector);
        const char *id = id_of(&value, number, &length);

        memcpy(at, id, length);
        at[length] = '\0';
        target->values[i] = at;
        if (target->dimension == SSE_BY_CONNECTION)
            sse_connection_id_shorten(at);
    }
    return 0;
}

static void describe_allowed(unsigned allowed, const char *problem, const struct sse_fault *fault)
{
    size_t at = (size_t)snprintf(fault->text, fault->size, "%s; give exactly one of", problem);

    for (unsigned i = 0; i < SSE_DIMENSIONS; i++) {
        if ((allowed & (1u << i)) && at < fault->size)
            at += (size_t)snprintf(fault->text + at, fault->size - at, " \"%s\"",
                                   sse_dimension_keys[i]);
    }
}

/* Those of one tenant, in the place of all who have these ids. */
static void set_tenant(struct sse_target *target, const char *tenant)
{
    size_t size = sse_target_bytes(target) + target->count * (strlen(tenant) + 1);
    char **values = mem_alloc(size + 1);
    char *at = (char *)(values + target->count);

    for (size_t i = 0; i < target->count; i++) {
        char *key = sse_user_key_new(tenant, target->values[i]);

        values[i] = at;
        at = stpcpy(at, key) + 1;
        free(key);
    }
    free(target->values);
    target->values = values;
}

/* value: what stands beside "userId". */
static int read_tenant(struct sse_target *target, const struct json_view *value, unsigned allowed,
                       const struct sse_fault *fault)
{
    char number[INTEGER_TEXT];
    size_t length;
    const char *id = id_of(value, number, &length);
    char *tenant;

    if (!json_view_is_there(value))
        return allowed & SSE_TARGET_OF_TENANT
                   ? sse_fail(fault, "\"userId\" alone names nobody here, since users are unique "
                                     "within their tenant (services[].users.unique); give "
                                     "\"tenantId\" beside it, \"\" for users without one")
                   : 0;
    if (!id || memchr(id, '\0', length))
        return sse_fail(fault, "\"tenantId\" beside \"userId\" must be one string, or an integer");
    if (!sse_text_is_plain(id, length))
        return sse_fail(fault, "\"tenantId\" has a control character, which no user and no tenant "
                               "has");
    tenant = mem_strndup(id, length);
    set_tenant(target, tenant);
    free(tenant);
    return 0;
}

/* The one selector that is there; NULL with a sentence in fault. A serializer writes false for a
 * flag that was not set. */
static const struct json_view *find_selector(const struct json_view *selectors, bool has_user,
                                             unsigned allowed, const struct sse_fault *fault)
{
    const struct json_view *found = NULL;

    for (unsigned i = 0; i < SSE_DIMENSIONS; i++) {
        if (!json_view_is_there(&selectors[i]) || (i == SSE_BY_TENANT && has_user) ||
            (i == SSE_ALL && selectors[i].kind == JSON_VIEW_FALSE))
            continue;
        if (found || !(allowed & (1u << i))) {
            describe_allowed(allowed, found ? "more than one selector" : "no such selector here",
                             fault);
            return NULL;
        }
        found = &selectors[i];
    }
    if (!found)
        describe_allowed(allowed, "no selector", fault);
    return found;
}

int sse_target_read(struct sse_target *target, const struct json_view *selectors, unsigned allowed,
                    const struct sse_fault *fault)
{
    const bool has_user = json_view_is_there(&selectors[SSE_BY_USER]);
    const struct json_view *selector = find_selector(selectors, has_user, allowed, fault);
    int status;

    *target = (struct sse_target){.dimension = SSE_DIMENSIONS};
    if (!selector)
        return -EINVAL;
    target->dimension = (enum sse_dimension)(selector - selectors);
    if (target->dimension != SSE_ALL) {
        status = read_values(target, *selector, fault);
        return status == 0 && has_user
                   ? read_tenant(target, &selectors[SSE_BY_TENANT], allowed, fault)
                   : status;
    }
    return selector->kind == JSON_VIEW_TRUE ? 0 : sse_fail(fault, "\"all\" must be true");
}

int sse_target_from_json(struct sse_target *target, const json_t *object, unsigned allowed,
                         char *fault, size_t fault_size)
{
    struct json_view selectors[SSE_DIMENSIONS];

    for (unsigned i = 0; i < SSE_DIMENSIONS; i++)
        selectors[i] = json_view_of(json_object_get(object, sse_dimension_keys[i]));
    return sse_target_read(target, selectors, allowed, &(struct sse_fault){fault, fault_size});
}

char *sse_target_users_tenant(const struct sse_target *target)
{
    return target->dimension == SSE_BY_USER && target->count > 0
               ? sse_user_key_tenant(target->values[0])
               : NULL;
}

void sse_target_write(const struct sse_target *target, struct buf *to)
{
    if (target->dimension == SSE_ALL) {
        buf_append_str(to, "true");
        return;
    }
    for (size_t i = 0; i < target->count; i++) {
        const char *text = target->values[i];

        buf_append_char(to, i == 0 ? '[' : ',');
        json_text_string(to, target->dimension == SSE_BY_USER ? sse_user_key_id(text) : text);
    }
    buf_append_str(to, target->count == 0 ? "[]" : "]");
}

static bool is_kept_at(const bool *is_kept, size_t i)
{
    return !is_kept || is_kept[i];
}

void sse_target_narrow(struct sse_target *narrow, const struct sse_target *target,
                       const bool *is_kept)
{
    size_t size = 0;
    char *at;

    *narrow = (struct sse_target){
        .dimension = target->dimension,
        .listening = mem_strdup(target->listening),
    };
    for (size_t i = 0; i < target->count; i++)
        size += is_kept_at(is_kept, i) ? sizeof(char *) + strlen(target->values[i]) + 1 : 0;
    if (size == 0)
        return;
    narrow->values = mem_alloc(size);
    for (size_t i = 0; i < target->count; i++)
        narrow->count += is_kept_at(is_kept, i) ? 1 : 0;
    at = (char *)(narrow->values + narrow->count);
    for (size_t i = 0, kept = 0; i < target->count; i++) {
        if (!is_kept_at(is_kept, i))
            continue;
        narrow->values[kept++] = at;
        at = stpcpy(at, target->values[i]) + 1;
    }
}

static int compare_values(const void *one, const void *other)
{
    char *const *left = one;
    char *const *right = other;

    return strcmp(*left, *right);
}

void sse_target_unite(struct sse_target *target)
{
    size_t kept = 0;

    if (target->count < 2)
        return;
    qsort(target->values, target->count, sizeof(char *), compare_values);
    for (size_t i = 1; i < target->count; i++) {
        if (strcmp(target->values[i], target->values[kept]) != 0)
            target->values[++kept] = target->values[i];
    }
    target->count = kept + 1;
}

size_t sse_target_size(const struct sse_target *target)
{
    return target->dimension == SSE_ALL ? 1 : target->count;
}

char *sse_target_tenant(enum sse_dimension dimension, const char *value)
{
    if (dimension == SSE_BY_TENANT)
        return mem_strdup(value);
    return dimension == SSE_BY_USER ? sse_user_key_tenant(value) : NULL;
}

void sse_target_release(struct sse_target *target)
{
    free(target->values);
    free(target->listening);
    *target = (struct sse_target){.dimension = SSE_DIMENSIONS};
}

size_t sse_target_bytes(const struct sse_target *target)
{
    size_t bytes = target->listening ? strlen(target->listening) + 1 : 0;

    for (size_t i = 0; i < target->count; i++)
        bytes += sizeof(char *) + strlen(target->values[i]) + 1;
    return bytes;
}

/* "" is what a user has none of: nobody is selected by it. */
static bool has_value(const struct sse_target *target, const char *value)
{
    return value && value[0] != '\0' &&
           texts_have((const char *const *)target->values, target->count, value);
}

const char *sse_target_value_of(const struct sse_target *target, const struct sse_user *user)
{
    for (size_t i = 0; i < target->count; i++) {
        if (sse_user_is(user, target->values[i]))
            return target->values[i];
    }
    return NULL;
}

static bool has_channel(const struct sse_target *target, const struct sse_subject *subject)
{
    for (size_t i = 0; i < subject->channel_count; i++) {
        if (has_value(target, subject->channels[i]))
            return true;
    }
    return false;
}

bool sse_subject_is_selected(const struct sse_subject *subject, const struct sse_target *target)
{
    switch (target->dimension) {
    case SSE_BY_USER:
        return sse_target_value_of(target, subject->user) != NULL;
    case SSE_BY_TOKEN:
        return has_value(target, subject->user->access_token);
    case SSE_BY_TENANT:
        return has_value(target, subject->user->tenant_id);
    case SSE_BY_CHANNEL:
        return has_channel(target, subject);
    case SSE_BY_CONNECTION:
        return has_value(target, subject->connection_id);
    case SSE_ALL:
        return true;
    case SSE_DIMENSIONS:
        break;
    }
    return false;
}
