/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/form.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "h2/escape.h"

struct piece {
    const char *text;
    size_t length;
};

/* How many octets of the source the decoded octet at text came from; 0 when it is malformed. */
static size_t decode_octet(const char *text, size_t length, char *octet)
{
    int value;

    if (*text != '%') {
        *octet = *text;
        if (*octet == '+')
            *octet = ' ';
        return *text == '\0' ? 0 : 1;
    }
    value = h2_escape_value(text, length);
    if (value <= 0)
        return 0;
    *octet = (char)value;
    return 3;
}

/* The decoded octets count and the source's are not one to one: finds where the fault came from. */
static size_t utf8_fault_offset(struct piece source, const char *decoded, size_t length)
{
    size_t good = 0, offset = 0, step;

    while (good < length && (step = utf8_char_length(decoded + good, length - good)) > 0)
        good += step;
    for (; good > 0; good--)
        offset += source.text[offset] == '%' ? 3 : 1;
    return offset;
}

/* Writes the decoded piece and a NUL to *to and moves it on. False: *fault is the offset. */
static bool decode(struct piece source, char **to, size_t *fault)
{
    char *start = *to;
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
    *to = at;
    return true;
}

static bool decode_field(struct h2_form_field *field, struct piece source, char **to, size_t *fault)
{
    const char *equals = memchr(source.text, '=', source.length);
    struct piece name = {source.text, equals ? (size_t)(equals - source.text) : source.length};
    struct piece value;

    field->name = *to;
    if (!decode(name, to, fault))
        return false;
    field->value = "";
    if (!equals)
        return true;
    value.text = equals + 1;
    value.length = source.length - name.length - 1;
    field->value = *to;
    if (decode(value, to, fault))
        return true;
    *fault += name.length + 1;
    return false;
}

/* The next piece between '&', empty ones left out; its text is NULL at the end. */
static struct piece next_piece(const char **text, const char *end)
{
    struct piece piece = {NULL, 0};
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
    struct piece piece;

    while (count <= H2_FORM_MAX_FIELDS && (piece = next_piece(&text, end)).text) {
        *beyond = piece.text;
        count++;
    }
    return count;
}

int h2_form_parse(struct h2_form *form, const char *text, size_t length, size_t *at)
{
    const char *cursor = text;
    const char *end = text + length;
    const char *beyond = text;
    size_t count = count_pieces(text, end, &beyond);
    struct piece piece;
    char *to;

    memset(form, 0, sizeof(*form));
    if (count > H2_FORM_MAX_FIELDS) {
        *at = (size_t)(beyond - text);
        return -E2BIG;
    }
    if (count == 0)
        return 0;
    form->fields = mem_alloc(count * sizeof(*form->fields));
    form->storage = to = mem_alloc(length + 1); /* '=' and '&' leave room for each NUL but one */
    while ((piece = next_piece(&cursor, end)).text) {
        size_t fault;

        if (!decode_field(&form->fields[form->count], piece, &to, &fault)) {
            *at = (size_t)(piece.text - text) + fault;
            h2_form_release(form);
            return -EINVAL;
        }
        form->count++;
    }
    return 0;
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
