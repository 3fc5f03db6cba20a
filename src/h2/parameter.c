/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/parameter.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char space[] = " \t";

static char *skip_space(char *text)
{
    return text + strspn(text, space);
}

/* Ends the text before the spaces at its end, which is at end. */
static void trim(const char *text, char *end)
{
    while (end > text && strchr(space, end[-1]))
        end--;
    *end = '\0';
}

/* Ends the word at text before the ';' that follows; where the parameters behind it begin. */
static char *end_word(char *text)
{
    char *end = text + strcspn(text, ";");
    char *next = *end ? end + 1 : end;

    trim(text, end);
    return next;
}

char *h2_parameter_first(char *text, char **cursor)
{
    text = skip_space(text);
    *cursor = end_word(text);
    return text;
}

static bool ends_parameter(const char *text)
{
    text += strspn(text, space);
    return *text == '\0' || *text == ';';
}

/* The quote that closes the text behind one; NULL: there is none. Behind a backslash it is part of
 * the text. Where that leaves no list of parameters, the backslash was the text's last character.
 */
static char *find_closing(char *text)
{
    char *end = text;

    while (*end != '\0' && *end != '"')
        end += end[0] == '\\' && end[1] == '"' ? 2 : 1;
    if (*end == '"' && ends_parameter(end + 1))
        return end;
    for (end = strchr(text, '"'); end && !ends_parameter(end + 1);)
        end = strchr(end + 1, '"');
    return end;
}

/* text begins behind the quote. NULL when there is no closing one. */
static char *end_quoted(char *text)
{
    char *to = text;
    char *const end = find_closing(text);

    if (!end)
        return NULL;
    for (; text < end; text++) {
        if (text[0] == '\\' && text[1] == '"' && text + 1 < end)
            text++;
        *to++ = *text;
    }
    *to = '\0';
    return end + 1;
}

int h2_parameter_next(char **cursor, struct h2_parameter *parameter)
{
    char *name = skip_space(*cursor);
    char *equals;
    char *value;
    char *after;

    while (*name == ';') /* RFC 9110 5.6.6 allows empty ones */
        name = skip_space(name + 1);
    if (*name == '\0')
        return 0;
    equals = name + strcspn(name, "=;");
    if (*equals != '=' || equals == name)
        return -EINVAL;
    value = skip_space(equals + 1);
    trim(name, equals);
    if (*value == '"') {
        after = end_quoted(++value);
        if (!after)
            return -EINVAL;
        after = skip_space(after);
        if (*after != '\0' && *after++ != ';')
            return -EINVAL;
    } else {
        after = end_word(value);
    }
    *parameter = (struct h2_parameter){name, value};
    *cursor = after;
    return 1;
}
