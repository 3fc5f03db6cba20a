/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "server/config.h"
#include "server/config_keys.h"

/* What a number counts. Its units end with none; the largest are first, for printing takes the
 * first that divides. Behind those down to 1 are some that are read only. */
static const struct kind {
    const char *noun;
    const char *example;
    struct {
        const char *name;
        uint64_t factor;
    } units[9];
} kinds[] = {
    [CONFIG_COUNT] = {"a whole number", "digits such as 100", {{"", 1}}},
    [CONFIG_SIZE] = {"a size",
                     "a number of bytes such as 1048576 or 1MiB",
                     {{"GiB", UINT64_C(1) << 30},
                      {"MiB", UINT64_C(1) << 20},
                      {"KiB", UINT64_C(1) << 10},
                      {"B", 1},
                      {"GB", 1000000000},
                      {"MB", 1000000},
                      {"KB", 1000},
                      {"kB", 1000}}},
    [CONFIG_DURATION] = {"a duration",
                         "a time such as 500ms, 30s, 5m or 1h",
                         {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"d", 86400000}}},
};

uint64_t config_value_number(const struct config_key *key, const void *owner)
{
    const char *from = (const char *)owner + key->offset;
    uint64_t wide = 0;
    uint32_t narrow = 0;

    if (key->width == sizeof(wide)) {
        memcpy(&wide, from, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, from, sizeof(narrow));
    return narrow;
}

static void store_number(const struct config_key *key, void *owner, uint64_t value)
{
    char *to = (char *)owner + key->offset;
    uint32_t narrow = (uint32_t)value;

    if (key->width == sizeof(value))
        memcpy(to, &value, sizeof(value));
    else
        memcpy(to, &narrow, sizeof(narrow));
}

/* -EINVAL: not a number with a unit of this kind; -ERANGE: more than 64 bits hold. */
static int parse_number(const struct kind *kind, const char *text, uint64_t *number)
{
    char *end = NULL;
    uint64_t value = 0;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0)
        return -ERANGE;
    if (end[0] == ' ' && end[1] != '\0')
        end++;
    if (*end == '\0') {
        *number = value; /* bytes, milliseconds or pieces */
        return 0;
    }
    for (size_t i = 0; kind->units[i].name; i++) {
        if (strcmp(end, kind->units[i].name) == 0)
            return __builtin_mul_overflow(value, kind->units[i].factor, number) ? -ERANGE : 0;
    }
    return -EINVAL;
}

static void print_number(const struct config_key *key, uint64_t number, struct buf *to)
{
    const struct kind *kind = &kinds[key->type];

    for (size_t i = 0; kind->units[i].name; i++) {
        if (number != 0 && number % kind->units[i].factor == 0) {
            buf_printf(to, "%" PRIu64 "%s", number / kind->units[i].factor, kind->units[i].name);
            return;
        }
    }
    buf_append_char(to, '0');
}

static void print_words(const char *const *words, struct buf *to)
{
    for (size_t i = 0; words[i]; i++) {
        if (i > 0)
            buf_append_str(to, words[i + 1] ? ", " : " or ");
        buf_append_str(to, words[i]);
    }
}

void config_value_print_range(const struct config_key *key, struct buf *to)
{
    if (config_key_words(key)) {
        print_words(config_key_words(key), to);
        return;
    }
    if (config_key_is_text(key))
        return;
    print_number(key, key->low, to);
    buf_append_str(to, " to ");
    print_number(key, key->high, to);
    if (key->zero)
        buf_printf(to, ", or 0: %s", key->zero);
}

/* Quotes what a person wrote; what is too long to be shown, or not printable, is left out. */
static void print_quoted(const char *text, struct buf *to)
{
    enum { SHOWN = 60 };

    buf_append_char(to, '"');
    for (size_t i = 0; text[i]; i++) {
        if (i == SHOWN) {
            buf_append_str(to, "…");
            break;
        }
        buf_append_char(to, (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?'));
    }
    buf_append_char(to, '"');
}

static int fail(const struct config_key *key, int error, const char *text,
                struct config_fault *fault)
{
    struct buf sentence = BUF_INIT;

    print_quoted(text, &sentence);
    if (config_key_words(key))
        buf_append_str(&sentence, " is not known; use ");
    else if (error == -ERANGE)
        buf_append_str(&sentence, " is out of range; use ");
    else
        buf_printf(&sentence, " is not %s; use %s (allowed: ", kinds[key->type].noun,
                   kinds[key->type].example);
    config_value_print_range(key, &sentence);
    if (!config_key_words(key) && error != -ERANGE)
        buf_append_char(&sentence, ')');
    (void)config_fail(fault, error, "%s", buf_str(&sentence));
    buf_release(&sentence);
    return error;
}

const char *config_value_text(const struct config_key *key, const void *owner)
{
    const char *text = NULL;

    memcpy(&text, (const char *)owner + key->offset, sizeof(text));
    return text ? text : "";
}

/* Takes over the text; frees the one that was there. */
static void put_text(const struct config_key *key, void *owner, char *text)
{
    char *at = (char *)owner + key->offset;
    char *before;

    memcpy(&before, at, sizeof(before));
    free(before);
    memcpy(at, &text, sizeof(text));
}

static int set_text(const struct config_key *key, void *owner, const char *text,
                    struct config_fault *fault)
{
    size_t length = strlen(text);

    if (length < key->low)
        return config_fail(fault, -EINVAL,
                           "is empty; write a text of %" PRIu64 " to %" PRIu64 " bytes", key->low,
                           key->high);
    if (length > key->high)
        return config_fail(fault, -ERANGE, "is %zu bytes long; at most %" PRIu64 " are allowed",
                           length, key->high);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return config_fail(fault, -EINVAL, "holds a control character; leave it out");
    }
    put_text(key, owner, mem_strdup(text));
    return 0;
}

static int set_word(const struct config_key *key, void *owner, const char *text,
                    struct config_fault *fault)
{
    const char *const *words = config_key_words(key);

    for (uint32_t i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        if (key->type == CONFIG_BOOL)
            *(bool *)((char *)owner + key->offset) = i == 1;
        else
            store_number(key, owner, i);
        return 0;
    }
    return fail(key, -EINVAL, text, fault);
}

int config_value_set(const struct config_key *key, void *owner, const char *text,
                     struct config_fault *fault)
{
    uint64_t number = 0;
    int rc = 0;

    if (config_key_is_text(key))
        return set_text(key, owner, text, fault);
    if (config_key_words(key))
        return set_word(key, owner, text, fault);
    rc = parse_number(&kinds[key->type], text, &number);
    if (rc == 0 && (number < key->low || number > key->high) && !(number == 0 && key->zero))
        rc = -ERANGE;
    if (rc != 0)
        return fail(key, rc, text, fault);
    store_number(key, owner, number);
    return 0;
}

static void print_text(const char *text, size_t length, struct buf *to)
{
    buf_append_char(to, '"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_append_char(to, '\\');
        buf_append_char(to, text[i]);
    }
    buf_append_char(to, '"');
}

static void print_texts(const char *texts, struct buf *to)
{
    struct word word;
    bool is_first = true;

    buf_append_char(to, '[');
    for (; words_next(&texts, &word); is_first = false) {
        buf_append_str(to, is_first ? "" : ", ");
        print_text(word.text, word.length, to);
    }
    buf_append_char(to, ']');
}

void config_value_print(const struct config_key *key, const void *owner, struct buf *to)
{
    const char *const *words = config_key_words(key);

    if (key->type == CONFIG_TEXT)
        print_text(config_value_text(key, owner), strlen(config_value_text(key, owner)), to);
    else if (key->type == CONFIG_TEXTS)
        print_texts(config_value_text(key, owner), to);
    else if (key->type == CONFIG_BOOL)
        buf_append_str(to, words[*(const bool *)((const char *)owner + key->offset)]);
    else if (words)
        buf_append_str(to, words[config_value_number(key, owner)]);
    else
        print_number(key, config_value_number(key, owner), to);
}

bool config_value_is_equal(const struct config_key *key, const void *owner, const void *other)
{
    if (config_key_is_text(key))
        return strcmp(config_value_text(key, owner), config_value_text(key, other)) == 0;
    return memcmp((const char *)owner + key->offset, (const char *)other + key->offset,
                  key->width) == 0;
}

void config_value_copy(const struct config_key *key, void *owner, const void *from)
{
    if (config_key_is_text(key))
        put_text(key, owner, mem_strdup(config_value_text(key, from)));
    else
        memcpy((char *)owner + key->offset, (const char *)from + key->offset, key->width);
}

void config_value_release(const struct config_key *key, void *owner)
{
    if (config_key_is_text(key))
        put_text(key, owner, NULL);
}

/* ---- items ---- */

void config_set_defaults(void *owner, const struct config_list *list)
{
    struct config_fault fault;

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->list != list || !config_key_has_value(key))
            continue;
        /* A length below the least is no fault here: the key has to be given. */
        if (config_key_is_text(key) && *key->fallback == '\0')
            put_text(key, owner, mem_strdup(""));
        else if (config_value_set(key, owner, key->fallback, &fault) != 0)
            abort(); /* a row of the table that contradicts itself */
    }
}

size_t config_list_count(const void *owner, const struct config_list *list)
{
    size_t count = 0;

    memcpy(&count, (const char *)owner + list->count, sizeof(count));
    return count;
}

void *config_list_item(const void *owner, const struct config_list *list, size_t index)
{
    return (char *)(uintptr_t)owner + list->items + index * list->item_size;
}

void *config_list_owner(struct config *config, const struct config_list *list, size_t outer)
{
    return list->within ? config_list_item(config, list->within, outer) : config;
}

void config_list_set_count(void *owner, const struct config_list *list, size_t count)
{
    memcpy((char *)owner + list->count, &count, sizeof(count));
}

void *config_list_add(void *owner, const struct config_list *list)
{
    size_t count = config_list_count(owner, list);
    void *item = config_list_item(owner, list, count);

    memset(item, 0, list->item_size);
    config_set_defaults(item, list);
    config_list_set_count(owner, list, count + 1);
    return item;
}

void config_list_clear(void *owner, const struct config_list *list)
{
    size_t count = config_list_count(owner, list);

    for (size_t i = 0; i < count; i++)
        config_owner_release(config_list_item(owner, list, i), list);
    config_list_set_count(owner, list, 0);
}

void config_owner_release(void *owner, const struct config_list *list)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && key->list->within == list)
            config_list_clear(owner, key->list);
        else if (key->list == list && config_key_has_value(key))
            config_value_release(key, owner);
    }
}

void config_list_copy(void *owner, const void *from, const struct config_list *list)
{
    const size_t count = config_list_count(from, list);

    for (size_t i = 0; i < count; i++)
        config_item_copy(config_list_item(owner, list, i), config_list_item(from, list, i), list);
    config_list_set_count(owner, list, count);
}

void config_item_copy(void *item, const void *from, const struct config_list *list)
{
    memcpy(item, from, list->item_size);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && key->list->within == list) {
            config_list_copy(item, from, key->list);
        } else if (key->list == list && config_key_has_value(key) && config_key_is_text(key)) {
            memset((char *)item + key->offset, 0, key->width); /* the text is the other's */
            config_value_copy(key, item, from);
        }
    }
}

int config_assign(struct config *config, const struct config_assignment *assignment,
                  struct config_fault *fault)
{
    const struct config_key *key = assignment->key;
    struct config_fault sentence;
    void *owner = config;
    int rc;

    if (key->list)
        owner = config_list_item(config_list_owner(config, key->list, assignment->outer), key->list,
                                 assignment->index);
    rc = config_value_set(key, owner, assignment->text, &sentence);
    if (rc != 0)
        return config_fail(fault, rc, "%.120s: %s", assignment->where, sentence.message);
    config->given = mem_realloc(config->given, (config->given_count + 1) * sizeof(*config->given));
    config->given[config->given_count++] =
        (struct config_given){key, key->list ? assignment->index : 0};
    return 0;
}

bool config_is_given(const struct config *config, const struct config_key *key, size_t index)
{
    if (!key->list)
        index = 0;
    for (size_t i = 0; i < config->given_count; i++) {
        if (config->given[i].key == key && config->given[i].index == index)
            return true;
    }
    return false;
}

int config_fail(struct config_fault *fault, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->message, sizeof(fault->message), format, arguments);
    va_end(arguments);
    return error;
}
