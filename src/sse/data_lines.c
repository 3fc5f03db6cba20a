/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/data_lines.h"

#include <string.h>

#include "base/buf.h"
#include "base/swar.h"

size_t sse_data_line_length(const char *text, size_t length)
{
    size_t at = 0;

    while (length - at >= SWAR_SIZE && !swar_has(swar_load(text + at), '\n') &&
           !swar_has(swar_load(text + at), '\r'))
        at += SWAR_SIZE;
    while (at < length && text[at] != '\r' && text[at] != '\n')
        at++;
    return at;
}

size_t sse_data_longest_line(const char *text, size_t length)
{
    size_t longest = 0, line;

    for (size_t at = 0; at < length; at += line + 1) {
        line = sse_data_line_length(text + at, length - at);
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

/* Of the character, or its escape, that begins here. */
static size_t character_length(const char *raw)
{
    const unsigned char first = (unsigned char)raw[0];

    if (first == '\\')
        return raw[1] == 'u' ? 6 : 2;
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void append_cut(struct buf *to, const char *string, size_t most)
{
    static const char end[] = "\u2026\"";
    size_t at = 1, step;

    while (step = character_length(string + at), at + step + sizeof(end) - 1 <= most)
        at += step;
    buf_append(to, string, at);
    buf_append_str(to, end);
}

void sse_data_shorten(struct buf *to, const char *raw, size_t length, size_t most)
{
    size_t begin = 0, token;

    for (size_t at = 0; at < length; at += token) {
        token = token_length(raw + at, length - at);
        if (raw[at] != '"' || token <= most)
            continue;
        buf_append(to, raw + begin, at - begin);
        append_cut(to, raw + at, most);
        begin = at + token;
    }
    buf_append(to, raw + begin, length - begin);
}
