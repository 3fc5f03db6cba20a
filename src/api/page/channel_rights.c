/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/channel_rights.h"

#include "api/exchange.h"
#include "api/reply.h"
#include "base/words.h"
#include "sse/channel_pattern.h"

bool channel_rights_allow(const struct api_service_settings *settings, const struct sse_user *user,
                          const char *channel)
{
    const char *rest = settings->channel_patterns;
    struct word pattern;

    if (settings->channels_open || sse_channel_pattern_of_user(user, channel))
        return true;
    while (words_next(&rest, &pattern)) {
        if (sse_channel_pattern_matches(pattern.text, pattern.length, channel, user))
            return true;
    }
    return false;
}

const char *channel_rights_refused(const struct api_service_settings *settings,
                                   const struct sse_user *user, const char *const *channels,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!channel_rights_allow(settings, user, channels[i]))
            return channels[i];
    }
    return NULL;
}

void channel_rights_refuse(struct api_exchange *exchange, const char *channel)
{
    exchange->service->channels_refused++;
    api_reply_error(exchange, 403,
                    "this user may not have the channel \"%s\"; a pattern in the credential's "
                    "channels would allow it, or one in the service's channels.allow",
                    channel);
}
