/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/words.h"
#include "server/config_keys.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: printing takes the first that divides. Behind those down to 1 are some that are
 * read only. */
static const struct unit size_units[] = {{"GiB", UINT64_C(1) << 30},
                                         {"MiB", UINT64_C(1) << 20},
                                         {"KiB", UINT64_C(1) << 10},
                                         {"B", 1},
                                         {"GB", 1000000000},
                                         {"MB", 1000000},
                                         {"KB", 1000},
                                         {"kB", 1000}};
static const struct unit duration_units[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"d", 86400000}};
static const struct unit count_units[] = {{"", 1}};

struct kind {
    const char *noun;
    const char *example;
    const struct unit *units;
    size_t unit_count;
};

static struct kind kind_of(const struct config_key *key)
{
    static const struct kind size = {"a size", "a number of bytes such as 1048576 or 1MiB",
                                     size_units, sizeof(size_units) / sizeof(size_units[0])};
    static const struct kind duration = {"a duration", "a time such as 500ms, 30s, 5m or 1h",
                                         duration_units,
                                         sizeof(duration_units) / sizeof(duration_units[0])};
    static const struct kind count = {"a whole number", "digits such as 100", count_units, 1};

    if (key->type == CONFIG_SIZE)
        return size;
    return key->type == CONFIG_DURATION ? duration : count;
}

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
    for (size_t i = 0; i < kind->unit_count; i++) {
        if (strcmp(end, kind->units[i].name) == 0)
            return __builtin_mul_overflow(value, kind->units[i].factor, number) ? -ERANGE : 0;
    }
    return -EINVAL;
}

static void print_number(const struct config_key *key, uint64_t number, struct buf *to)
{
    struct kind kind = kind_of(key);

    for (size_t i = 0; i < kind.unit_count; i++) {
        if (number != 0 && number % kind.units[i].factor == 0) {
            buf_printf(to, "%" PRIu64 "%s", number / kind.units[i].factor, kind.units[i].name);
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
    if (key->words) {
        print_words(key->words, to);
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

static int fail(const struct config_key *key, int error, const char *text, char *fault,
                size_t fault_size)
{
    struct kind kind = kind_of(key);
    struct buf sentence = BUF_INIT;

    print_quoted(text, &sentence);
    if (key->words)
        buf_append_str(&sentence, " is not known; use ");
    else if (error == -ERANGE)
        buf_append_str(&sentence, " is out of range; use ");
    else
        buf_printf(&sentence, " is not %s; use %s (allowed: ", kind.noun, kind.example);
    config_value_print_range(key, &sentence);
    if (!key->words && error != -ERANGE)
        buf_append_char(&sentence, ')');
    snprintf(fault, fault_size, "%s", buf_str(&sentence));
    buf_release(&sentence);
    return error;
}

static int set_text(const struct config_key *key, void *owner, const char *text, char *fault,
                    size_t fault_size)
{
    char *copy = NULL;
    size_t length = strlen(text);

    if (length < key->low) {
        snprintf(fault, fault_size, "is empty; write a text of %" PRIu64 " to %" PRIu64 " bytes",
                 key->low, key->high);
        return -EINVAL;
    }
    if (length > key->high) {
        snprintf(fault, fault_size, "is %zu bytes long; at most %" PRIu64 " are allowed", length,
                 key->high);
        return -ERANGE;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            snprintf(fault, fault_size, "holds a control character; leave it out");
            return -EINVAL;
        }
    }
    copy = mem_strdup(text);
    config_value_release(key, owner);
    memcpy((char *)owner + key->offset, &copy, sizeof(copy));
    return 0;
}

static int set_word(const struct config_key *key, void *owner, const char *text, char *fault,
                    size_t fault_size)
{
    for (uint32_t i = 0; key->words[i]; i++) {
        if (strcmp(text, key->words[i]) != 0)
            continue;
        if (key->type == CONFIG_BOOL)
            *(bool *)((char *)owner + key->offset) = i == 1;
        else
            store_number(key, owner, i);
        return 0;
    }
    return fail(key, -EINVAL, text, fault, fault_size);
}

int config_value_set(const struct config_key *key, void *owner, const char *text, char *fault,
                     size_t fault_size)
{
    struct kind kind = kind_of(key);
    uint64_t number = 0;
    int rc = 0;

    if (config_key_is_text(key))
        return set_text(key, owner, text, fault, fault_size);
    if (key->words)
        return set_word(key, owner, text, fault, fault_size);
    rc = parse_number(&kind, text, &number);
    if (rc == 0 && (number < key->low || number > key->high) && !(number == 0 && key->zero))
        rc = -ERANGE;
    if (rc != 0)
        return fail(key, rc, text, fault, fault_size);
    store_number(key, owner, number);
    return 0;
}

static const char *load_text(const struct config_key *key, const void *owner)
{
    char *text = NULL;

    memcpy(&text, (const char *)owner + key->offset, sizeof(text));
    return text ? text : "";
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
    const char *rest = texts;
    struct word word;
    bool is_first = true;

    buf_append_char(to, '[');
    while (words_next(&rest, &word)) {
        buf_append_str(to, is_first ? "" : ", ");
        print_text(word.text, word.length, to);
        is_first = false;
    }
    buf_append_char(to, ']');
}

void config_value_print(const struct config_key *key, const void *owner, struct buf *to)
{
    if (key->type == CONFIG_TEXT)
        print_text(load_text(key, owner), strlen(load_text(key, owner)), to);
    else if (key->type == CONFIG_TEXTS)
        print_texts(load_text(key, owner), to);
    else if (key->type == CONFIG_BOOL)
        buf_append_str(to, key->words[*(const bool *)((const char *)owner + key->offset)]);
    else if (key->type == CONFIG_CHOICE)
        buf_append_str(to, key->words[config_value_number(key, owner)]);
    else
        print_number(key, config_value_number(key, owner), to);
}

bool config_value_is_equal(const struct config_key *key, const void *owner, const void *other)
{
    if (config_key_is_text(key))
        return strcmp(load_text(key, owner), load_text(key, other)) == 0;
    return memcmp((const char *)owner + key->offset, (const char *)other + key->offset,
                  key->width) == 0;
}

void config_value_copy(const struct config_key *key, void *owner, const void *from)
{
    char *copy;

    if (!config_key_is_text(key)) {
        memcpy((char *)owner + key->offset, (const char *)from + key->offset, key->width);
        return;
    }
    copy = mem_strdup(load_text(key, from));
    config_value_release(key, owner);
    memcpy((char *)owner + key->offset, &copy, sizeof(copy));
}

void config_value_release(const struct config_key *key, void *owner)
{
    char *text = NULL;

    if (!config_key_is_text(key))
        return;
    memcpy(&text, (char *)owner + key->offset, sizeof(text));
    free(text);
    text = NULL;
    memcpy((char *)owner + key->offset, &text, sizeof(text));
}
