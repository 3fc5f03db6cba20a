/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_SUBJECT_H
#define BROKER_PRESENCE_SUBJECT_H
/* Whom a presence event is about. On its way between threads it lies at the end of what carries it.
 */
#include <stddef.h>
#include <string.h>

struct presence_subject {
    const char *user_key;  /* events of one are notified in order */
    const char *tenant_id; /* keys for tenants see those of theirs; "": of none */
};

static inline size_t presence_subject_size(const struct presence_subject *subject)
{
    return strlen(subject->user_key) + strlen(subject->tenant_id) + 2;
}

/* Its texts lie at to, which has room for so much. */
static inline struct presence_subject presence_subject_copy(const struct presence_subject *subject,
                                                            char *to)
{
    char *tenant_id = stpcpy(to, subject->user_key) + 1;

    stpcpy(tenant_id, subject->tenant_id);
    return (struct presence_subject){.user_key = to, .tenant_id = tenant_id};
}

#endif
