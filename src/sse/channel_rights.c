/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/channel_rights.h"

#include "base/words.h"
#include "sse/channel_pattern.h"

bool channel_rights_allow(const struct channel_rights *rights, const struct sse_user *user,
                          const char *channel)
{
    const char *rest = rights->patterns;
    struct word pattern;

    if (rights->is_open || sse_channel_pattern_of_user(user, channel))
        return true;
    while (words_next(&rest, &pattern)) {
        if (sse_channel_pattern_matches(pattern.text, pattern.length, channel, user))
            return true;
    }
    return false;
}

const char *channel_rights_refused(const struct channel_rights *rights, const struct sse_user *user,
                                   const char *const *channels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!channel_rights_allow(rights, user, channels[i]))
            return channels[i];
    }
    return NULL;
}
