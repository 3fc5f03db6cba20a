/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_MESSAGE_FILTER_H
#define API_MESSAGE_FILTER_H
/* Which stored messages a request is about: userId (tenantId beside it), accessToken, tenantId,
 * channel (as often as needed) and listeners (a list), each optional. */
#include <stdbool.h>

#include "qos/look.h"

struct api_exchange;

/* The parameters, for the table of routes. */
#define MESSAGE_FILTER_PARAMETERS "userId, accessToken, tenantId, channel, listeners, unreadable"

struct message_filter {
    struct qos_filter filter; /* lends its texts from the exchange, and from: */
    char *token;
    const char **channels;
    char **listeners;
};

/* False: it has answered with 422; there is nothing to release. */
bool message_filter_init(struct message_filter *filter, struct api_exchange *exchange);
void message_filter_release(struct message_filter *filter);

/* Whether nothing is said, so that every message passes. */
bool message_filter_is_empty(const struct message_filter *filter);

#endif
