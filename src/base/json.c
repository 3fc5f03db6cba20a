/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/json_raw.h"
#include "base/mem.h"
#include "base/text.h"

#define MOST_INT64_DIGITS 18u

/* jansson has one allocator, which is not told for whom it works. */
static _Thread_local struct {
    bool may_fail, has_failed;
} memory;

static void *allocate(size_t size)
{
    void *allocated = NULL;

    if (!fault_allocation(FAULT_JSON))
        allocated = memory.may_fail ? malloc(size) : mem_alloc(size);
    else if (!memory.may_fail)
        mem_fail(size);
    memory.has_failed = memory.has_failed || !allocated;
    return allocated;
}

char *json_allocate(size_t size)
{
    return fault_allocation(FAULT_JSON) ? NULL : malloc(size > 0 ? size : 1);
}

void json_init(void)
{
    json_set_alloc_funcs(allocate, free);
}

/* Keeps the longest part of text that fits and ends with a whole character. */
static void fault_set(struct json_fault *fault, const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        size_t step = utf8_char_length(text + length, strlen(text + length));

        if (step == 0 || length + step >= sizeof(fault->message))
            break;
        length += step;
    }
    memcpy(fault->message, text, length);
    fault->message[length] = '\0';
}

/* jansson counts columns in characters; ours count bytes, as editors and cut -b do. */
static void fault_place(struct json_fault *fault, const char *text, size_t offset)
{
    fault->line = 1;
    fault->column = 1;
    for (size_t i = 0; i < offset; i++) {
        fault->column++;
        if (text[i] == '\n') {
            fault->line++;
            fault->column = 1;
        }
    }
}

void json_fault_at(struct json_fault *fault, const char *text, size_t offset, const char *message)
{
    *fault = (struct json_fault){0};
    fault_place(fault, text, offset);
    fault_set(fault, message);
}

/* ---- a first look at a text: whether it is within JSON_MAX_DEPTH and JSON_MAX_VALUES, well-formed
 * UTF-8, and without NUL. It knows strings and brackets; the parser checks the rest ---- */

_Static_assert(JSON_MAX_DEPTH <= 64, "one bit per level");

struct scan {
    const char *text;
    size_t length;
    size_t at;
    const struct json_rules *rules;
    char *masked; /* with kept, a copy of the text: in their places comes a 0 among blanks */
    char *tokens; /* with kept, room for the text: what they hold, in order, each with a NUL */
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
    scan->masked[begin] = '0';
    for (size_t i = begin + 1; i < scan->at; i++) {
        if (scan->text[i] != '\n') /* lines are counted */
            scan->masked[i] = ' ';
    }
}

static const char *keep_value(struct scan *scan)
{
    char *tokens = scan->tokens + scan->kept;
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

/* What is wrong, and scan->at says where; or NULL when the parser may have it: with kept, what is
 * masked. */
static const char *scan_text(struct scan *scan)
{
    const char *wrong = NULL;

    while (scan->at < scan->length && is_space(scan->text[scan->at]))
        scan->at++;
    if (scan->at >= scan->length)
        wrong = "there is nothing: a JSON value is expected";
    while (wrong == NULL && scan->at < scan->length)
        wrong = scan_token(scan);
    if (scan->at > scan->length)
        scan->at = scan->length;
    return wrong;
}

/* ---- trees ---- */

/* Of some failures jansson says nothing: they are none of the text's. */
static json_t *load(const char *text, size_t length, struct json_fault *fault)
{
    json_error_t error;
    json_t *value;
    size_t offset;

    memory.may_fail = true;
    memory.has_failed = false;
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    memory.may_fail = false;
    fault->is_out_of_memory = !value && (memory.has_failed || error.text[0] == '\0');
    if (value || fault->is_out_of_memory)
        return value;
    /* It points behind the last byte that it read. */
    offset = error.position > 0 ? (size_t)error.position - 1 : 0;
    json_fault_at(fault, text, offset < length ? offset : length, error.text);
    return NULL;
}

/* The scan found them in the order in which they are here: each object has one at the most.
 * False: there is no memory for it. */
static bool put_back(json_t *object, const char *kept, const char **tokens)
{
    json_t *string;

    if (!json_object_get(object, kept))
        return true;
    string = json_string_nocheck(*tokens);
    *tokens += strlen(*tokens) + 1;
    return string && json_object_set_new(object, kept, string) == 0;
}

static bool put_all_back(json_t *value, const char *kept, const char *tokens)
{
    bool is_done = !json_is_object(value) || put_back(value, kept, &tokens);
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
        is_done = is_done && (!json_is_object(item) || put_back(item, kept, &tokens));
    return is_done;
}

static json_t *parse(struct scan *scan, struct json_fault *fault)
{
    const char *const kept = scan->rules->kept;
    const char *wrong = scan_text(scan);
    json_t *value;

    if (wrong) {
        json_fault_at(fault, scan->text, scan->at, wrong);
        return NULL;
    }
    value = load(kept ? scan->masked : scan->text, scan->length, fault);
    if (!value || !kept)
        return value;
    memory.may_fail = true;
    fault->is_out_of_memory = !put_all_back(value, kept, scan->tokens);
    memory.may_fail = false;
    if (!fault->is_out_of_memory)
        return value;
    json_decref(value);
    return NULL;
}

json_t *json_parse_by(const struct json_rules *rules, const char *text, size_t length,
                      struct json_fault *fault)
{
    const size_t mark = utf8_mark_length(text, length);
    struct scan scan = {.text = text + mark, .length = length - mark, .rules = rules};
    json_t *value = NULL;

    *fault = (struct json_fault){0};
    if (rules->kept)
        scan.masked = json_allocate(2 * scan.length);
    fault->is_out_of_memory = rules->kept && !scan.masked;
    if (scan.masked) {
        memcpy(scan.masked, scan.text, scan.length);
        scan.tokens = scan.masked + scan.length;
    }
    if (!fault->is_out_of_memory)
        value = parse(&scan, fault);
    if (fault->is_out_of_memory)
        fault_set(fault, "there is no memory to read it");
    free(scan.masked);
    return value;
}

json_t *json_parse(const char *text, size_t length, struct json_fault *fault)
{
    return json_parse_by(&(struct json_rules){.kept = NULL}, text, length, fault);
}

void json_drop_nulls(json_t *value)
{
    const char *key;
    json_t *member;
    void *next;
    size_t i;

    json_object_foreach_safe(value, next, key, member)
    {
        if (json_is_null(member))
            (void)json_object_del(value, key);
    }
    json_array_foreach(value, i, member)
        json_drop_nulls(member);
}

char *json_write(const json_t *value, size_t flags)
{
    char *text;

    memory.may_fail = true;
    text = json_dumps(value, flags);
    memory.may_fail = false;
    return text;
}

json_t *json_text_or_null(const char *text)
{
    json_t *string = *text != '\0' ? json_string(text) : NULL;

    return string ? string : json_null();
}

json_t *json_number_or_null(const char *text)
{
    const size_t length = strlen(text);

    if (length == 0 || length > MOST_INT64_DIGITS || strspn(text, "0123456789") != length)
        return json_null();
    return json_integer(strtoll(text, NULL, 10));
}

json_t *json_words(const char *words)
{
    json_t *list = json_array();
    struct word word;

    while (words_next(&words, &word))
        json_array_append_new(list, json_stringn(word.text, word.length));
    return list;
}

const char *json_id_text(const json_t *value, char *buffer, size_t size)
{
    size_t length;

    if (json_is_integer(value)) {
        int written = snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));

        return written > 0 && (size_t)written < size ? buffer : NULL;
    }
    if (!json_is_string(value))
        return NULL;
    length = json_string_length(value);
    if (length >= size || memchr(json_string_value(value), '\0', length) != NULL)
        return NULL;
    memcpy(buffer, json_string_value(value), length + 1);
    return buffer;
}

/* ---- written without a tree ---- */

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
    const char *const end = text + strlen(text);

    buf_reserve(buf, (size_t)(end - text) + 2);
    buf_append_char(buf, '"');
    while (text < end) {
        const size_t plain = plain_length(text, (size_t)(end - text));

        buf_append(buf, text, plain);
        text += plain;
        if (text == end)
            break;
        if ((unsigned char)*text >= 0x80)
            buf_append_str(buf, "\xef\xbf\xbd");
        else
            append_escape(buf, (unsigned char)*text);
        text++;
    }
    buf_append_char(buf, '"');
}

void json_text_number(struct buf *buf, uint64_t number)
{
    char digits[DIGITS_SIZE];

    buf_append(buf, digits, digits_write(digits, number, 10));
}

void json_text_next(struct buf *buf)
{
    if (buf->length > 0 && !strchr("[{,", buf->data[buf->length - 1]))
        buf_append_char(buf, ',');
}

void json_text_member(struct buf *buf, const char *name, const char *text)
{
    json_text_next(buf);
    buf_printf(buf, "\"%s\":", name);
    if (text)
        json_text_string(buf, text);
    else
        buf_append_str(buf, "null");
}
