/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/json_raw.h"
#include "base/utf8.h"

_Static_assert(JSON_MAX_DEPTH <= 64, "one bit per level");

struct scan {
    const char *text;
    size_t length;
    size_t at;
    const struct json_scan_rules *rules;
    unsigned depth;
    unsigned values;                     /* inside the outermost one; keys are not counted */
    unsigned brackets;                   /* so many of them are arrays and objects */
    unsigned widths[JSON_MAX_DEPTH + 1]; /* of what is open, by depth */
    uint64_t objects;                    /* bit n: the bracket at depth n is an object's */
    bool key_next;                       /* a string here is a key */
    bool kept_next;                      /* behind the colon comes what is kept */
    size_t kept;                         /* bytes of tokens so far */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool in_object(const struct scan *scan)
{
    return (scan->objects >> scan->depth & 1) != 0;
}

static const char *count_value(struct scan *scan)
{
    scan->widths[scan->depth]++;
    if (scan->depth == 0)
        return NULL;
    if (scan->rules->is_wide && scan->widths[scan->depth] > JSON_MAX_VALUES)
        return "too many values in one array or object (at most 10000)";
    if (!scan->rules->is_wide && ++scan->values > JSON_MAX_VALUES)
        return "too many values (at most 10000)";
    return NULL;
}

static const char *enter(struct scan *scan, bool object)
{
    const char *wrong = count_value(scan);

    if (wrong != NULL)
        return wrong;
    if (scan->depth == JSON_MAX_DEPTH)
        return "nested too deep (at most 32 levels)";
    if (++scan->brackets > JSON_MAX_VALUES)
        return "too many arrays and objects (at most 10000)";
    scan->depth++;
    scan->widths[scan->depth] = 0;
    scan->objects &= ~(UINT64_C(1) << scan->depth);
    scan->objects |= (uint64_t)object << scan->depth;
    scan->key_next = object;
    scan->at++;
    return NULL;
}

static void leave(struct scan *scan)
{
    /* One too many is for the parser to tell. */
    if (scan->depth > 0)
        scan->depth--;
    scan->key_next = false;
    scan->at++;
}

/* One character, in a string or outside. */
static const char *step(struct scan *scan)
{
    size_t length = utf8_char_length(scan->text + scan->at, scan->length - scan->at);

    if (length == 0)
        return "not valid UTF-8";
    if (scan->text[scan->at] == '\0')
        return "a NUL byte is not allowed";
    scan->at += length;
    return NULL;
}

static bool is_escaped_nul(const struct scan *scan)
{
    return scan->length - scan->at >= 6 && memcmp(scan->text + scan->at, "\\u0000", 6) == 0;
}

/* ---- what is kept ---- */

/* Of the outermost object, or of one in the outermost array. */
static bool may_keep(const struct scan *scan)
{
    return scan->rules->kept && in_object(scan) &&
           (scan->depth == 1 || (scan->depth == 2 && (scan->objects & 2) == 0));
}

/* Whether the key that begins here has the name of what is kept, however it is written. */
static bool is_kept_key(const struct scan *scan)
{
    const size_t length = strlen(scan->rules->kept);
    char key[64]; /* a name of a few letters, each of which may be written with six */
    size_t at = scan->at, written;

    if (json_raw_read(scan->text, scan->length, &at, NULL, &written) || written > sizeof(key))
        return false;
    return json_raw_text(scan->text + scan->at, written, key) == length &&
           memcmp(key, scan->rules->kept, length) == 0;
}

static void mask(const struct scan *scan, size_t begin)
{
    scan->rules->masked[begin] = '0';
    for (size_t i = begin + 1; i < scan->at; i++) {
        if (scan->text[i] != '\n') /* lines are counted */
            scan->rules->masked[i] = ' ';
    }
}

static const char *keep_value(struct scan *scan)
{
    char *tokens = scan->rules->tokens + scan->kept;
    const size_t begin = scan->at;
    size_t written;
    const char *wrong = json_raw_read(scan->text, scan->length, &scan->at, tokens, &written);

    scan->kept_next = false;
    if (wrong)
        return wrong;
    tokens[written] = '\0';
    scan->kept += written + 1; /* the colon's place */
    mask(scan, begin);
    return NULL;
}

static const char *scan_string(struct scan *scan)
{
    const char *wrong = scan->key_next ? NULL : count_value(scan);

    scan->kept_next = scan->key_next && may_keep(scan) && is_kept_key(scan);
    scan->key_next = false;
    if (wrong != NULL)
        return wrong;
    scan->at++;
    scan->at += json_raw_plain(scan->text + scan->at, scan->length - scan->at);
    while (scan->at < scan->length && scan->text[scan->at] != '"') {
        if (is_escaped_nul(scan))
            return "\\u0000 is not allowed in a string";
        if (scan->text[scan->at] == '\\' && scan->at + 1 < scan->length)
            scan->at++;
        wrong = step(scan);
        if (wrong != NULL)
            return wrong;
        scan->at += json_raw_plain(scan->text + scan->at, scan->length - scan->at);
    }
    scan->at++; /* the closing quote; when it is missing, the parser tells */
    return NULL;
}

static bool ends_word(char c)
{
    return is_space(c) || strchr("[]{},:\"", c) != NULL; /* NUL ends one too */
}

/* A number, true, false, null, or something that the parser will not like. */
static const char *scan_word(struct scan *scan)
{
    const char *wrong = count_value(scan);

    while (wrong == NULL && scan->at < scan->length && !ends_word(scan->text[scan->at]))
        wrong = step(scan);
    return wrong;
}

static const char *scan_token(struct scan *scan)
{
    switch (scan->text[scan->at]) {
    case '{':
        return enter(scan, true);
    case '[':
        return enter(scan, false);
    case '}':
    case ']':
        leave(scan);
        return NULL;
    case '"':
        return scan_string(scan);
    case ',':
        scan->key_next = in_object(scan);
        scan->at++;
        return NULL;
    case ':':
        scan->at++;
        return scan->kept_next ? keep_value(scan) : NULL;
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case '\0':
        return step(scan);
    default:
        return scan_word(scan);
    }
}

const char *json_scan(const char *text, size_t length, const struct json_scan_rules *rules,
                      size_t *offset)
{
    struct scan scan = {.text = text, .length = length, .rules = rules};
    const char *wrong = NULL;

    while (scan.at < length && is_space(text[scan.at]))
        scan.at++;
    if (scan.at >= length)
        wrong = "there is nothing: a JSON value is expected";
    while (wrong == NULL && scan.at < length)
        wrong = scan_token(&scan);
    *offset = scan.at < length ? scan.at : length;
    return wrong;
}

/* Whether a key stands here: the outermost object's, of this name, and complete. */
static bool is_key(const struct scan *scan, const char *name)
{
    const size_t length = strlen(name);

    return scan->depth == 1 && scan->key_next && scan->text[scan->at] == '"' &&
           scan->length - scan->at > length + 2 &&
           memcmp(scan->text + scan->at + 1, name, length) == 0 &&
           scan->text[scan->at + 1 + length] == '"';
}

static size_t skip_space(const struct scan *scan, size_t at)
{
    while (at < scan->length && is_space(scan->text[at]))
        at++;
    return at;
}

static const char *copy_value(const struct scan *scan, size_t at, char *buffer, size_t size)
{
    const char *begin, *end;

    at = skip_space(scan, at);
    if (at >= scan->length || scan->text[at] != ':')
        return NULL;
    at = skip_space(scan, at + 1);
    if (at >= scan->length || scan->text[at] != '"')
        return NULL;
    begin = scan->text + at + 1;
    end = memchr(begin, '"', (size_t)(scan->text + scan->length - begin));
    if (!end || (size_t)(end - begin) >= size || memchr(begin, '\\', (size_t)(end - begin)))
        return NULL;
    memcpy(buffer, begin, (size_t)(end - begin));
    buffer[end - begin] = '\0';
    return buffer;
}

const char *json_scan_member(const char *text, size_t length, const char *name, char *buffer,
                             size_t size)
{
    static const struct json_scan_rules rules = {.kept = NULL};
    struct scan scan = {.text = text, .length = length, .rules = &rules};

    while (scan.at < length) {
        if (is_key(&scan, name))
            return copy_value(&scan, scan.at + strlen(name) + 2, buffer, size);
        if (scan_token(&scan) != NULL)
            return NULL;
    }
    return NULL;
}
