/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/filter.h"

#include <string.h>

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
        return true;
    if (listening[0] == '\0')
        return !filter->is_strict;
    return is_among(filter->listeners, filter->listener_count, listening);
}

static bool names_nobody(const struct qos_filter *filter)
{
    return !filter->user_id && !filter->token && !filter->tenant_id && !filter->channels;
}

static bool passes_recipient(const struct qos_filter *filter, const struct qos_recipient *recipient)
{
    switch (recipient->dimension) {
    case SSE_BY_USER:
        return is_named(filter->user_id, recipient->value);
    case SSE_BY_TOKEN:
        return is_named(filter->token, recipient->value);
    case SSE_BY_TENANT:
        return is_named(filter->tenant_id, recipient->value);
    case SSE_BY_CHANNEL:
        return is_among(filter->channels, filter->channel_count, recipient->value);
    case SSE_ALL:
        return !filter->is_strict;
    default:
        return false;
    }
}

bool qos_filter_passes(const struct qos_filter *filter, const struct qos_copy *copy)
{
    return passes_listening(filter, copy->recipient.listening) &&
           (names_nobody(filter) || passes_recipient(filter, &copy->recipient));
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
