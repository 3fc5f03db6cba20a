/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/uri.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

int h2_escape_value(const char *text, size_t length)
{
    return length < 3 ? -1 : digits_hex_value(text + 1, 2);
}

static bool is_control(unsigned char octet)
{
    return octet < 0x20 || octet == 0x7f;
}

static const char forbidden[] =
    "the path must be valid UTF-8 without control characters, spaces, '#', '\\' "
    "and without escaped '/' and '\\'";

/* Writes the octets of [raw, end) to to, at most as many; *length says how many. */
static const char *decode_path(const char *raw, const char *end, char *to, size_t *length)
{
    const char *start = to;

    while (raw < end) {
        unsigned char octet = (unsigned char)*raw;

        if (octet == '%') {
            int value = h2_escape_value(raw, (size_t)(end - raw));

            if (value < 0)
                return "each '%' in the path must be followed by two hexadecimal digits";
            octet = (unsigned char)value;
            /* A separator that came escaped would be text here and a separator elsewhere. */
            if (octet == '/')
                return forbidden;
            raw += 3;
        } else {
            /* What no URI has (RFC 3986 2), or some other reader would take apart. */
            if (octet == ' ' || octet == '#')
                return forbidden;
            raw++;
        }
        if (is_control(octet) || octet == '\\')
            return forbidden;
        *to++ = (char)octet;
    }
    *length = (size_t)(to - start);
    return utf8_is_valid(start, *length) ? NULL : forbidden;
}

/* RFC 3986 5.2.4 in place, but for ".." at the root, which is an error here. */
static const char *resolve_dots(char *path, size_t *length)
{
    const char *end = path + *length;
    const char *from = path + 1;
    char *root = path + 1;
    char *to = root; /* a '/' lies before it whenever a segment begins */

    for (;;) {
        const char *slash = memchr(from, '/', (size_t)(end - from));
        const struct word segment = {from, (size_t)((slash ? slash : end) - from)};

        if (word_is(&segment, "..")) {
            if (to == root)
                return "'..' in the path leads above the root";
            for (to--; to[-1] != '/';)
                to--;
        } else if (!word_is(&segment, ".")) {
            size_t with_slash = segment.length + (slash ? 1 : 0);

            memmove(to, from, with_slash);
            to += with_slash;
        }
        if (!slash)
            break;
        from = slash + 1;
    }
    *length = (size_t)(to - path);
    return NULL;
}

const char *h2_path_parse(const char *raw, struct buf *path, const char **query)
{
    const char *end = raw + strcspn(raw, "?");
    size_t before = path->length;
    size_t length = 0;
    const char *fault;

    if (raw[0] != '/')
        return "the path must start with '/'";
    buf_reserve(path, (size_t)(end - raw));
    fault = decode_path(raw, end, path->data + before, &length);
    if (!fault)
        fault = resolve_dots(path->data + before, &length);
    path->length = fault ? before : before + length;
    path->data[path->length] = '\0';
    if (!fault)
        *query = *end == '?' ? end + 1 : end;
    return fault;
}

/* How many octets of the source the decoded octet at text came from; 0 when it is malformed. */
static size_t decode_octet(const char *text, size_t length, char *octet)
{
    int value;

    if (*text != '%') {
        *octet = (char)(*text == '+' ? ' ' : *text);
        return *text == '\0' ? 0 : 1;
    }
    value = h2_escape_value(text, length);
    if (value <= 0)
        return 0;
    *octet = (char)value;
    return 3;
}

/* The decoded octets count and the source's are not one to one: finds where the fault came from. */
static size_t utf8_fault_offset(struct word source, const char *decoded, size_t length)
{
    size_t good = 0, offset = 0, step;

    while (good < length && (step = utf8_char_length(decoded + good, length - good)) > 0)
        good += step;
    for (; good > 0; good--)
        offset += source.text[offset] == '%' ? 3 : 1;
    return offset;
}

/* Appends the decoded piece and a NUL. False: *fault is the offset. */
static bool decode(struct word source, struct buf *to, size_t *fault)
{
    buf_reserve(to, source.length + 1);
    char *start = to->data + to->length;
    char *at = start;
    size_t offset = 0;

    while (offset < source.length) {
        size_t step = decode_octet(source.text + offset, source.length - offset, at);

        if (step == 0) {
            *fault = offset;
            return false;
        }
        offset += step;
        at++;
    }
    if (!utf8_is_valid(start, (size_t)(at - start))) {
        *fault = utf8_fault_offset(source, start, (size_t)(at - start));
        return false;
    }
    *at++ = '\0';
    to->length += (size_t)(at - start);
    return true;
}

static bool decode_field(struct h2_form_maker *maker, struct word source, size_t *fault)
{
    const char *equals = memchr(source.text, '=', source.length);
    const struct word name = {source.text, equals ? (size_t)(equals - source.text) : source.length};
    const struct word value = {equals ? equals + 1 : "",
                               equals ? source.length - name.length - 1 : 0};

    maker->count++;
    if (!decode(name, &maker->texts, fault))
        return false;
    if (decode(value, &maker->texts, fault))
        return true;
    *fault += name.length + 1;
    return false;
}

/* The next piece between '&', empty ones left out; its text is NULL at the end. */
static struct word next_piece(const char **text, const char *end)
{
    struct word piece = {NULL, 0};
    const char *ampersand;

    while (*text < end && **text == '&')
        (*text)++;
    if (*text == end)
        return piece;
    ampersand = memchr(*text, '&', (size_t)(end - *text));
    piece.text = *text;
    piece.length = (size_t)((ampersand ? ampersand : end) - *text);
    *text += piece.length;
    return piece;
}

/* Counts no further than one above the limit; *beyond is where the first one too many begins. */
static size_t count_pieces(const char *text, const char *end, const char **beyond)
{
    size_t count = 0;
    struct word piece;

    while (count <= H2_FORM_MAX_FIELDS && (piece = next_piece(&text, end)).text) {
        *beyond = piece.text;
        count++;
    }
    return count;
}

int h2_form_parse(struct h2_form *form, const char *text, size_t length, size_t *at)
{
    struct h2_form_maker maker = {.texts = BUF_INIT};
    const char *cursor = text;
    const char *end = text + length;
    const char *beyond = text;
    struct word piece;
    size_t fault;

    memset(form, 0, sizeof(*form));
    if (count_pieces(text, end, &beyond) > H2_FORM_MAX_FIELDS) {
        *at = (size_t)(beyond - text);
        return -E2BIG;
    }
    while ((piece = next_piece(&cursor, end)).text) {
        if (!decode_field(&maker, piece, &fault)) {
            *at = (size_t)(piece.text - text) + fault;
            buf_release(&maker.texts);
            return -EINVAL;
        }
    }
    return h2_form_make(form, &maker);
}

void h2_form_add(struct h2_form_maker *maker, const char *name, const char *value)
{
    buf_append(&maker->texts, name, strlen(name) + 1);
    buf_append(&maker->texts, value, strlen(value) + 1);
    maker->count++;
}

int h2_form_make(struct h2_form *form, struct h2_form_maker *maker)
{
    const bool is_full = maker->count > H2_FORM_MAX_FIELDS;
    const char *text;

    memset(form, 0, sizeof(*form));
    if (is_full || maker->count == 0) {
        buf_release(&maker->texts);
        return is_full ? -E2BIG : 0;
    }
    form->fields = mem_alloc(maker->count * sizeof(*form->fields));
    text = form->storage = buf_detach(&maker->texts);
    while (form->count < maker->count) {
        struct h2_form_field *field = &form->fields[form->count++];

        field->name = text;
        field->value = text + strlen(text) + 1;
        text = field->value + strlen(field->value) + 1;
    }
    return 0;
}

void h2_form_release(struct h2_form *form)
{
    free(form->fields);
    free(form->storage);
    memset(form, 0, sizeof(*form));
}

const char *h2_form_get(const struct h2_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return NULL;
}
