/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_MESSAGE_FILTER_H
#define API_MESSAGE_FILTER_H
/* Which stored messages a request is about: userId, accessToken, tenantId, channel (as often as
 * needed) and listeners (a list), each optional. */
#include <stdbool.h>

#include "qos/look.h"

struct api_exchange;

struct message_filter {
    struct qos_filter filter; /* lends its texts from the exchange, and from: */
    char *token;
    const char **channels;
    char **listeners;
};

void message_filter_init(struct message_filter *filter, const struct api_exchange *exchange);
void message_filter_release(struct message_filter *filter);

/* Whether nothing is said, so that every message passes. */
bool message_filter_is_empty(const struct message_filter *filter);

#endif
