/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BODY_KIND_H
#define API_BODY_KIND_H
/* How a body becomes what its handler needs (api/body_reading.h). */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "sse/message.h"

struct body_reading;

/* What a body is read as. Both run in any thread, and touch nothing but the reading. */
struct body_kind {
    void (*read)(struct body_reading *reading);
    void (*release)(struct body_reading *reading); /* what was read, and nobody has taken */
};

/* By what it is read; the texts are lent by the exchange. */
struct body_rules {
    struct sse_message_bounds bounds;
    bool is_wide;                    /* struct json_rules */
    const char *tenants;             /* whose messages are taken; NULL: all */
    void (*name_token)(char *token); /* auth_ops.name_token */
};

struct body_reading {
    const struct body_kind *kind;
    struct body_rules rules;
    const char *text;
    size_t length;
    /* The kind's: */
    json_t *value;
    void *made;
    struct json_fault fault; /* of the text, where there is neither */
};

#endif
