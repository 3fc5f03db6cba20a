/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H
/*
 * What commands show people. Texts of others (names, addresses of pages) are made harmless first:
 * what is no visible character, or would change the order of those around it, is shown as \u001b,
 * what is no UTF-8 as \xff.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

void cli_append_visible(struct buf *to, const char *text);

/* A member that is a text; NULL: it is none. Lent from the object, which may be NULL. */
const char *cli_text_of(const json_t *object, const char *name);

/* How many columns the terminal of standard output has; 0: it is none, and nothing is cut. */
unsigned cli_width(void);

/* Rows of texts with a head: aligned, and as wide as the terminal is. */
struct cli_table;

#define CLI_COLUMNS 12u /* at the most */

/* heads: as many as there are columns, then NULL. A head that begins with '>' is that of numbers.
 */
struct cli_table *cli_table_new(const char *const *heads);
/* The next cell, of which the rows are made. Borrowed; NULL: "". */
void cli_table_add(struct cli_table *table, const char *text);
void cli_table_add_number(struct cli_table *table, uint64_t number);
void cli_table_add_words(struct cli_table *table, const json_t *list); /* of texts */
void cli_table_add_age(struct cli_table *table, const json_t *since);  /* ms since 1970 */
/* width 0: as wide as it is. */
void cli_table_print(const struct cli_table *table, unsigned width, FILE *to);
void cli_table_free(struct cli_table *table); /* accepts NULL */

/* A span of time as "4s", "3m12s", "5h02m", "12d03h". */
#define CLI_SPAN_SIZE 40u
const char *cli_span(uint64_t ms, char to[CLI_SPAN_SIZE]);

/* Words of text, from column at of standard output, that continue at the column indent. A line end
 * is a blank, and two begin a paragraph. */
void cli_print_wrapped(const char *text, size_t indent, size_t at);

/* Writes the value as JSON and a line end; flags: how, as jansson has it. A terminal, which would
 * obey what strangers have called themselves, is given ASCII alone. */
void cli_print_json(const json_t *value, size_t flags, FILE *to);

#endif
