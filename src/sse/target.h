/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_TARGET_H
#define SSE_TARGET_H
/*
 * Whom a message, a disconnect, a duration or a query is for: one dimension with its values, or
 * all; optionally only those connections that listen to an event. Immutable once made and free of
 * thread-bound parts, so that workers may share one.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct json_view;
struct sse_user;

enum sse_dimension {
    SSE_BY_USER,       /* "userId", its values are keys (sse/user.h) */
    SSE_BY_TOKEN,      /* "accessToken" */
    SSE_BY_TENANT,     /* "tenantId" */
    SSE_BY_CHANNEL,    /* "channel" */
    SSE_BY_CONNECTION, /* "connectionId" */
    SSE_ALL,           /* "all": true */
    SSE_DIMENSIONS
};

#define SSE_TARGET_MAX_VALUES 10000u

/* Among those that are allowed: "userId" comes with "tenantId", or is refused. */
#define SSE_TARGET_OF_TENANT (1u << SSE_DIMENSIONS)

struct sse_target {
    enum sse_dimension dimension;
    char **values; /* one block: the pointers, then their texts; NULL for SSE_ALL */
    size_t count;
    char *listening; /* NULL: whether they listen or not */
};

extern const char *const sse_dimension_keys[SSE_DIMENSIONS]; /* the JSON names above */

/* Where a sentence goes that says what is wrong with what was read. */
struct sse_fault {
    char *text;
    size_t size;
};
/* Writes it. -EINVAL. */
__attribute__((format(printf, 2, 3))) int sse_fail(const struct sse_fault *fault,
                                                   const char *format, ...);

/* Reads the one selector that is there of those of an object, by dimension (a value or an array;
 * numbers and strings are the same text). "tenantId", one value, beside "userId" makes keys with a
 * tenant. allowed is a mask of (1u << dimension). 0, or -EINVAL with a sentence in fault. listening
 * is left NULL: what it means depends on the caller. Connections are kept by their handles. */
int sse_target_read(struct sse_target *target, const struct json_view *selectors, unsigned allowed,
                    const struct sse_fault *fault);
int sse_target_from_json(struct sse_target *target, const json_t *object, unsigned allowed,
                         char *fault, size_t fault_size);
/* Appends the value of its selector as JSON: what sse_target_from_json() reads; its key is one of
 * sse_dimension_keys. Beside it belongs "tenantId" of its users' tenant (caller frees it), where
 * they have one: NULL, they have none. */
void sse_target_write(const struct sse_target *target, struct buf *to);
char *sse_target_users_tenant(const struct sse_target *target);
/* Those of its values that are kept: one flag each, and one for all; NULL: all of them. */
void sse_target_narrow(struct sse_target *narrow, const struct sse_target *target,
                       const bool *is_kept);
/* Leaves each value once, in the order of their texts: that in which they were given means nothing,
 * and a sender that repeats itself may give them in another one. */
void sse_target_unite(struct sse_target *target);
/* How many it names: its values, and one for all. */
size_t sse_target_size(const struct sse_target *target);
/* The tenant that a value of that dimension is of, whoever has it: a tenant's own, or that of a
 * user whose key has one. NULL: of none. The caller frees it. */
char *sse_target_tenant(enum sse_dimension dimension, const char *value);
void sse_target_release(struct sse_target *target);

size_t sse_target_bytes(const struct sse_target *target); /* that its values and texts take */

/* What targets look at: of a connection, or of one that is about to be opened. */
struct sse_subject {
    const struct sse_user *user;
    const char *connection_id; /* NULL: none yet */
    const char *const *channels;
    size_t channel_count;
};

/* Whether the target selects it, were it to listen to everything. */
bool sse_subject_is_selected(const struct sse_subject *subject, const struct sse_target *target);
/* The value of a target of users that names this one; NULL: none does. */
const char *sse_target_value_of(const struct sse_target *target, const struct sse_user *user);

#endif
