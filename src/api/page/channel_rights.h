/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CHANNEL_RIGHTS_H
#define API_CHANNEL_RIGHTS_H
/* Which channels a user may have: all of a service that is open, else those that the service's
 * settings or the user's own credential allow. */
#include <stdbool.h>
#include <stddef.h>

struct api_exchange;
struct api_service_settings;
struct sse_user;

bool channel_rights_allow(const struct api_service_settings *settings, const struct sse_user *user,
                          const char *channel);

/* The first of the channels that the user may not have; NULL: it may have them all. */
const char *channel_rights_refused(const struct api_service_settings *settings,
                                   const struct sse_user *user, const char *const *channels,
                                   size_t count);

/* Answers 403: says which, and what would allow it. */
void channel_rights_refuse(struct api_exchange *exchange, const char *channel);

#endif
