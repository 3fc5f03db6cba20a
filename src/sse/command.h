/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_COMMAND_H
#define SSE_COMMAND_H
/*
 * What a record of the log is that is no message: connections are closed, durations set,
 * credentials revoked. Shared by all workers: immutable once it has left the thread that made it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/target.h"

enum sse_record_kind {
    SSE_RECORD_MESSAGE,
    SSE_RECORD_KICK,
    SSE_RECORD_DURATION,
    SSE_RECORD_REVOCATION,
};

/* What somebody has shown: the name of a token, or the key of a user who has shown none. */
struct sse_credential {
    bool is_token;
    const char *text;
};

struct sse_command {
    atomic_uint refs;
    enum sse_record_kind kind;
    struct sse_target target; /* owned; of a revocation: nobody */
    /* Seconds of the visit, and of those before it, that connections were there for; negative: as
     * they have it. */
    int64_t duration, session_duration;
    /* Of a kick. */
    char *text; /* owned */
    int64_t reconnect_ms;
    char *traceparent; /* of the request, for notifications; NULL: none. Owned */
    /* Of a revocation: these do not count any more. Owned, and their texts. */
    struct sse_credential *revoked;
    size_t revoked_count;
};

/* Zero-filled, but for nobody, and nothing said of durations. One reference. */
struct sse_command *sse_command_new(enum sse_record_kind kind);
struct sse_command *sse_command_ref(struct sse_command *command);
struct sse_command *sse_command_unref(struct sse_command *command); /* accepts NULL, always NULL */

size_t sse_command_bytes(const struct sse_command *command); /* that it takes, about */

#endif
