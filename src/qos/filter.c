/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "sse/target.h"
#include "sse/user_key.h"

static bool is_among(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

static bool is_named(const char *name, const char *value)
{
    return name && strcmp(name, value) == 0;
}

static bool passes_listening(const struct qos_filter *filter, const char *listening)
{
    if (!filter->listeners)
        return !filter->is_exact || listening[0] == '\0';
    if (listening[0] == '\0')
        return !filter->is_strict;
    return is_among(filter->listeners, filter->listener_count, listening);
}

static bool names_nobody(const struct qos_filter *filter)
{
    return !filter->user_id && !filter->token && !filter->tenant_id && !filter->channels;
}

/* key: of the copy's user (sse/user_key.h). */
static bool passes_user(const struct qos_filter *filter, const char *key)
{
    if (!filter->user_id)
        return false;
    if (!sse_user_key_has_tenant(key))
        return !filter->of_tenant && !(filter->is_strict && filter->tenant_id) &&
               strcmp(filter->user_id, key) == 0;
    return filter->tenant_id ? sse_user_key_is(key, filter->tenant_id, filter->user_id)
                             : strcmp(filter->user_id, sse_user_key_id(key)) == 0;
}

static bool passes_recipient(const struct qos_filter *filter, const struct qos_recipient *recipient)
{
    switch (recipient->dimension) {
    case SSE_BY_USER:
        return passes_user(filter, recipient->value);
    case SSE_BY_TOKEN:
        return is_named(filter->token, recipient->value);
    case SSE_BY_TENANT:
        return is_named(filter->tenant_id, recipient->value) &&
               !(filter->is_strict && filter->user_id);
    case SSE_BY_CHANNEL:
        return is_among(filter->channels, filter->channel_count, recipient->value);
    case SSE_ALL:
        return !filter->is_strict;
    default:
        return false;
    }
}

bool qos_copy_is_of_tenants(const struct qos_copy *copy, const char *tenants)
{
    char *tenant;
    bool is_so;

    if (!tenants)
        return true;
    if (copy->state == QOS_UNREADABLE)
        return false;
    tenant = sse_target_tenant(copy->recipient.dimension, copy->recipient.value);
    is_so = tenant && words_have(tenants, tenant);
    free(tenant);
    return is_so;
}

bool qos_filter_passes(const struct qos_filter *filter, const struct qos_copy *copy)
{
    if (!qos_copy_is_of_tenants(copy, filter->tenants))
        return false;
    if (filter->is_exact && names_nobody(filter) && !filter->listeners)
        return true;
    return passes_listening(filter, copy->recipient.listening) &&
           ((names_nobody(filter) && !filter->is_exact) ||
            passes_recipient(filter, &copy->recipient));
}

struct walk {
    const struct qos_filter *filter;
    struct qos_slice *slice;
    size_t messages; /* seen */
    qos_visit visit;
    void *context;
};

static bool walk_on(void *context, const struct qos_copy *copy)
{
    struct walk *walk = context;
    struct qos_slice *slice = walk->slice;

    if (copy->message->number != slice->after) {
        slice->is_all = walk->messages < slice->limit;
        if (!slice->is_all)
            return false;
        slice->after = copy->message->number;
        walk->messages++;
    }
    if (qos_filter_passes(walk->filter, copy))
        (void)walk->visit(walk->context, copy);
    return true;
}

int qos_filter_scan(const struct qos_filter *filter, struct qos_repository *repository,
                    struct qos_slice *slice, qos_visit visit, void *context)
{
    struct walk walk = {.filter = filter, .slice = slice, .visit = visit, .context = context};

    slice->is_all = true;
    /* One more, to see whether there is one. */
    return (filter->is_aside ? repository->ops->aside : repository->ops->scan)(
        repository, slice->after, slice->limit + 1, walk_on, &walk);
}
