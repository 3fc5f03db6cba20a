/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/data_lines.h"

#include <string.h>

#include "base/buf.h"

size_t sse_data_longest_line(const char *text, size_t length)
{
    size_t longest = 0, line = 0;

    for (size_t i = 0; i < length; i++) {
        line = text[i] == '\r' || text[i] == '\n' ? 0 : line + 1;
        longest = line > longest ? line : longest;
    }
    return longest;
}

static size_t string_length(const char *raw, size_t length)
{
    size_t at = 1;

    while (at < length && raw[at] != '"')
        at += raw[at] == '\\' ? 2 : 1;
    return at + 1;
}

static size_t word_length(const char *raw, size_t length)
{
    size_t at = 1;

    while (at < length && !strchr("[]{},:\"", raw[at]))
        at++;
    return at;
}

/* Of what begins here, which is not empty. */
static size_t token_length(const char *raw, size_t length)
{
    if (raw[0] == '"')
        return string_length(raw, length);
    return strchr("[]{},:", raw[0]) ? 1 : word_length(raw, length);
}

size_t sse_data_longest_token(const char *raw, size_t length)
{
    size_t longest = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        longest = token > longest ? token : longest;
    }
    return longest;
}

void sse_data_break(struct buf *to, const char *raw, size_t length, size_t most)
{
    size_t begin = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        if (at > begin && at + token - begin > most) {
            buf_append(to, raw + begin, at - begin);
            buf_append_char(to, '\n');
            begin = at;
        }
    }
    buf_append(to, raw + begin, length - begin);
}
