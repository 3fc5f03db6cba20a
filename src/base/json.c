/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/utf8.h"

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

static void begin_to_fail(void)
{
    memory.may_fail = true;
    memory.has_failed = false;
}

/* What the failure of what was done meanwhile means. Of some failures jansson says nothing: they
 * are none of the text's. */
static int end_to_fail(const json_error_t *error)
{
    memory.may_fail = false;
    return memory.has_failed || error->text[0] == '\0' ? -ENOMEM : -EINVAL;
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

static void fault_from_jansson(struct json_fault *fault, const char *text, size_t length,
                               const json_error_t *error)
{
    size_t offset = error->position > 0 ? (size_t)error->position : 0;

    /* It points behind the last byte that it read. */
    if (offset > 0)
        offset--;
    fault_place(fault, text, offset < length ? offset : length);
    fault_set(fault, error->text);
}

void json_fault_at(struct json_fault *fault, const char *text, size_t offset, const char *message)
{
    *fault = (struct json_fault){0};
    fault_place(fault, text, offset);
    fault_set(fault, message);
}

static json_t *load(const char *text, size_t length, struct json_fault *fault)
{
    json_error_t error;
    json_t *value;

    begin_to_fail();
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    fault->is_out_of_memory = end_to_fail(&error) == -ENOMEM && !value;
    if (!value && !fault->is_out_of_memory)
        fault_from_jansson(fault, text, length, &error);
    return value;
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

static json_t *parse(const struct json_scan_rules *rules, const char *text, size_t length,
                     struct json_fault *fault)
{
    const char *wrong;
    json_t *value;
    size_t offset;

    wrong = json_scan(text, length, rules, &offset);
    if (wrong) {
        json_fault_at(fault, text, offset, wrong);
        return NULL;
    }
    value = load(rules->kept ? rules->masked : text, length, fault);
    if (!value || !rules->kept)
        return value;
    begin_to_fail();
    fault->is_out_of_memory = !put_all_back(value, rules->kept, rules->tokens);
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
    struct json_scan_rules scanned = {.is_wide = rules->is_wide, .kept = rules->kept};
    json_t *value = NULL;

    text += mark;
    length -= mark;
    *fault = (struct json_fault){0};
    if (rules->kept)
        scanned.masked = json_allocate(2 * length);
    fault->is_out_of_memory = rules->kept && !scanned.masked;
    if (scanned.masked) {
        memcpy(scanned.masked, text, length);
        scanned.tokens = scanned.masked + length;
    }
    if (!fault->is_out_of_memory)
        value = parse(&scanned, text, length, fault);
    if (fault->is_out_of_memory)
        fault_set(fault, "there is no memory to read it");
    free(scanned.masked);
    return value;
}

json_t *json_parse(const char *text, size_t length, struct json_fault *fault)
{
    return json_parse_by(&(struct json_rules){.kept = NULL}, text, length, fault);
}

static void drop_nulls_of_object(json_t *object)
{
    const char *key;
    json_t *member;
    void *next;

    json_object_foreach_safe(object, next, key, member)
    {
        if (json_is_null(member))
            (void)json_object_del(object, key);
    }
}

void json_drop_nulls(json_t *value)
{
    json_t *item;
    size_t i;

    if (json_is_object(value))
        drop_nulls_of_object(value);
    json_array_foreach(value, i, item) {
        if (json_is_object(item))
            drop_nulls_of_object(item);
    }
}

json_t *json_read(const char *text, size_t length, size_t flags, int *error)
{
    json_error_t said;
    json_t *value;

    begin_to_fail();
    value = json_loadb(text, length, flags, &said);
    *error = end_to_fail(&said);
    return value;
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
