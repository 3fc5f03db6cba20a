/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_raw.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define WORD_BITS 64u
#define KEY_SIZE  4096u

struct reader {
    const char *text;
    size_t length, at;
    char *out; /* NULL: nobody wants the tokens */
    size_t written;
    unsigned depth;
    uint64_t objects[JSON_RAW_MAX_DEPTH / WORD_BITS]; /* a bit for each level that is an object */
};

/* '\0' behind the end, which no token begins or goes on with. */
static char peek(const struct reader *reader)
{
    if (reader->at == reader->length)
        return '\0';
    return reader->text[reader->at];
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->length && strchr(" \t\r\n", reader->text[reader->at]) &&
           reader->text[reader->at] != '\0')
        reader->at++;
}

static void take(struct reader *reader, size_t length)
{
    if (reader->out)
        memcpy(reader->out + reader->written, reader->text + reader->at, length);
    reader->written += length;
    reader->at += length;
}

/* ---- words ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(const struct reader *reader, size_t at)
{
    size_t count = 0;

    while (at + count < reader->length && is_digit(reader->text[at + count]))
        count++;
    return count;
}

static bool is_one_of(const struct reader *reader, size_t at, const char *characters)
{
    return at < reader->length && reader->text[at] != '\0' && strchr(characters, reader->text[at]);
}

static const char *read_number(struct reader *reader)
{
    size_t at = reader->at + (peek(reader) == '-');
    size_t digits = digits_at(reader, at);

    if (digits == 0 || (digits > 1 && reader->text[at] == '0'))
        return "a number is written without leading zeros, and with digits";
    at += digits;
    if (is_one_of(reader, at, ".")) {
        digits = digits_at(reader, ++at);
        if (digits == 0)
            return "digits are expected behind the point of a number";
        at += digits;
    }
    if (is_one_of(reader, at, "eE")) {
        at++;
        at += is_one_of(reader, at, "+-");
        digits = digits_at(reader, at);
        if (digits == 0)
            return "digits are expected in the exponent of a number";
        at += digits;
    }
    take(reader, at - reader->at);
    return NULL;
}

static const char *read_word(struct reader *reader, const char *word)
{
    const size_t length = strlen(word);

    if (reader->length - reader->at < length ||
        memcmp(reader->text + reader->at, word, length) != 0)
        return "a JSON value is expected";
    take(reader, length);
    return NULL;
}

/* ---- strings ---- */

/* The unit behind "\u"; -1: there are no four hexadecimal digits. */
static int32_t read_unit(const char *text, size_t length)
{
    return length < 4 ? -1 : digits_hex_value(text, 4);
}

static const char *read_escape(struct reader *reader)
{
    const size_t at = reader->at + 1;

    if (is_one_of(reader, at, "\"\\/bfnrt")) {
        take(reader, 2);
        return NULL;
    }
    if (!is_one_of(reader, at, "u") ||
        read_unit(reader->text + at + 1, reader->length - at - 1) < 0)
        return "invalid escape: \\ is followed by one of \"\\/bfnrt, or by u and four hexadecimal "
               "digits";
    take(reader, 6);
    return NULL;
}

static const char *read_character(struct reader *reader)
{
    const char *at = reader->text + reader->at;
    const size_t length = utf8_char_length(at, reader->length - reader->at);

    if (length == 0)
        return "not valid UTF-8";
    if ((unsigned char)*at < ' ')
        return "a control character in a string is written as an escape";
    take(reader, length);
    return NULL;
}

static bool are_plain(uint64_t bytes)
{
    return swar_is_ascii(bytes) && !swar_has_below(bytes, ' ') && !swar_has(bytes, '"') &&
           !swar_has(bytes, '\\');
}

size_t json_raw_plain(const char *text, size_t length)
{
    size_t at = 0;

    while (length - at >= SWAR_SIZE && are_plain(swar_load(text + at)))
        at += SWAR_SIZE;
    return at;
}

static const char *read_string(struct reader *reader)
{
    const char *wrong = NULL;

    take(reader, 1);
    while (!wrong && reader->at < reader->length && peek(reader) != '"') {
        const size_t plain = json_raw_plain(reader->text + reader->at, reader->length - reader->at);

        if (plain > 0)
            take(reader, plain);
        else
            wrong = peek(reader) == '\\' ? read_escape(reader) : read_character(reader);
    }
    if (wrong)
        return wrong;
    if (reader->at == reader->length)
        return "a string has no end";
    take(reader, 1);
    return NULL;
}

/* ---- values ---- */

static const char *read_key(struct reader *reader)
{
    const char *wrong;

    skip_space(reader);
    if (peek(reader) != '"')
        return "a key in quotes is expected";
    wrong = read_string(reader);
    if (wrong)
        return wrong;
    skip_space(reader);
    if (peek(reader) != ':')
        return "':' is expected behind a key";
    take(reader, 1);
    return NULL;
}

/* *is_empty: it has ended again. */
static const char *enter(struct reader *reader, bool is_object, bool *is_empty)
{
    const unsigned level = reader->depth;

    if (level == JSON_RAW_MAX_DEPTH)
        return "nested too deep (at most 512 levels)";
    reader->objects[level / WORD_BITS] &= ~(UINT64_C(1) << level % WORD_BITS);
    reader->objects[level / WORD_BITS] |= (uint64_t)is_object << level % WORD_BITS;
    take(reader, 1);
    skip_space(reader);
    *is_empty = peek(reader) == (is_object ? '}' : ']');
    if (*is_empty) {
        take(reader, 1);
        return NULL;
    }
    reader->depth++;
    return is_object ? read_key(reader) : NULL;
}

/* *has_ended: what began here is a value whole. */
static const char *begin_value(struct reader *reader, bool *has_ended)
{
    const char c = peek(reader);

    *has_ended = true;
    switch (c) {
    case '{':
    case '[':
        return enter(reader, c == '{', has_ended);
    case '"':
        return read_string(reader);
    case 't':
        return read_word(reader, "true");
    case 'f':
        return read_word(reader, "false");
    case 'n':
        return read_word(reader, "null");
    default:
        return c == '-' || is_digit(c) ? read_number(reader) : "a JSON value is expected";
    }
}

/* Behind a value: ends what it was the last of. *has_ended: the outermost has, too. */
static const char *end_value(struct reader *reader, bool *has_ended)
{
    while (reader->depth > 0) {
        const unsigned level = reader->depth - 1;
        const bool is_object = reader->objects[level / WORD_BITS] >> level % WORD_BITS & 1;

        skip_space(reader);
        if (peek(reader) == ',') {
            take(reader, 1);
            *has_ended = false;
            return is_object ? read_key(reader) : NULL;
        }
        if (peek(reader) != (is_object ? '}' : ']'))
            return is_object ? "',' or '}' is expected" : "',' or ']' is expected";
        take(reader, 1);
        reader->depth--;
    }
    *has_ended = true;
    return NULL;
}

const char *json_raw_read(const char *text, size_t length, size_t *at, char *compact,
                          size_t *written)
{
    struct reader reader = {.text = text, .length = length, .at = *at, .out = compact};
    const char *wrong = NULL;
    bool has_ended = false;

    while (!wrong && !has_ended) {
        skip_space(&reader);
        wrong = begin_value(&reader, &has_ended);
        if (!wrong && has_ended)
            wrong = end_value(&reader, &has_ended);
    }
    *at = reader.at;
    *written = reader.written;
    return wrong;
}

bool json_raw_is_value(const char *text, size_t length)
{
    struct reader rest = {.text = text, .length = length};
    size_t written;

    if (json_raw_read(text, length, &rest.at, NULL, &written))
        return false;
    skip_space(&rest);
    return rest.at == length;
}

/* ---- the text of a string ---- */

static bool is_high(int32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(int32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

/* What an escape stands for, and in *length how long it is, its other half with it. */
static uint32_t read_escaped(const char *raw, size_t left, size_t *length)
{
    static const char named[] = "b\bf\fn\nr\rt\t";
    int32_t unit, low;

    *length = 2;
    if (raw[1] != 'u') {
        const char *name = strchr(named, raw[1]);

        return (unsigned char)(name ? name[1] : raw[1]);
    }
    *length = 6;
    unit = read_unit(raw + 2, left - 2);
    if (!is_high(unit))
        return is_low(unit) ? 0xFFFD : (uint32_t)unit;
    low = left >= 12 && raw[6] == '\\' && raw[7] == 'u' ? read_unit(raw + 8, left - 8) : -1;
    if (!is_low(low))
        return 0xFFFD;
    *length = 12;
    return 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
}

size_t json_raw_text(const char *raw, size_t length, char *text)
{
    const char *const end = raw + length - 1;
    size_t written = 0, step;

    for (raw++; raw < end; raw += step) {
        const char *escape = memchr(raw, '\\', (size_t)(end - raw));

        step = (size_t)((escape ? escape : end) - raw);
        memcpy(text + written, raw, step);
        written += step;
        raw += step;
        step = 0;
        if (escape)
            written += utf8_encode(read_escaped(raw, (size_t)(end - raw), &step), text + written);
    }
    return written;
}

void json_raw_each_key(const char *raw, void (*on_key)(void *context, const char *key),
                       void *context)
{
    const size_t length = strlen(raw);
    char key[KEY_SIZE];
    size_t at = 1, written;

    while (raw[at] != '}') {
        const char *begin = raw + at;

        (void)json_raw_read(raw, length, &at, NULL, &written);
        if (written < sizeof(key)) {
            key[json_raw_text(begin, written, key)] = '\0';
            on_key(context, key);
        }
        at++; /* the colon */
        (void)json_raw_read(raw, length, &at, NULL, &written);
        at += raw[at] == ',';
    }
}
