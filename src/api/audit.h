/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_AUDIT_H
#define API_AUDIT_H
/* What back ends do that cannot be undone is written to the audit log with its answer: by whom,
 * from where, to whom, with what result; and who was refused it. Never a key or a whole token. */
#include <stdbool.h>

#include "base/buf.h"

struct api_exchange;
struct sse_target;

/* What the answer's line will say; of an exchange. Zero-filled: nothing. */
struct api_audit {
    char *key;         /* the name of the API key that was shown, or NULL; */
    char *subject;     /* else whom the token names, or NULL */
    struct buf target; /* such as userId=7,8 */
    bool is_revoking;
};

void api_audit_release(struct api_audit *audit);

/* Who asks, by a key of this name. */
void api_audit_note_key(struct api_exchange *exchange, const char *name);
/* Whom it is for: a target, or what the query says. */
void api_audit_note_target(struct api_exchange *exchange, const struct sse_target *target);
void api_audit_note_query(struct api_exchange *exchange);

/* The exchange is being answered; count: connections or messages, -1: none are told. Writes a line
 * when its endpoint is one of those. */
void api_audit_answer(const struct api_exchange *exchange, int status, long long count);

#endif
