/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <inttypes.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

static uint32_t decode(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t character = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1));

    for (size_t i = 1; i < length; i++)
        character = character << 6 | (bytes[i] & 0x3fu);
    return character;
}

/* Controls, what separates lines, what turns the direction of text, and what is not seen. */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x061c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c < 0xfffd) ||
           (c >= 0xe0000 && c < 0xe1000);
}

void cli_append_visible(struct buf *to, const char *text)
{
    const size_t end = strlen(text);

    for (size_t at = 0; at < end;) {
        const size_t length = utf8_char_length(text + at, end - at);

        if (length == 0)
            buf_printf(to, "\\x%02x", (unsigned char)text[at]);
        else if (is_hidden(decode(text + at, length)))
            buf_printf(to, "\\u%04x", decode(text + at, length));
        else
            buf_append(to, text + at, length);
        at += length > 0 ? length : 1;
    }
}

const char *cli_text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

unsigned cli_width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* ---- tables ---- */

#define LEAST_WIDTH 6u /* of a column that is cut */

struct cli_table {
    const char *const *heads;
    size_t columns;
    char **cells; /* visible */
    size_t count;
    locale_t locale; /* for the width of characters */
};

struct cli_table *cli_table_new(const char *const *heads)
{
    struct cli_table *table = mem_zalloc(sizeof(*table));

    table->heads = heads;
    while (heads[table->columns])
        table->columns++;
    table->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return table;
}

void cli_table_free(struct cli_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    if (table->locale)
        freelocale(table->locale);
    free(table);
}

void cli_table_add(struct cli_table *table, const char *text)
{
    struct buf cell = BUF_INIT;

    cli_append_visible(&cell, text ? text : "");
    table->cells = mem_realloc(table->cells, (table->count + 1) * sizeof(*table->cells));
    table->cells[table->count++] = buf_detach(&cell);
}

void cli_table_add_number(struct cli_table *table, uint64_t number)
{
    char digits[DIGITS_SIZE];

    digits_write(digits, number, 10);
    cli_table_add(table, digits);
}

void cli_table_add_words(struct cli_table *table, const json_t *list)
{
    struct buf words = BUF_INIT;
    const json_t *word;
    size_t i;

    json_array_foreach(list, i, word) {
        buf_printf(&words, "%s%s", i > 0 ? " " : "",
                   json_is_string(word) ? json_string_value(word) : "");
    }
    cli_table_add(table, buf_str(&words));
    buf_release(&words);
}

void cli_table_add_age(struct cli_table *table, const json_t *since)
{
    const int64_t age = clock_wall_ms() - json_integer_value(since);
    char text[CLI_SPAN_SIZE];

    cli_table_add(table, cli_span(age > 0 ? (uint64_t)age : 0, text));
}

/* How many bytes of the text fill at most so many columns; *filled: how many they do. */
static size_t fit(const char *text, size_t columns, size_t *filled)
{
    const size_t end = strlen(text);
    size_t at = 0;

    *filled = 0;
    while (at < end) {
        const size_t length = utf8_char_length(text + at, end - at);
        const int width = wcwidth((wchar_t)decode(text + at, length));
        const size_t takes = width < 0 ? 1 : (size_t)width;

        if (*filled + takes > columns)
            break;
        *filled += takes;
        at += length;
    }
    return at;
}

static size_t width_of(const char *text)
{
    size_t width;

    (void)fit(text, SIZE_MAX, &width);
    return width;
}

static bool is_number(const struct cli_table *table, size_t column)
{
    return *table->heads[column] == '>';
}

static const char *head_of(const struct cli_table *table, size_t column)
{
    return table->heads[column] + is_number(table, column);
}

static void measure(const struct cli_table *table, size_t *widths)
{
    size_t column = 0;

    for (size_t i = 0; i < table->columns; i++)
        widths[i] = width_of(head_of(table, i));
    for (size_t i = 0; i < table->count; i++) {
        const size_t width = width_of(table->cells[i]);

        if (width > widths[column])
            widths[column] = width;
        column = column + 1 < table->columns ? column + 1 : 0;
    }
}

/* Takes from the widest until all of them, with two blanks between, have room. */
static void shrink(size_t *widths, size_t columns, size_t most)
{
    for (;;) {
        size_t all = (columns - 1) * 2, widest = 0;

        for (size_t i = 0; i < columns; i++) {
            all += widths[i];
            if (widths[i] > widths[widest])
                widest = i;
        }
        if (all <= most || widths[widest] <= LEAST_WIDTH)
            return;
        widths[widest]--;
    }
}

static void print_cell(const char *text, size_t width, bool is_right, bool is_last, FILE *to)
{
    size_t filled;
    size_t length = fit(text, width, &filled);
    const bool is_cut = text[length] != '\0';

    if (is_cut)
        length = fit(text, width - 1, &filled);
    if (is_right)
        fprintf(to, "%*s", (int)(width - filled - is_cut), "");
    fprintf(to, "%.*s%s", (int)length, text, is_cut ? "…" : "");
    if (!is_right && !is_last)
        fprintf(to, "%*s", (int)(width - filled - is_cut), "");
    fputs(is_last ? "\n" : "  ", to);
}

static void print_rows(const struct cli_table *table, const size_t *widths, FILE *to)
{
    const size_t last = table->columns - 1;
    size_t column = 0;

    for (size_t i = 0; i <= last; i++)
        print_cell(head_of(table, i), widths[i], is_number(table, i), i == last, to);
    for (size_t i = 0; i < table->count; i++) {
        print_cell(table->cells[i], widths[column], is_number(table, column), column == last, to);
        column = column < last ? column + 1 : 0;
    }
}

void cli_table_print(const struct cli_table *table, unsigned width, FILE *to)
{
    const locale_t before = table->locale ? uselocale(table->locale) : (locale_t)0;
    size_t widths[CLI_COLUMNS] = {0};

    measure(table, widths);
    if (width > 0)
        shrink(widths, table->columns, width);
    print_rows(table, widths, to);
    if (before)
        uselocale(before);
}

const char *cli_span(uint64_t ms, char to[CLI_SPAN_SIZE])
{
    const uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;

    if (seconds < 60)
        snprintf(to, CLI_SPAN_SIZE, "%" PRIu64 "s", seconds);
    else if (minutes < 60)
        snprintf(to, CLI_SPAN_SIZE, "%" PRIu64 "m%02us", minutes, (unsigned)(seconds % 60));
    else if (hours < 48)
        snprintf(to, CLI_SPAN_SIZE, "%" PRIu64 "h%02um", hours, (unsigned)(minutes % 60));
    else
        snprintf(to, CLI_SPAN_SIZE, "%" PRIu64 "d%02uh", hours / 24, (unsigned)(hours % 24));
    return to;
}

#define LINE_WIDTH 88u

void cli_print_wrapped(const char *text, size_t indent, size_t at)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, " \n");

        if (at > indent && at + 1 + length > LINE_WIDTH) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)length, text);
        at += length;
        text += length;
        if (strncmp(text, "\n\n", 2) == 0) {
            printf("\n\n%*s", (int)indent, "");
            at = indent;
        }
        text += strspn(text, " \n");
    }
    putchar('\n');
}

void cli_print_json(const json_t *value, size_t flags, FILE *to)
{
    const size_t plain = isatty(fileno(to)) ? JSON_ENSURE_ASCII : 0;
    char *text = json_write(value, flags | JSON_ENCODE_ANY | plain);

    if (text)
        fprintf(to, "%s\n", text);
    free(text);
}
