/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CHANNEL_RIGHTS_H
#define SSE_CHANNEL_RIGHTS_H
/* Which channels a user may have: all of a service that is open, else those that the service's
 * settings or the user's own credential allow. */
#include <stdbool.h>
#include <stddef.h>

struct sse_user;

/* Of a service. */
struct channel_rights {
    bool is_open;         /* every user may have every channel */
    const char *patterns; /* else those that one of these matches (base/words.h); borrowed */
};

bool channel_rights_allow(const struct channel_rights *rights, const struct sse_user *user,
                          const char *channel);

/* The first of the channels that the user may not have; NULL: it may have them all. */
const char *channel_rights_refused(const struct channel_rights *rights, const struct sse_user *user,
                                   const char *const *channels, size_t count);

#endif
