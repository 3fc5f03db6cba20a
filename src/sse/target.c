/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sse/connection_id.h"
#include "sse/user_key.h"

#define INTEGER_TEXT 24u /* any 64-bit integer and a NUL */

const char *const sse_dimension_keys[SSE_DIMENSIONS] = {
    [SSE_BY_USER] = "userId",
    [SSE_BY_TOKEN] = "accessToken",
    [SSE_BY_TENANT] = "tenantId",
    [SSE_BY_CHANNEL] = "channel",
    [SSE_BY_CONNECTION] = "connectionId",
    [SSE_ALL] = "all",
};

struct fault {
    char *text;
    size_t size;
};

static size_t id_length(const json_t *value)
{
    char text[INTEGER_TEXT];

    if (json_is_string(value))
        return json_string_length(value);
    return json_id_text(value, text, sizeof(text)) ? strlen(text) : 0;
}

/* Writes the text and its NUL; returns what is behind them. */
static char *copy_id(const json_t *value, char *to)
{
    if (json_is_string(value))
        return stpcpy(to, json_string_value(value)) + 1;
    (void)json_id_text(value, to, INTEGER_TEXT);
    return to + strlen(to) + 1;
}

static bool is_id(const json_t *value)
{
    const size_t length = id_length(value);

    return length > 0 && (!json_is_string(value) || strlen(json_string_value(value)) == length);
}

static const json_t *value_at(const json_t *selector, size_t index)
{
    return json_is_array(selector) ? json_array_get(selector, index) : selector;
}

/* Of users and tenants: no control characters, which none of theirs has. */
static bool may_be_of_somebody(enum sse_dimension dimension, const json_t *value)
{
    return (dimension != SSE_BY_USER && dimension != SSE_BY_TENANT) || !json_is_string(value) ||
           sse_user_key_may_have(json_string_value(value));
}

static int check_value(const struct sse_target *target, const char *key, const json_t *value,
                       const struct fault *fault)
{
    if (!is_id(value))
        snprintf(fault->text, fault->size,
                 "\"%s\" must be a non-empty string, an integer, or an array of these", key);
    else if (!may_be_of_somebody(target->dimension, value))
        snprintf(fault->text, fault->size,
                 "\"%s\" has a control character, which no user and no tenant has", key);
    else
        return 0;
    return -EINVAL;
}

static int read_values(struct sse_target *target, const char *key, const json_t *selector,
                       const struct fault *fault)
{
    const size_t count = json_is_array(selector) ? json_array_size(selector) : 1;
    size_t size = 0;
    char *at;

    if (count > SSE_TARGET_MAX_VALUES) {
        snprintf(fault->text, fault->size, "\"%s\" has %zu values; at most %u are taken", key,
                 count, SSE_TARGET_MAX_VALUES);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = value_at(selector, i);

        if (check_value(target, key, value, fault) < 0)
            return -EINVAL;
        size += id_length(value) + 1;
    }
    /* Room for the longest integer behind the last text: copy_id() is given no end. */
    target->values = mem_alloc(count * sizeof(char *) + size + INTEGER_TEXT);
    target->count = count;
    at = (char *)(target->values + count);
    for (size_t i = 0; i < count; i++) {
        target->values[i] = at;
        at = copy_id(value_at(selector, i), at);
        if (target->dimension == SSE_BY_CONNECTION)
            sse_connection_id_shorten(target->values[i]);
    }
    return 0;
}

static void describe_allowed(unsigned allowed, const char *problem, const struct fault *fault)
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

/* value: beside "userId"; NULL: there is none. */
static int read_tenant(struct sse_target *target, const json_t *value, unsigned allowed,
                       const struct fault *fault)
{
    char number[INTEGER_TEXT];
    const char *tenant = json_is_string(value) ? json_string_value(value)
                                               : json_id_text(value, number, sizeof(number));

    if (!value && (allowed & SSE_TARGET_OF_TENANT))
        snprintf(fault->text, fault->size,
                 "\"userId\" alone names nobody here, since users are unique within their tenant "
                 "(services[].users.unique); give \"tenantId\" beside it, \"\" for users without "
                 "one");
    else if (!value)
        return 0;
    else if (!tenant || (json_is_string(value) && strlen(tenant) != json_string_length(value)))
        snprintf(fault->text, fault->size,
                 "\"tenantId\" beside \"userId\" must be one string, or an integer");
    else if (!sse_user_key_may_have(tenant))
        snprintf(fault->text, fault->size,
                 "\"tenantId\" has a control character, which no user and no tenant has");
    else {
        set_tenant(target, tenant);
        return 0;
    }
    return -EINVAL;
}

static const json_t *tenant_beside_user(const json_t *object)
{
    return json_object_get(object, sse_dimension_keys[SSE_BY_USER])
               ? json_object_get(object, sse_dimension_keys[SSE_BY_TENANT])
               : NULL;
}

int sse_target_from_json(struct sse_target *target, const json_t *object, unsigned allowed,
                         char *fault, size_t fault_size)
{
    const struct fault told = {fault, fault_size};
    const json_t *tenant = tenant_beside_user(object);
    const json_t *selector = NULL;
    int status;

    *target = (struct sse_target){.dimension = SSE_DIMENSIONS};
    for (unsigned i = 0; i < SSE_DIMENSIONS; i++) {
        const json_t *value = json_object_get(object, sse_dimension_keys[i]);

        /* A serializer writes false for a flag that was not set. */
        if (!value || value == tenant || (i == SSE_ALL && json_is_false(value)))
            continue;
        if (selector || !(allowed & (1u << i))) {
            describe_allowed(allowed, selector ? "more than one selector" : "no such selector here",
                             &told);
            return -EINVAL;
        }
        selector = value;
        target->dimension = (enum sse_dimension)i;
    }
    if (!selector) {
        describe_allowed(allowed, "no selector", &told);
        return -EINVAL;
    }
    if (target->dimension != SSE_ALL) {
        status = read_values(target, sse_dimension_keys[target->dimension], selector, &told);
        return status == 0 && target->dimension == SSE_BY_USER
                   ? read_tenant(target, tenant, allowed, &told)
                   : status;
    }
    if (!json_is_true(selector)) {
        snprintf(fault, fault_size, "\"all\" must be true");
        return -EINVAL;
    }
    return 0;
}

static const char *shown_value(const struct sse_target *target, size_t index)
{
    const char *value = target->values[index];

    return target->dimension == SSE_BY_USER ? sse_user_key_id(value) : value;
}

/* All its values have the same one, or none has. */
static int show_tenant(const struct sse_target *target, json_t *object)
{
    char *tenant = target->dimension == SSE_BY_USER && target->count > 0
                       ? sse_user_key_tenant(target->values[0])
                       : NULL;
    int status = 0;

    if (tenant)
        status =
            json_object_set_new(object, sse_dimension_keys[SSE_BY_TENANT], json_string(tenant));
    free(tenant);
    return status;
}

int sse_target_to_json(const struct sse_target *target, json_t *object)
{
    json_t *value = target->dimension == SSE_ALL ? json_true() : json_array();
    int failures = 0;

    if (target->listening)
        failures += json_object_set_new(object, "listening", json_true());
    for (size_t i = 0; i < target->count; i++)
        failures += json_array_append_new(value, json_string(shown_value(target, i)));
    failures += json_object_set_new(object, sse_dimension_keys[target->dimension], value);
    failures += show_tenant(target, object);
    return failures == 0 ? 0 : -ENOMEM;
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
        size += is_kept[i] ? sizeof(char *) + strlen(target->values[i]) + 1 : 0;
    if (size == 0)
        return;
    narrow->values = mem_alloc(size);
    for (size_t i = 0; i < target->count; i++)
        narrow->count += is_kept[i] ? 1 : 0;
    at = (char *)(narrow->values + narrow->count);
    for (size_t i = 0, kept = 0; i < target->count; i++) {
        if (!is_kept[i])
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
