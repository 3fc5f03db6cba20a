/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/multipart.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/request.h"
#include "h2/uri.h"

#define MAX_BOUNDARY  70u
#define MAX_FILE_NAME 255u

/* The header fields of one part, read one by one (RFC 7578 4). Names are taken as browsers and
 * libraries write them. A text that is no UTF-8, or a transfer encoding that would have to be
 * undone, is refused, not guessed at. */
struct part {
    char *name;
    char *file_name;
    char *content_type;
    bool has_disposition;
};

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
    return mem_strndup(base, cut_length(base, MAX_FILE_NAME));
}

static const char *keep_disposition(struct part *part, char *name, char *file, char *extended)
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

static const char *read_disposition(struct part *part, char *value)
{
    static const char *const known[] = {"name", "filename", "filename*"};
    char *values[3] = {NULL, NULL, NULL};

    if (part->has_disposition)
        return "a part must have one content-disposition";
    part->has_disposition = true;
    switch (h2_request_read_field(value, "form-data", known, values, 3)) {
    case -ENOMSG:
        return "content-disposition must be form-data";
    case -EEXIST:
        return "content-disposition has a parameter twice";
    case -EINVAL:
        return "content-disposition must be form-data; name=\"…\"; filename=\"…\"";
    default:
        return keep_disposition(part, values[0], values[1], values[2]);
    }
}

static const char *read_content_type(struct part *part, const char *value)
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

/* Reads a line without its CRLF, in place. NULL, or (static) what is wrong with it. */
static const char *read_header(struct part *part, char *line)
{
    char *colon = strchr(line, ':');
    char *value;

    if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
        return "a header line must be name: value";
    if (!utf8_is_valid(line, strlen(line)))
        return "a header line must be valid UTF-8";
    *colon = '\0';
    value = h2_request_trim(colon + 1);
    if (strcasecmp(line, "content-disposition") == 0)
        return read_disposition(part, value);
    if (strcasecmp(line, "content-type") == 0)
        return read_content_type(part, value);
    if (strcasecmp(line, "content-transfer-encoding") == 0)
        return read_transfer_encoding(value);
    return NULL;
}

/* It is empty and ready for the next part after. */
static void release_part(struct part *part)
{
    free(part->name);
    free(part->file_name);
    free(part->content_type);
    memset(part, 0, sizeof(*part));
}

enum state {
    PREAMBLE,       /* before the first boundary; thrown away */
    AFTER_BOUNDARY, /* "--", or padding and a line end */
    AFTER_DASH,
    PADDING,
    LINE_END,
    HEADERS,
    DATA,
    EPILOGUE, /* behind the closing boundary; thrown away */
};

struct h2_multipart {
    struct h2_multipart_limits limits;
    const struct h2_multipart_handler *handler;
    void *context;
    enum state state;
    int error;       /* what every further call returns */
    uint64_t offset; /* of what is being read */
    size_t parts;    /* begun so far */
    size_t headers;  /* of this part */
    struct part part;
    struct buf line; /* a header line that is not complete */
    size_t matched;  /* how much of the delimiter the latest bytes are: they need no copy */
    size_t implied;  /* how much of matched was never in the data: a line end before it was */
    size_t delimiter_length;
    char delimiter[4 + MAX_BOUNDARY + 1]; /* CRLF, "--", boundary: the only CR is the first */
    char fault[192];
};

static int fail(struct h2_multipart *multipart, int error, const char *what)
{
    snprintf(multipart->fault, sizeof(multipart->fault),
             "multipart: part %zu, byte %" PRIu64 ": %s", multipart->parts, multipart->offset,
             what);
    return error;
}

/* RFC 2046 5.1.1: bchars, of which a space may not be the last. */
static bool is_boundary(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "'()+_,-./:=? ";
    size_t length = strlen(text);

    return length > 0 && length <= MAX_BOUNDARY && text[length - 1] != ' ' &&
           strspn(text, allowed) == length;
}

/* Points *boundary into text. NULL, or what is wrong. */
static const char *find_boundary(char *text, char **boundary)
{
    static const char *const names[] = {"boundary"};

    switch (h2_request_read_field(text, "multipart/form-data", names, boundary, 1)) {
    case -ENOMSG:
        return "content-type must be multipart/form-data";
    case -EEXIST:
        return "content-type must have one boundary";
    case -EINVAL:
        return "content-type must be multipart/form-data; boundary=…";
    default:
        break;
    }
    if (!*boundary)
        return "content-type multipart/form-data needs a boundary";
    if (!is_boundary(*boundary))
        return "the boundary must be 1 to 70 letters, digits or '()+_,-./:=? (no space at its end)";
    return NULL;
}

struct h2_multipart *h2_multipart_new(const char *content_type,
                                      const struct h2_multipart_limits *limits,
                                      const struct h2_multipart_handler *handler, void *context,
                                      const char **fault)
{
    struct h2_multipart *multipart = NULL;
    char *text = mem_strdup(content_type ? content_type : "");
    char *boundary = NULL;
    const char *wrong = find_boundary(text, &boundary);

    if (wrong) {
        *fault = wrong;
    } else {
        multipart = mem_zalloc(sizeof(*multipart));
        multipart->limits = *limits;
        multipart->handler = handler;
        multipart->context = context;
        multipart->matched = multipart->implied = 2; /* the body may begin with the boundary */
        multipart->delimiter_length = (size_t)snprintf(
            multipart->delimiter, sizeof(multipart->delimiter), "\r\n--%s", boundary);
    }
    free(text);
    return multipart;
}

void h2_multipart_free(struct h2_multipart *multipart)
{
    if (!multipart)
        return;
    release_part(&multipart->part);
    buf_release(&multipart->line);
    free(multipart);
}

static int emit(struct h2_multipart *multipart, const char *data, size_t length)
{
    if (length == 0 || multipart->state == PREAMBLE)
        return 0;
    return multipart->handler->on_data(multipart->context, data, length);
}

static int end_content(struct h2_multipart *multipart)
{
    bool was_part = multipart->state == DATA;

    multipart->matched = multipart->implied = 0;
    multipart->state = AFTER_BOUNDARY;
    return was_part ? multipart->handler->on_part_end(multipart->context) : 0;
}

/* Goes on with a delimiter that began in bytes which are gone. What turns out to be none is data
 * again, and can be told from the delimiter itself: a CR begins it and is nowhere else in it. */
static int continue_match(struct h2_multipart *multipart, const char *data, size_t length,
                          size_t *used)
{
    const char *delimiter = multipart->delimiter;
    size_t held, implied;

    while (*used < length && multipart->matched < multipart->delimiter_length &&
           data[*used] == delimiter[multipart->matched]) {
        multipart->matched++;
        (*used)++;
    }
    if (multipart->matched == multipart->delimiter_length)
        return end_content(multipart);
    if (*used == length)
        return 0;
    held = multipart->matched;
    implied = multipart->implied;
    multipart->matched = multipart->implied = 0;
    return emit(multipart, delimiter + implied, held - implied);
}

/* How many bytes at the end of data may be the beginning of a delimiter. */
static size_t tail_match(const struct h2_multipart *multipart, const char *data, size_t length)
{
    size_t window = length < multipart->delimiter_length ? length : multipart->delimiter_length - 1;
    const char *cr = memrchr(data + length - window, '\r', window);
    size_t tail = cr ? (size_t)(data + length - cr) : 0;

    return tail > 0 && memcmp(cr, multipart->delimiter, tail) == 0 ? tail : 0;
}

/* Preamble and data: whatever comes up to the next delimiter, in slices as large as they come. */
static int take_content(struct h2_multipart *multipart, const char *data, size_t length,
                        size_t *used)
{
    const char *found;
    size_t tail;
    int rc;

    if (multipart->matched > 0)
        return continue_match(multipart, data, length, used);
    found = memmem(data, length, multipart->delimiter, multipart->delimiter_length);
    if (found) {
        *used = (size_t)(found - data) + multipart->delimiter_length;
        rc = emit(multipart, data, (size_t)(found - data));
        return rc < 0 ? rc : end_content(multipart);
    }
    tail = tail_match(multipart, data, length);
    multipart->matched = tail;
    *used = length;
    return emit(multipart, data, length - tail);
}

static int begin_part(struct h2_multipart *multipart)
{
    char text[96];

    if (multipart->parts == multipart->limits.parts) {
        snprintf(text, sizeof(text), "the body has more than %zu parts, which is uploadParts",
                 multipart->limits.parts);
        return fail(multipart, -E2BIG, text);
    }
    multipart->parts++;
    multipart->headers = 0;
    multipart->state = HEADERS;
    return 0;
}

/* One byte behind a boundary: "--" ends the body, padding and a line end begin a part. */
static int take_boundary_end(struct h2_multipart *multipart, char c)
{
    static const char wrong[] = "a boundary must be followed by a line end or by \"--\"";

    switch (multipart->state) {
    case AFTER_DASH:
        multipart->state = EPILOGUE;
        return c == '-' ? 0 : fail(multipart, -EPROTO, wrong);
    case LINE_END:
        return c == '\n' ? begin_part(multipart) : fail(multipart, -EPROTO, wrong);
    default:
        if (c == '-' && multipart->state == AFTER_BOUNDARY)
            multipart->state = AFTER_DASH;
        else if (c == '\r')
            multipart->state = LINE_END;
        else if (c == ' ' || c == '\t')
            multipart->state = PADDING;
        else
            return fail(multipart, -EPROTO, wrong);
        return 0;
    }
}

static int begin_data(struct h2_multipart *multipart)
{
    const struct h2_multipart_part part = {
        .name = multipart->part.name,
        .file_name = multipart->part.file_name,
        .content_type = multipart->part.content_type ? multipart->part.content_type : "text/plain",
    };
    int rc;

    if (!multipart->part.has_disposition)
        return fail(multipart, -EPROTO, "a part must have a content-disposition");
    multipart->state = DATA;
    multipart->matched = multipart->implied = 2; /* an empty part's line end may be shared */
    rc = multipart->handler->on_part(multipart->context, &part);
    release_part(&multipart->part);
    return rc;
}

static int take_header(struct h2_multipart *multipart)
{
    struct buf *line = &multipart->line;
    const char *wrong;

    if (line->length < 2 || line->data[line->length - 2] != '\r')
        return fail(multipart, -EPROTO, "a header line must end with CR LF");
    line->length -= 2;
    line->data[line->length] = '\0';
    if (line->length == 0)
        return begin_data(multipart);
    if (multipart->headers++ == multipart->limits.part_headers)
        return fail(multipart, -E2BIG, "the part has more header lines than are allowed");
    if (memchr(line->data, '\0', line->length) || memchr(line->data, '\r', line->length))
        return fail(multipart, -EPROTO, "a header line must not hold NUL or CR");
    wrong = read_header(&multipart->part, line->data);
    return wrong ? fail(multipart, -EPROTO, wrong) : 0;
}

static int take_headers(struct h2_multipart *multipart, const char *data, size_t length,
                        size_t *used)
{
    const char *line_feed = memchr(data, '\n', length);
    size_t piece = line_feed ? (size_t)(line_feed + 1 - data) : length;
    int rc;

    if (multipart->line.length + piece > multipart->limits.header_bytes + 2)
        return fail(multipart, -E2BIG, "a header line is longer than is allowed");
    buf_append(&multipart->line, data, piece);
    *used = piece;
    if (!line_feed)
        return 0;
    rc = take_header(multipart);
    buf_clear(&multipart->line);
    return rc;
}

/* Reads one thing from the front of data; *used tells how far it went, which may be 0 when only
 * the state has changed. */
static int take(struct h2_multipart *multipart, const char *data, size_t length, size_t *used)
{
    switch (multipart->state) {
    case PREAMBLE:
    case DATA:
        return take_content(multipart, data, length, used);
    case HEADERS:
        return take_headers(multipart, data, length, used);
    case EPILOGUE:
        *used = length;
        return 0;
    default:
        *used = 1;
        return take_boundary_end(multipart, *data);
    }
}

int h2_multipart_feed(struct h2_multipart *multipart, const char *data, size_t length)
{
    while (length > 0 && multipart->error == 0) {
        size_t used = 0;

        multipart->error = take(multipart, data, length, &used);
        multipart->offset += used;
        data += used;
        length -= used;
    }
    return multipart->error;
}

int h2_multipart_finish(struct h2_multipart *multipart)
{
    if (multipart->error == 0 && multipart->state != EPILOGUE)
        multipart->error = fail(multipart, -EPROTO, "the body ends without its closing boundary");
    else if (multipart->error == 0 && multipart->parts == 0)
        multipart->error = fail(multipart, -EPROTO, "the body has no parts");
    return multipart->error;
}

const char *h2_multipart_fault(const struct h2_multipart *multipart)
{
    return multipart->fault;
}
