/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "sse/user_key.h"

static void append_escape(struct buf *buf, unsigned char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *pair = named; *pair != '\0'; pair += 2) {
        if ((unsigned char)pair[0] == c) {
            buf_append_char(buf, '\\');
            buf_append_char(buf, pair[1]);
            return;
        }
    }
    buf_printf(buf, "\\u%04x", c);
}

/* How many bytes at text can be copied as they are. */
static size_t plain_length(const char *text, size_t length)
{
    size_t plain = 0;

    while (plain < length) {
        unsigned char c = (unsigned char)text[plain];
        size_t step = 1;

        if (c < 0x20 || c == '"' || c == '\\')
            break;
        if (c >= 0x80)
            step = utf8_char_length(text + plain, length - plain);
        if (step == 0)
            break;
        plain += step;
    }
    return plain;
}

void json_text_string(struct buf *buf, const char *text)
{
    size_t length = strlen(text);

    buf_reserve(buf, length + 2);
    buf_append_char(buf, '"');
    while (length > 0) {
        size_t plain = plain_length(text, length);

        buf_append(buf, text, plain);
        text += plain;
        length -= plain;
        if (length == 0)
            break;
        if ((unsigned char)*text >= 0x80)
            buf_append_str(buf, "\xef\xbf\xbd");
        else
            append_escape(buf, (unsigned char)*text);
        text++;
        length--;
    }
    buf_append_char(buf, '"');
}

void json_text_user_members(struct buf *buf, const char *key)
{
    char *tenant = sse_user_key_tenant(key);

    buf_append_str(buf, "\"userId\":");
    json_text_string(buf, sse_user_key_id(key));
    if (tenant) {
        buf_append_str(buf, ",\"tenantId\":");
        json_text_string(buf, tenant);
    }
    free(tenant);
}

void json_text_user(struct buf *buf, const char *key)
{
    if (!sse_user_key_has_tenant(key)) {
        json_text_string(buf, key);
        return;
    }
    buf_append_char(buf, '{');
    json_text_user_members(buf, key);
    buf_append_char(buf, '}');
}

void json_text_number(struct buf *buf, uint64_t number)
{
    buf_printf(buf, "%" PRIu64, number);
}
