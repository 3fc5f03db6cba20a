/* SPDX-License-Identifier: Apache-2.0 */
#include "base/envelope.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

enum field { DATA, CODE, MESSAGE, ERROR_MESSAGE, FIELDS };

static const char *const names[FIELDS] = {"data", "code", "message", "errorMessage"};

/* The text up to a placeholder, and what that stands for; FIELDS: behind the last one. */
struct piece {
    const char *text;
    size_t length;
    enum field field;
};

struct envelope {
    char *text;
    size_t count;
    struct piece pieces[];
};

struct reader {
    struct envelope *envelope;
    char *masked; /* the text with null for each placeholder, at the same places */
    char *fault;
    size_t fault_size;
};

static __attribute__((format(printf, 3, 4))) bool refuse(struct reader *reader, const char *at,
                                                         const char *format, ...)
{
    const char *text = reader->envelope->text;
    struct json_fault place;
    char sentence[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    json_fault_at(&place, text, (size_t)(at - text), "");
    snprintf(reader->fault, reader->fault_size, "line %u, column %u of it: %s", place.line,
             place.column, sentence);
    return false;
}

static size_t name_length(const char *name)
{
    size_t length = 0;

    while (isalnum((unsigned char)name[length]) || name[length] == '_')
        length++;
    return length;
}

static enum field field_of(const char *name, size_t length)
{
    enum field field = DATA;

    while (field < FIELDS &&
           (strlen(names[field]) != length || strncmp(names[field], name, length) != 0))
        field++;
    return field;
}

/* Moves *at, which is at a quotation mark, behind the string. False: it holds a placeholder. */
static bool skip_string(struct reader *reader, const char **at)
{
    const char *c = *at + 1;

    for (; *c != '\0' && *c != '"'; c++) {
        if (*c == '$' && isalpha((unsigned char)c[1]))
            return refuse(reader, c,
                          "a placeholder stands for a whole value, not for a part of a text; take "
                          "it out of the quotation marks, or write the dollar sign as \\u0024");
        if (*c == '\\' && c[1] != '\0')
            c++;
    }
    *at = *c == '"' ? c + 1 : c;
    return true;
}

/* Whether what is around a placeholder leaves it a value of its own. */
static bool is_whole(const char *text, const char *at, const char *behind)
{
    static const char blanks[] = " \t\r\n";

    while (at > text && strchr(blanks, at[-1]))
        at--;
    behind += strspn(behind, blanks);
    return (at == text || strchr(":[,", at[-1])) && strchr(",]}", *behind);
}

/* Moves *from behind it. */
static bool read_placeholder(struct reader *reader, const char **from)
{
    static const char null[] = {'n', 'u', 'l', 'l'};
    struct envelope *envelope = reader->envelope;
    const char *at = *from;
    const size_t length = name_length(at + 1);
    const enum field field = field_of(at + 1, length);

    if (field == FIELDS)
        return refuse(reader, at,
                      "\"%.*s\" is no placeholder; there are $data, $code, $message and "
                      "$errorMessage",
                      length < 40 ? (int)length + 1 : 41, at);
    if (!is_whole(envelope->text, at, at + 1 + length))
        return refuse(reader, at,
                      "a placeholder stands for one whole value: behind the colon of a member, "
                      "in an array, or alone; not for a member's name");
    memset(reader->masked + (at - envelope->text), ' ', length + 1);
    memcpy(reader->masked + (at - envelope->text), null, sizeof(null));
    envelope->pieces[envelope->count].length =
        (size_t)(at - envelope->pieces[envelope->count].text);
    envelope->pieces[envelope->count++].field = field;
    *from = at + 1 + length;
    envelope->pieces[envelope->count].text = *from;
    return true;
}

static bool read_pieces(struct reader *reader)
{
    struct envelope *envelope = reader->envelope;
    const char *at = envelope->text;
    struct piece *last;

    envelope->pieces[0].text = at;
    while (*at != '\0') {
        bool is_fine = true;

        if (*at == '"')
            is_fine = skip_string(reader, &at);
        else if (*at == '$')
            is_fine = read_placeholder(reader, &at);
        else
            at++;
        if (!is_fine)
            return false;
    }
    last = &envelope->pieces[envelope->count];
    last->length = strlen(last->text);
    last->field = FIELDS;
    return true;
}

/* Whether it is JSON once there are values. */
static bool is_json(struct reader *reader)
{
    struct json_fault fault;
    json_t *value = json_parse(reader->masked, strlen(reader->masked), &fault);
    const char *near = strstr(fault.message, " near '"); /* of what is masked */

    if (value) {
        json_decref(value);
        return true;
    }
    snprintf(reader->fault, reader->fault_size,
             "line %u, column %u of it: %.*s; write JSON with placeholders for values, such as "
             "{\"status\": 0, \"result\": $data}",
             fault.line, fault.column,
             (int)(near ? (size_t)(near - fault.message) : strlen(fault.message)), fault.message);
    return false;
}

static size_t count_dollars(const char *text)
{
    size_t count = 0;

    while ((text = strchr(text, '$'))) {
        count++;
        text++;
    }
    return count;
}

struct envelope *envelope_new(const char *text, char *fault, size_t fault_size)
{
    struct envelope *envelope =
        mem_zalloc(sizeof(*envelope) + (count_dollars(text) + 1) * sizeof(envelope->pieces[0]));
    struct reader reader = {
        .envelope = envelope,
        .masked = mem_strdup(text),
        .fault = fault,
        .fault_size = fault_size,
    };

    envelope->text = mem_strdup(text);
    if (!read_pieces(&reader) || !is_json(&reader)) {
        envelope_free(envelope);
        envelope = NULL;
    }
    free(reader.masked);
    return envelope;
}

void envelope_free(struct envelope *envelope)
{
    if (!envelope)
        return;
    free(envelope->text);
    free(envelope);
}

bool envelope_has_data(const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->count; i++) {
        if (envelope->pieces[i].field == DATA)
            return true;
    }
    return false;
}

static void append_field(struct buf *to, enum field field, const struct envelope_values *values)
{
    const char *text = field == MESSAGE ? values->message : values->error;

    if (field == DATA)
        buf_append(to, values->data, values->length);
    else if (field == CODE)
        buf_printf(to, "%d", values->status);
    else if (field != FIELDS && text)
        json_text_string(to, text);
    else if (field != FIELDS)
        buf_append_str(to, "null");
}

void envelope_append(const struct envelope *envelope, struct buf *to,
                     const struct envelope_values *values)
{
    for (size_t i = 0; i <= envelope->count; i++) {
        buf_append(to, envelope->pieces[i].text, envelope->pieces[i].length);
        append_field(to, envelope->pieces[i].field, values);
    }
}
