/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/part.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "h2/escape.h"
#include "h2/parameter.h"

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if (is_control(*text))
            return true;
    return false;
}

/* WHATWG HTML, "multipart/form-data encoding": browsers escape these three octets, no others, and
 * not the percent sign itself. */
static void decode_browser_escapes(char *text)
{
    char *to = text;

    while (*text) {
        int value = *text == '%' ? h2_escape_value(text, strlen(text)) : -1;

        if (value == '"' || value == '\r' || value == '\n') {
            *to++ = (char)value;
            text += 3;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* RFC 8187 3.2: charset'language'text. False when it is not of this form, or not UTF-8. */
static bool decode_extended(char *value)
{
    static const char charset[] = "utf-8'";
    char *to = value;
    const char *from;

    if (strncasecmp(value, charset, strlen(charset)) != 0)
        return false;
    from = strchr(value + strlen(charset), '\'');
    if (!from)
        return false;
    for (from++; *from;) {
        int octet = (unsigned char)*from;
        size_t step = 1;

        if (octet == '%') {
            octet = h2_escape_value(from, strlen(from));
            step = 3;
        }
        if (octet <= 0)
            return false;
        *to++ = (char)octet;
        from += step;
    }
    *to = '\0';
    return utf8_is_valid(value, (size_t)(to - value));
}

/* At most limit octets, and no character cut through. */
static size_t cut_length(const char *text, size_t limit)
{
    size_t length = 0, step;

    while ((step = utf8_char_length(text + length, strlen(text + length))) > 0 &&
           length + step <= limit)
        length += step;
    return length;
}

/* What is behind the last '/' or '\', without control characters. A name that a file system would
 * take for a directory is none. */
static char *base_name(char *text)
{
    char *base = text;
    char *to;

    for (char *at = text; *at; at++)
        if (*at == '/' || *at == '\\')
            base = at + 1;
    to = base;
    for (const char *from = base; *from; from++)
        if (!is_control(*from))
            *to++ = *from;
    *to = '\0';
    if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        *base = '\0';
    return mem_strndup(base, cut_length(base, H2_PART_MAX_FILE_NAME));
}

static const char *keep_disposition(struct h2_part *part, char *name, char *file, char *extended)
{
    bool is_extended = extended && decode_extended(extended);

    if (!name)
        return "content-disposition must have a name";
    decode_browser_escapes(name);
    if (extended && !is_extended && !file)
        return "filename* must be utf-8'' and percent-encoded UTF-8";
    if (file)
        decode_browser_escapes(file);
    part->name = mem_strdup(name);
    if (is_extended || file)
        part->file_name = base_name(is_extended ? extended : file);
    return NULL;
}

static const char *read_disposition(struct h2_part *part, char *value)
{
    static const char *const known[] = {"name", "filename", "filename*"};
    char *values[3] = {NULL, NULL, NULL};
    struct h2_parameter parameter;
    char *cursor;
    int rc;

    if (part->has_disposition)
        return "a part must have one content-disposition";
    part->has_disposition = true;
    if (strcasecmp(h2_parameter_first(value, &cursor), "form-data") != 0)
        return "content-disposition must be form-data";
    while ((rc = h2_parameter_next(&cursor, &parameter)) > 0) {
        for (size_t i = 0; i < 3; i++) {
            if (strcasecmp(parameter.name, known[i]) != 0)
                continue;
            if (values[i])
                return "content-disposition has a parameter twice";
            values[i] = parameter.value;
        }
    }
    if (rc < 0)
        return "content-disposition must be form-data; name=\"…\"; filename=\"…\"";
    return keep_disposition(part, values[0], values[1], values[2]);
}

static const char *read_content_type(struct h2_part *part, const char *value)
{
    static const char nested[] = "multipart/";

    if (part->content_type)
        return "a part must have one content-type";
    if (strncasecmp(value, nested, strlen(nested)) == 0)
        return "a part must not be multipart itself";
    if (has_control(value))
        return "content-type must not hold control characters";
    part->content_type = mem_strdup(value);
    return NULL;
}

static const char *read_transfer_encoding(const char *value)
{
    if (strcasecmp(value, "7bit") == 0 || strcasecmp(value, "8bit") == 0 ||
        strcasecmp(value, "binary") == 0)
        return NULL;
    return "content-transfer-encoding must be binary: parts are taken as they are";
}

const char *h2_part_read_header(struct h2_part *part, char *line)
{
    char *colon = strchr(line, ':');
    char *value;
    size_t length;

    if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
        return "a header line must be name: value";
    if (!utf8_is_valid(line, strlen(line)))
        return "a header line must be valid UTF-8";
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (length = strlen(value); length > 0 && strchr(" \t", value[length - 1]);)
        value[--length] = '\0';
    if (strcasecmp(line, "content-disposition") == 0)
        return read_disposition(part, value);
    if (strcasecmp(line, "content-type") == 0)
        return read_content_type(part, value);
    if (strcasecmp(line, "content-transfer-encoding") == 0)
        return read_transfer_encoding(value);
    return NULL;
}

const char *h2_part_check(const struct h2_part *part)
{
    return part->has_disposition ? NULL : "a part must have a content-disposition";
}

void h2_part_release(struct h2_part *part)
{
    free(part->name);
    free(part->file_name);
    free(part->content_type);
    memset(part, 0, sizeof(*part));
}
