/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_view.h"

#include <string.h>

#include "base/json.h"
#include "base/json_raw.h"
#include "base/text.h"

#define MOST_DIGITS 18u /* of an int64_t, whatever they are */

struct json_view json_view_of(const json_t *value)
{
    struct json_view view = {.kind = value ? JSON_VIEW_OTHER : JSON_VIEW_NONE};

    if (json_is_string(value)) {
        view.kind = JSON_VIEW_TEXT;
        view.text = json_string_value(value);
        view.length = json_string_length(value);
    } else if (json_is_integer(value)) {
        view.kind = JSON_VIEW_INTEGER;
        view.integer = json_integer_value(value);
    } else if (json_is_array(value)) {
        view.kind = JSON_VIEW_ARRAY;
        view.tree = value;
        view.count = json_array_size(value);
    } else if (json_is_boolean(value)) {
        view.kind = json_is_true(value) ? JSON_VIEW_TRUE : JSON_VIEW_FALSE;
    }
    return view;
}

/* ---- in a text ---- */

static char peek(const struct json_view_text *text)
{
    if (text->at == text->length)
        return '\0';
    return text->text[text->at];
}

static void skip_space(struct json_view_text *text)
{
    char c = peek(text);

    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        text->at++;
        c = peek(text);
    }
}

bool json_view_take(struct json_view_text *text, char mark)
{
    skip_space(text);
    if (peek(text) != mark)
        return false;
    text->at++;
    return true;
}

bool json_view_is_over(struct json_view_text *text)
{
    skip_space(text);
    return text->at == text->length;
}

/* Up to its end, which is taken too. */
static bool read_string(struct json_view_text *text, struct json_view *view)
{
    const size_t begin = ++text->at;
    size_t step;

    for (;; text->at += step) {
        text->at += json_raw_plain(text->text + text->at, text->length - text->at);
        if (peek(text) == '"')
            break;
        step = utf8_char_length(text->text + text->at, text->length - text->at);
        if (step == 0 || peek(text) == '\\' || (unsigned char)peek(text) < ' ')
            return false;
    }
    *view = (struct json_view){
        .kind = JSON_VIEW_TEXT, .text = text->text + begin, .length = text->at - begin};
    text->at++;
    return true;
}

static bool read_integer(struct json_view_text *text, struct json_view *view)
{
    const bool is_negative = peek(text) == '-';
    const size_t begin = text->at += is_negative;
    int64_t value = 0;
    char c;

    for (c = peek(text); c >= '0' && c <= '9' && text->at - begin < MOST_DIGITS; c = peek(text)) {
        value = value * 10 + (c - '0');
        text->at++;
    }
    if (text->at == begin || (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' ||
        (text->text[begin] == '0' && (is_negative || text->at - begin > 1)))
        return false;
    *view = (struct json_view){.kind = JSON_VIEW_INTEGER, .integer = is_negative ? -value : value};
    return true;
}

static bool read_word(struct json_view_text *text, const char *word, enum json_view_kind kind,
                      struct json_view *view)
{
    const size_t length = strlen(word);

    if (text->length - text->at < length || memcmp(text->text + text->at, word, length) != 0)
        return false;
    text->at += length;
    view->kind = kind;
    return true;
}

static bool read_id(struct json_view_text *text, struct json_view *view)
{
    skip_space(text);
    return peek(text) == '"' ? read_string(text, view) : read_integer(text, view);
}

static bool read_array(struct json_view_text *text, struct json_view *view)
{
    struct json_view array = {.kind = JSON_VIEW_ARRAY}, value;

    text->at++;
    skip_space(text);
    array.text = text->text + text->at;
    array.length = text->length - text->at;
    if (!json_view_take(text, ']')) {
        do {
            if (!read_id(text, &value) || ++array.count > JSON_MAX_VALUES)
                return false;
        } while (json_view_take(text, ','));
        if (!json_view_take(text, ']'))
            return false;
    }
    *view = array;
    return true;
}

static bool read_value(struct json_view_text *text, struct json_view *view)
{
    skip_space(text);
    switch (peek(text)) {
    case '"':
        return read_string(text, view);
    case '[':
        return read_array(text, view);
    case 't':
        return read_word(text, "true", JSON_VIEW_TRUE, view);
    case 'f':
        return read_word(text, "false", JSON_VIEW_FALSE, view);
    case 'n':
        return read_word(text, "null", JSON_VIEW_NONE, view);
    default:
        return read_integer(text, view);
    }
}

static bool read_kept(struct json_view_text *text, struct json_view *view)
{
    size_t written;

    skip_space(text);
    view->kind = JSON_VIEW_TEXT;
    view->text = text->text + text->at;
    if (json_raw_read(text->text, text->length, &text->at, NULL, &written))
        return false;
    view->length = (size_t)(text->text + text->at - view->text);
    return true;
}

static bool read_member(struct json_view_text *text, const struct json_view_members *members,
                        uint32_t *seen, struct json_view *views)
{
    const char *name, *end;
    int at;

    if (!json_view_take(text, '"'))
        return false;
    name = text->text + text->at;
    end = memchr(name, '"', text->length - text->at);
    at = end ? members->find(name, (size_t)(end - name)) : -1;
    if (at < 0 || (*seen & UINT32_C(1) << at))
        return false;
    *seen |= UINT32_C(1) << at;
    text->at += (size_t)(end - name) + 1;
    return json_view_take(text, ':') &&
           (at == members->kept ? read_kept(text, &views[at]) : read_value(text, &views[at]));
}

bool json_view_object(struct json_view_text *text, const struct json_view_members *members,
                      struct json_view *views)
{
    uint32_t seen = 0;

    if (!json_view_take(text, '{'))
        return false;
    if (json_view_take(text, '}'))
        return true;
    do {
        if (!read_member(text, members, &seen, views))
            return false;
    } while (json_view_take(text, ','));
    return json_view_take(text, '}');
}

const char *json_view_member(const char *text, size_t length, const char *name, char *buffer,
                             size_t size)
{
    struct json_view_text rest = {text, length, utf8_mark_length(text, length)};
    const size_t name_length = strlen(name);
    struct json_view value;
    size_t key, written;

    if (!json_view_take(&rest, '{'))
        return NULL;
    do {
        skip_space(&rest);
        key = rest.at;
        if (peek(&rest) != '"' || json_raw_read(text, length, &rest.at, NULL, &written) ||
            !json_view_take(&rest, ':'))
            return NULL;
        skip_space(&rest);
        if (written != name_length + 2 || memcmp(text + key + 1, name, name_length) != 0)
            continue;
        if (peek(&rest) != '"' || !read_string(&rest, &value) || value.length >= size)
            return NULL;
        memcpy(buffer, value.text, value.length);
        buffer[value.length] = '\0';
        return buffer;
    } while (!json_raw_read(text, length, &rest.at, NULL, &written) && json_view_take(&rest, ','));
    return NULL;
}

struct json_view json_view_next(struct json_view *array)
{
    struct json_view_text text = {.text = array->text, .length = array->length};
    struct json_view value = {.kind = JSON_VIEW_NONE};

    if (array->tree)
        return json_view_of(json_array_get(array->tree, array->next++));
    (void)read_id(&text, &value);
    (void)json_view_take(&text, ',');
    array->text += text.at;
    array->length -= text.at;
    return value;
}
