/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_SUBJECT_H
#define SSE_SUBJECT_H
/* What targets look at: of a connection, or of one that is about to be opened. */
#include <stdbool.h>
#include <stddef.h>

struct sse_connection;
struct sse_target;
struct sse_user;

struct sse_subject {
    const struct sse_user *user;
    const char *connection_id; /* NULL: none yet */
    const char *const *channels;
    size_t channel_count;
};

/* Whether the target selects it, were it to listen to everything. */
bool sse_subject_is_selected(const struct sse_subject *subject, const struct sse_target *target);
/* The same of an open connection, and whether it listens, too. */
bool sse_connection_is_selected(const struct sse_connection *connection,
                                const struct sse_target *target);

/* The value of an individual's target (user, token, connection) that an open connection has; NULL:
 * the target is a group's. Of a target that selects it. */
const char *sse_connection_individual(const struct sse_connection *connection,
                                      const struct sse_target *target);

#endif
