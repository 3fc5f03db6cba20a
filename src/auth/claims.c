/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/claims.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "sse/channel_pattern.h"
#include "sse/user_key.h"

bool auth_claim_is_plain(const char *text)
{
    return sse_user_key_may_have(text);
}

const json_t *auth_claim_of(const json_t *claims, const char *name)
{
    const json_t *value = *name != '\0' ? json_object_get(claims, name) : NULL;

    return json_is_null(value) ? NULL : value;
}

bool auth_claim_text(const json_t *claims, const char *name, char text[AUTH_CLAIM_SIZE])
{
    const json_t *value = auth_claim_of(claims, name);

    text[0] = '\0';
    return !value ||
           (json_id_text(value, text, AUTH_CLAIM_SIZE) != NULL && auth_claim_is_plain(text));
}

static bool append_channel(struct buf *lines, size_t *count, const char *channel)
{
    if (*count == AUTH_CLAIM_MAX_CHANNELS || !sse_channel_is_name(channel))
        return false;
    buf_printf(lines, "%s%s", *count > 0 ? "\n" : "", channel);
    ++*count;
    return true;
}

static bool split_channels(struct buf *lines, const char *text)
{
    static const char between[] = " \t,";
    size_t count = 0;

    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        char channel[SSE_CHANNEL_MAX_NAME + 1];
        size_t length = strcspn(text, between);

        if (length >= sizeof(channel))
            return false;
        memcpy(channel, text, length);
        channel[length] = '\0';
        if (!append_channel(lines, &count, channel))
            return false;
        text += length;
    }
    return true;
}

bool auth_claim_channels(const json_t *value, struct buf *lines)
{
    const json_t *channel;
    size_t count = 0;
    size_t i;

    if (json_is_string(value))
        return split_channels(lines, json_string_value(value));
    json_array_foreach(value, i, channel) {
        if (!json_is_string(channel) || !append_channel(lines, &count, json_string_value(channel)))
            return false;
    }
    return !value || json_is_array(value);
}
