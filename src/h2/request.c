/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/limits.h"
#include "h2/uri.h"

#define FIELD_OVERHEAD 32u /* RFC 9113 6.5.2 */
#define FIRST_FIELDS   16u
/* Of limits->header_list_bytes: what is above that is answered with 431, but still decoded, since
 * both sides' tables depend on it. */
#define MOST_LISTS 4u

static const char space[] = " \t";

const char *h2_request_header(const struct h2_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

/* The first pair of that name; what is no pair is passed over, as browsers' servers always did. */
const char *h2_request_cookie(const struct h2_request *request, const char *name, char *buffer,
                              size_t size)
{
    const char *pair = h2_request_header(request, "cookie");
    size_t name_length = strlen(name);

    while (pair) {
        size_t length;

        pair += strspn(pair, space);
        length = strcspn(pair, ";");
        if (length > name_length && memcmp(pair, name, name_length) == 0 &&
            pair[name_length] == '=') {
            const char *value = pair + name_length + 1;

            length -= name_length + 1;
            while (length > 0 && strchr(space, value[length - 1]))
                length--;
            if (length >= size)
                return NULL;
            memcpy(buffer, value, length);
            buffer[length] = '\0';
            return buffer;
        }
        pair = pair[length] == ';' ? pair + length + 1 : NULL;
    }
    return NULL;
}

bool h2_request_is_type(const struct h2_request *request, const char *media_type)
{
    const char *value = h2_request_header(request, "content-type");
    size_t length = strlen(media_type);

    if (!value)
        return false;
    value += strspn(value, space);
    if (strncasecmp(value, media_type, length) != 0)
        return false;
    value += length;
    value += strspn(value, space);
    return *value == '\0' || *value == ';';
}

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

struct word h2_request_word(const char *text, size_t length)
{
    while (length > 0 && strchr(space, text[length - 1]))
        length--;
    while (length > 0 && strchr(space, text[0])) {
        text++;
        length--;
    }
    return (struct word){text, length};
}

char *h2_request_trim(char *text)
{
    text = skip_space(text);
    trim(text, text + strlen(text));
    return text;
}

/* Ends the word at text before the ';' that follows; where the parameters behind it begin. */
static char *end_word(char *text)
{
    char *end = text + strcspn(text, ";");
    char *next = *end ? end + 1 : end;

    trim(text, end);
    return next;
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

/* 1 and the next parameter; 0 at the end; -EINVAL when the text is no list of parameters. */
static int next_parameter(char **cursor, char **found, char **found_value)
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
    *found = name;
    *found_value = value;
    *cursor = after;
    return 1;
}

int h2_request_read_field(char *text, const char *first, const char *const *names, char **values,
                          size_t count)
{
    char *cursor, *name, *value;
    int rc;

    text = skip_space(text);
    cursor = end_word(text);
    if (strcasecmp(text, first) != 0)
        return -ENOMSG;
    while ((rc = next_parameter(&cursor, &name, &value)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (strcasecmp(name, names[i]) != 0)
                continue;
            if (values[i])
                return -EEXIST;
            values[i] = value;
        }
    }
    return rc;
}

/* Texts move while they are gathered: offsets into storage until all are there. */
struct field {
    size_t name, value;
};

enum pseudo { METHOD, SCHEME, AUTHORITY, PATH, PSEUDO_COUNT };

struct h2_request_builder {
    const struct h2_limits *limits;
    struct buf storage;
    struct buf cookie; /* crumbs, joined (RFC 9113 8.2.3) */
    struct field *fields;
    size_t count, capacity;
    size_t seen; /* fields on the wire, crumbs singly */
    size_t list_bytes;
    size_t pseudo[PSEUDO_COUNT]; /* offset + 1; 0: not sent */
    int fault;
    const char *fault_text;
    struct buf told; /* where that lies, when it names a limit's value */
};

struct h2_request_builder *h2_request_builder_new(const struct h2_limits *limits)
{
    struct h2_request_builder *builder = mem_zalloc(sizeof(*builder));

    builder->limits = limits;
    return builder;
}

void h2_request_builder_free(struct h2_request_builder *builder)
{
    if (!builder)
        return;
    buf_release(&builder->storage);
    buf_release(&builder->cookie);
    buf_release(&builder->told);
    free(builder->fields);
    free(builder);
}

void h2_request_free(struct h2_request *request)
{
    if (!request)
        return;
    buf_release(&request->storage);
    buf_release(&request->told);
    free(request->headers);
    free(request);
}

void h2_request_builder_refuse(struct h2_request_builder *builder, int status, const char *text)
{
    if (builder->fault)
        return;
    builder->fault = status;
    builder->fault_text = text;
}

/* What the limit's value stands between. */
static void refuse_excess(struct h2_request_builder *builder, int status, const char *before,
                          size_t limit, const char *behind)
{
    if (builder->fault)
        return;
    buf_printf(&builder->told, "%s %zu %s", before, limit, behind);
    h2_request_builder_refuse(builder, status, buf_str(&builder->told));
}

static void refuse_fields(struct h2_request_builder *builder)
{
    refuse_excess(builder, 431, "There are more than", builder->limits->header_fields,
                  "header fields, which is limits.headerFields; each piece of a cookie counts");
}

static size_t store(struct h2_request_builder *builder, const uint8_t *text, size_t length)
{
    size_t offset = builder->storage.length;

    buf_append(&builder->storage, text, length);
    buf_append_char(&builder->storage, '\0');
    return offset;
}

static bool exceeds_limits(struct h2_request_builder *builder, const uint8_t *name,
                           size_t name_length, size_t value_length)
{
    const struct h2_limits *limits = builder->limits;
    const bool is_path = name_length == 5 && memcmp(name, ":path", 5) == 0;

    builder->seen++;
    builder->list_bytes += name_length + value_length + FIELD_OVERHEAD;
    if (is_path && value_length > limits->path_bytes)
        refuse_excess(builder, 414, "The path and query have more than", limits->path_bytes,
                      "bytes, which is limits.pathBytes");
    else if (builder->seen > limits->header_fields)
        refuse_fields(builder);
    else if (!is_path && name_length + value_length > limits->header_field_bytes)
        refuse_excess(builder, 431, "A header field has more than", limits->header_field_bytes,
                      "bytes, which is limits.headerFieldBytes");
    else if (builder->list_bytes > limits->header_list_bytes)
        refuse_excess(builder, 431, "The header fields have more than", limits->header_list_bytes,
                      "bytes, with 32 for each, which is limits.headerListBytes");
    return builder->fault != 0;
}

static void add_pseudo(struct h2_request_builder *builder, const uint8_t *name, size_t length,
                       const uint8_t *value, size_t value_length)
{
    static const char *const names[PSEUDO_COUNT] = {":method", ":scheme", ":authority", ":path"};

    for (size_t i = 0; i < PSEUDO_COUNT; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            builder->pseudo[i] = store(builder, value, value_length) + 1;
    }
}

void h2_request_builder_add(struct h2_request_builder *builder, const uint8_t *name,
                            size_t name_length, const uint8_t *value, size_t value_length)
{
    if (exceeds_limits(builder, name, name_length, value_length))
        return;
    if (name_length > 0 && name[0] == ':') {
        add_pseudo(builder, name, name_length, value, value_length);
        return;
    }
    if (name_length == 6 && memcmp(name, "cookie", 6) == 0) {
        if (builder->cookie.length > 0)
            buf_append_str(&builder->cookie, "; ");
        buf_append(&builder->cookie, value, value_length);
        return;
    }
    if (builder->count == builder->capacity) {
        builder->capacity = builder->capacity ? builder->capacity * 2 : FIRST_FIELDS;
        builder->fields =
            mem_realloc(builder->fields, builder->capacity * sizeof(*builder->fields));
    }
    size_t name_at = store(builder, name, name_length);
    size_t value_at = store(builder, value, value_length);
    builder->fields[builder->count++] = (struct field){name_at, value_at};
}

static const char *pseudo_text(const struct h2_request_builder *builder,
                               const struct h2_request *request, enum pseudo which)
{
    size_t offset = builder->pseudo[which];

    return offset ? request->storage.data + (offset - 1) : "";
}

bool h2_request_builder_is_flooded(const struct h2_request_builder *builder)
{
    return builder->list_bytes > MOST_LISTS * builder->limits->header_list_bytes;
}

void h2_request_builder_stop(struct h2_request_builder *builder)
{
    refuse_fields(builder);
}

int h2_request_builder_fault(const struct h2_request_builder *builder, const char **text)
{
    *text = builder->fault_text;
    return builder->fault;
}

/* The raw path was stored as it came; what replaces it is appended, which may move the storage. */
static size_t decode_path(struct h2_request_builder *builder, size_t *query_at)
{
    struct buf decoded = BUF_INIT;
    const char *raw = builder->storage.data + (builder->pseudo[PATH] - 1);
    const char *query = raw + strlen(raw);
    const char *fault = h2_path_parse(raw, &decoded, &query);

    if (fault)
        h2_request_builder_refuse(builder, 400, fault);
    *query_at = (size_t)(query - builder->storage.data);
    size_t at = store(builder, (const uint8_t *)buf_str(&decoded), decoded.length);
    buf_release(&decoded);
    return at;
}

static void check_authority(struct h2_request_builder *builder, struct h2_request *request)
{
    const char *host = h2_request_header(request, "host");

    if (request->authority[0] == '\0' && host)
        request->authority = host;
    if (host && strcasecmp(host, request->authority) != 0)
        h2_request_builder_refuse(builder, 400,
                                  "The fields host and :authority differ; send :authority alone.");
    if (strchr(request->authority, '@'))
        h2_request_builder_refuse(
            builder, 400, "The :authority holds user information; send host and port alone.");
}

static void add_cookie(struct h2_request_builder *builder)
{
    struct buf cookie = builder->cookie;

    if (cookie.length == 0)
        return;
    builder->cookie = (struct buf)BUF_INIT;
    size_t name_at = store(builder, (const uint8_t *)"cookie", 6);
    size_t value_at = store(builder, (const uint8_t *)cookie.data, cookie.length);
    buf_release(&cookie);
    builder->fields = mem_realloc(builder->fields, (builder->count + 1) * sizeof(*builder->fields));
    builder->fields[builder->count++] = (struct field){name_at, value_at};
}

struct h2_request *h2_request_builder_finish(struct h2_request_builder *builder)
{
    struct h2_request *request = mem_zalloc(sizeof(*request));
    size_t path_at = 0;
    size_t query_at = 0;

    add_cookie(builder);
    if (builder->pseudo[PATH])
        path_at = decode_path(builder, &query_at);
    request->storage = builder->storage;
    builder->storage = (struct buf)BUF_INIT;
    request->method = pseudo_text(builder, request, METHOD);
    request->scheme = pseudo_text(builder, request, SCHEME);
    request->authority = pseudo_text(builder, request, AUTHORITY);
    request->path = builder->pseudo[PATH] ? request->storage.data + path_at : "";
    request->query = builder->pseudo[PATH] ? request->storage.data + query_at : "";
    request->header_count = builder->count;
    request->headers = mem_alloc((builder->count + 1) * sizeof(*request->headers));
    for (size_t i = 0; i < builder->count; i++) {
        request->headers[i].name = request->storage.data + builder->fields[i].name;
        request->headers[i].value = request->storage.data + builder->fields[i].value;
    }
    const char *length = h2_request_header(request, "content-length");
    /* nghttp2 has refused what is no number, and a second one. */
    request->content_length = length ? strtoll(length, NULL, 10) : H2_NO_CONTENT_LENGTH;
    check_authority(builder, request);
    if (strcmp(request->method, "CONNECT") == 0)
        h2_request_builder_refuse(builder, 405, "CONNECT is not served here; use GET or POST.");
    request->fault = builder->fault;
    request->fault_text = builder->fault_text;
    request->told = builder->told;
    builder->told = (struct buf)BUF_INIT;
    h2_request_builder_free(builder);
    return request;
}
