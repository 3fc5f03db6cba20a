/* SPDX-License-Identifier: Apache-2.0 */
#include "h1/parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/request.h"
#include "h2/session.h"

/* What a head may have besides the fields that its limits count: names of forms, line ends. */
#define HEAD_MORE ((size_t)1024)
/* The authority of an absolute target, besides its path. */
#define AUTHORITY_BYTES ((size_t)512)
/* Of all chunks of a body. */
#define EXTENSION_BYTES ((size_t)4096)
#define LENGTH_DIGITS   18u

#define TWO_LENGTHS    "There are transfer-encoding and content-length; send one of them"
#define TWO_CODINGS    "There is more than one transfer-encoding; send chunked alone"
#define UNKNOWN_CODING "The transfer-encoding is not chunked, which is the only one here"
#define NO_REQUEST     "What has come is no request of HTTP/1.1"

/* What has come of a head. */
struct h1_head {
    struct h2_request_builder *builder;
    struct buf target, name, value, host;
    unsigned hosts, lengths, codings;
    bool is_length_bad, is_coding_bad, is_expectation_bad;
};

/* Of the connection, not of the request (RFC 9110 7.6.1); HTTP/2 has none of them. */
static const char *const hop_fields[] = {"connection", "keep-alive",        "proxy-connection",
                                         "te",         "transfer-encoding", "upgrade",
                                         "host",       "http2-settings"};

static void refuse(struct h1_parser *parser, int status, const char *text)
{
    if (parser->scan.fault)
        return;
    parser->scan.fault = status;
    parser->scan.text = text;
}

/* Fields of trailers are of no use to anybody; h1/scan.c bounds them. */
static bool is_in_head(const struct h1_parser *parser)
{
    return parser->head && !parser->is_head_done;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
    struct h1_parser *parser = llhttp->data;
    struct h1_head *head = parser->head;
    const size_t most = parser->limits->path_bytes + AUTHORITY_BYTES;

    buf_append(&head->target, at, length);
    if (head->target.length > most)
        refuse(parser, 414, "The request's target is too long (limits.pathBytes)");
    return 0;
}

static int on_name(llhttp_t *llhttp, const char *at, size_t length)
{
    struct h1_parser *parser = llhttp->data;

    if (is_in_head(parser))
        buf_append(&parser->head->name, at, length);
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct h1_parser *parser = llhttp->data;

    if (is_in_head(parser))
        buf_append(&parser->head->value, at, length);
    return 0;
}

static bool is_hop_field(const char *name)
{
    for (size_t i = 0; i < COUNT(hop_fields); i++)
        if (strcmp(name, hop_fields[i]) == 0)
            return true;
    return false;
}

/* What decides where the request ends, and where it goes. */
static void note_field(struct h1_head *head, const char *name, const char *value)
{
    if (strcmp(name, "host") == 0) {
        head->hosts++;
        buf_clear(&head->host);
        buf_append(&head->host, value, head->value.length);
    } else if (strcmp(name, "content-length") == 0) {
        const size_t digits = strspn(value, "0123456789");

        head->lengths++;
        head->is_length_bad =
            head->is_length_bad || digits == 0 || digits > LENGTH_DIGITS || value[digits] != '\0';
    } else if (strcmp(name, "transfer-encoding") == 0) {
        head->codings++;
        head->is_coding_bad = head->is_coding_bad || strcasecmp(value, "chunked") != 0;
    } else if (strcmp(name, "expect") == 0) {
        head->is_expectation_bad =
            head->is_expectation_bad || strcasecmp(value, "100-continue") != 0;
    }
}

static void trim_end(struct buf *value)
{
    while (value->length > 0 &&
           (value->data[value->length - 1] == ' ' || value->data[value->length - 1] == '\t'))
        value->data[--value->length] = '\0';
}

static void add_field(struct h1_parser *parser)
{
    struct h1_head *head = parser->head;

    trim_end(&head->value);
    for (size_t i = 0; i < head->name.length; i++)
        if (head->name.data[i] >= 'A' && head->name.data[i] <= 'Z')
            head->name.data[i] = (char)(head->name.data[i] - 'A' + 'a');
    const char *name = buf_str(&head->name);
    note_field(head, name, buf_str(&head->value));
    if (!is_hop_field(name))
        h2_request_builder_add(head->builder, (const uint8_t *)name, head->name.length,
                               (const uint8_t *)buf_str(&head->value), head->value.length);
    buf_clear(&head->name);
    buf_clear(&head->value);
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = llhttp->data;

    if (is_in_head(parser))
        add_field(parser);
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = llhttp->data;

    parser->is_head_done = true;
    parser->is_persistent = llhttp_should_keep_alive(llhttp);
    llhttp->upgrade = 0; /* an offer that nobody takes up (RFC 9110 7.8) */
    return 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct h1_parser *parser = llhttp->data;

    parser->is_chunk_begun = true;
    parser->left = llhttp->content_length;
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = llhttp->data;

    parser->is_message_done = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

void h1_parser_init(struct h1_parser *parser, const struct h2_limits *limits, const char *scheme,
                    const struct h1_events *events, void *context)
{
    memset(parser, 0, sizeof(*parser));
    parser->limits = limits;
    parser->scheme = scheme;
    parser->events = events;
    parser->context = context;
    h1_parser_reset(parser);
}

void h1_parser_release(struct h1_parser *parser)
{
    struct h1_head *head = parser->head;

    if (!head)
        return;
    parser->head = NULL;
    h2_request_builder_free(head->builder);
    buf_release(&head->target);
    buf_release(&head->name);
    buf_release(&head->value);
    buf_release(&head->host);
    free(head);
}

void h1_parser_reset(struct h1_parser *parser)
{
    const struct h2_limits *limits = parser->limits;

    h1_parser_release(parser);
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
    h1_scan_expect(&parser->scan, H1_SCAN_START,
                   limits->header_list_bytes + limits->path_bytes + HEAD_MORE);
    parser->scan.fault = 0;
    parser->phase = H1_HEAD;
    parser->left = 0;
    parser->is_head_done = parser->is_chunk_begun = parser->is_message_done = false;
}

bool h1_parser_is_in_head(const struct h1_parser *parser)
{
    return parser->phase == H1_HEAD &&
           (parser->scan.state != H1_SCAN_START || parser->scan.octets > 0);
}

static void put(struct h1_head *head, const char *name, const char *value, size_t length)
{
    h2_request_builder_add(head->builder, (const uint8_t *)name, strlen(name),
                           (const uint8_t *)value, length);
}

static void put_target(struct h1_parser *parser)
{
    struct h1_head *head = parser->head;
    struct h1_target target;

    if (parser->llhttp.method == HTTP_CONNECT)
        return; /* refused by its method */
    if (!h1_target_parse(&target, buf_str(&head->target), head->target.length)) {
        refuse(parser, 400,
               "The request's target is neither a path that begins with '/' nor an "
               "http or https URL");
        return;
    }
    if (!target.authority) {
        target.authority = buf_str(&head->host);
        target.authority_length = head->host.length;
    }
    if (target.authority_length > 0 &&
        !h1_target_is_host(target.authority, target.authority_length))
        refuse(parser, 400, "The host is neither a name nor an address, with a port or without");
    put(head, ":authority", target.authority, target.authority_length);
    if (target.lacks_slash) {
        struct buf path = BUF_INIT;

        buf_append_char(&path, '/');
        buf_append(&path, target.path, target.path_length);
        put(head, ":path", path.data, path.length);
        buf_release(&path);
    } else {
        put(head, ":path", target.path, target.path_length);
    }
}

static bool is_1_0(const struct h1_parser *parser)
{
    return parser->llhttp.http_minor == 0;
}

/* The first that is wrong counts. RFC 9112 6: what could be read as two lengths is none. */
static void check_fields(struct h1_parser *parser)
{
    const struct h1_head *head = parser->head;
    const struct {
        bool is_wrong;
        int status;
        const char *text;
    } checks[] = {
        {head->hosts > 1, 400, "There is more than one host field; send one"},
        {head->hosts == 0 && !is_1_0(parser), 400,
         "There is no host field, which HTTP/1.1 demands"},
        {head->codings > 0 && head->lengths > 0, 400, TWO_LENGTHS},
        {head->lengths > 1, 400, "There is more than one content-length; send one"},
        {head->is_length_bad, 400, "The content-length is no number of at most 18 digits"},
        {head->codings > 1, 400, TWO_CODINGS},
        {head->codings > 0 && is_1_0(parser), 400,
         "HTTP/1.0 has no transfer-encoding; use HTTP/1.1, or content-length"},
        {head->is_coding_bad, 501, UNKNOWN_CODING},
        {head->is_expectation_bad && !is_1_0(parser), 417,
         "What the field expect demands is not known here but for 100-continue"},
    };

    for (size_t i = 0; i < COUNT(checks); i++)
        if (checks[i].is_wrong)
            refuse(parser, checks[i].status, checks[i].text);
}

static void refuse_by_library(struct h1_parser *parser, llhttp_errno_t error)
{
    static const struct {
        llhttp_errno_t error;
        int status;
        const char *text;
    } refusals[] = {
        {HPE_INVALID_METHOD, 501,
         "The method is not known here; methods are in capitals, as in GET and POST"},
        {HPE_INVALID_VERSION, 505, "This version of HTTP is not spoken here; use HTTP/1.1"},
        {HPE_INVALID_URL, 400,
         "The request's target holds a character that targets have not, or is neither a path nor a "
         "URL"},
        {HPE_UNEXPECTED_CONTENT_LENGTH, 400,
         "There is more than one content-length, or one beside a transfer-encoding; send one"},
        {HPE_INVALID_CONTENT_LENGTH, 400, "The content-length is no number"},
        {HPE_INVALID_TRANSFER_ENCODING, 501, UNKNOWN_CODING},
        {HPE_INVALID_CHUNK_SIZE, 400, "The size of a chunk is no hexadecimal number"},
    };

    if (error == HPE_INVALID_TRANSFER_ENCODING && !parser->is_head_done) {
        if (parser->head->lengths > 0)
            refuse(parser, 400, TWO_LENGTHS);
        if (parser->head->codings > 0)
            refuse(parser, 400, TWO_CODINGS);
    }
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (refusals[i].error == error)
            refuse(parser, refusals[i].status, refusals[i].text);
    refuse(parser, 400, NO_REQUEST);
}

static struct h2_request *finish_request(struct h1_parser *parser)
{
    struct h2_request_builder *builder = parser->head->builder;

    parser->head->builder = NULL;
    h1_parser_release(parser);
    return h2_request_builder_finish(builder);
}

static void tell_refusal(struct h1_parser *parser)
{
    struct h1_head *head = parser->head;

    parser->phase = H1_REFUSED;
    if (!head) {
        parser->events->on_fault(parser->context, parser->scan.fault, parser->scan.text);
        return;
    }
    const struct h1_facts facts = {.is_1_0 = parser->is_head_done && is_1_0(parser)};
    h2_request_builder_refuse(head->builder, parser->scan.fault, parser->scan.text);
    parser->events->on_head(parser->context, finish_request(parser), &facts);
}

static void begin_head(struct h1_parser *parser)
{
    if (parser->phase != H1_HEAD || parser->head)
        return;
    parser->head = mem_zalloc(sizeof(*parser->head));
    parser->head->builder = h2_request_builder_new(parser->limits);
}

void h1_parser_refuse(struct h1_parser *parser, int status, const char *text)
{
    if (parser->phase == H1_REFUSED)
        return;
    begin_head(parser);
    refuse(parser, status, text);
    tell_refusal(parser);
}

/* What a builder refuses has its own words. */
static void take_fault_of_builder(struct h1_parser *parser)
{
    const char *text;
    int fault = parser->head ? h2_request_builder_fault(parser->head->builder, &text) : 0;

    if (fault)
        refuse(parser, fault, text);
}

static enum h1_phase after_head(struct h1_parser *parser)
{
    if (parser->llhttp.flags & F_CHUNKED) {
        h1_scan_expect(&parser->scan, H1_SCAN_SIZE_FIRST, EXTENSION_BYTES);
        return H1_CHUNK_LINE;
    }
    parser->left = parser->llhttp.content_length;
    return parser->left > 0 && (parser->llhttp.flags & F_CONTENT_LENGTH) ? H1_BODY : H1_COMPLETE;
}

static void finish_head(struct h1_parser *parser)
{
    struct h1_head *head = parser->head;
    const char *method = llhttp_method_name((llhttp_method_t)parser->llhttp.method);

    check_fields(parser);
    put(head, ":method", method, strlen(method));
    put(head, ":scheme", parser->scheme, strlen(parser->scheme));
    put_target(parser);
    take_fault_of_builder(parser);
}

static void tell_head(struct h1_parser *parser, bool has_body)
{
    const struct h1_facts facts = {.is_1_0 = is_1_0(parser),
                                   .is_persistent = parser->is_persistent,
                                   .is_chunked = parser->llhttp.flags & F_CHUNKED};
    struct h2_request *request = finish_request(parser);

    request->has_body = has_body;
    if (request->fault)
        parser->phase = H1_REFUSED;
    parser->events->on_head(parser->context, request, &facts);
}

static void complete(struct h1_parser *parser)
{
    parser->phase = H1_COMPLETE;
    parser->events->on_end(parser->context);
}

/* The library has seen a part to its end, and says the same of it. False when it does not. */
static bool agrees(struct h1_parser *parser, bool is_said)
{
    if (!is_said)
        refuse(parser, 400, NO_REQUEST);
    return is_said;
}

static void end_head(struct h1_parser *parser)
{
    if (!agrees(parser, parser->is_head_done))
        return;
    finish_head(parser);
    if (parser->scan.fault)
        return;
    parser->phase = after_head(parser);
    const bool has_body = parser->phase != H1_COMPLETE;
    if (!agrees(parser, has_body != parser->is_message_done))
        return;
    tell_head(parser, has_body);
    if (parser->phase == H1_COMPLETE)
        complete(parser);
}

static void end_chunk_line(struct h1_parser *parser)
{
    if (!agrees(parser, parser->is_chunk_begun))
        return;
    parser->is_chunk_begun = false;
    parser->phase = parser->left > 0 ? H1_CHUNK_DATA : H1_TRAILERS;
    if (parser->phase != H1_TRAILERS)
        return;
    h1_scan_expect(&parser->scan, H1_SCAN_FIELD, parser->limits->header_list_bytes);
    /* From 9 on llhttp refuses a content-length in trailers, where it says nothing, beside these.
     */
    parser->llhttp.flags &= (uint16_t) ~(F_TRANSFER_ENCODING | F_CONTENT_LENGTH);
}

/* The part is complete. */
static void end_part(struct h1_parser *parser)
{
    switch (parser->phase) {
    case H1_HEAD:
        end_head(parser);
        return;
    case H1_BODY:
    case H1_TRAILERS:
        if (agrees(parser, parser->is_message_done))
            complete(parser);
        return;
    case H1_CHUNK_LINE:
        end_chunk_line(parser);
        return;
    case H1_CHUNK_DATA:
        parser->phase = H1_CHUNK_END;
        h1_scan_go_on(&parser->scan, H1_SCAN_DATA_CR);
        return;
    case H1_CHUNK_END:
        parser->phase = H1_CHUNK_LINE;
        h1_scan_go_on(&parser->scan, H1_SCAN_SIZE_FIRST);
        return;
    case H1_COMPLETE:
    case H1_REFUSED:
        return;
    }
}

/* What the scan refuses comes behind these octets. */
static bool feed(struct h1_parser *parser, const char *data, size_t length)
{
    const int fault = parser->scan.fault;

    parser->scan.fault = 0;
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, data, length);
    if (error != HPE_OK)
        refuse_by_library(parser, error);
    take_fault_of_builder(parser);
    if (!parser->scan.fault)
        parser->scan.fault = fault;
    return !parser->scan.fault;
}

static size_t take_data(struct h1_parser *parser, const char *data, size_t length)
{
    const size_t step = parser->left < length ? (size_t)parser->left : length;

    if (!feed(parser, data, step))
        return step;
    parser->left -= step;
    parser->events->on_body(parser->context, data, step);
    if (parser->left == 0)
        end_part(parser);
    return step;
}

static size_t take_lines(struct h1_parser *parser, const char *data, size_t length)
{
    begin_head(parser);
    const size_t step = h1_scan_take(&parser->scan, data, length);
    if (feed(parser, data, step) && parser->scan.state == H1_SCAN_DONE)
        end_part(parser);
    return step;
}

size_t h1_parser_take(struct h1_parser *parser, const char *data, size_t length)
{
    size_t taken = 0;

    while (taken < length && parser->phase < H1_COMPLETE) {
        const bool is_data = parser->phase == H1_BODY || parser->phase == H1_CHUNK_DATA;
        size_t step = is_data ? take_data(parser, data + taken, length - taken)
                              : take_lines(parser, data + taken, length - taken);

        taken += step;
        if (parser->scan.fault && parser->phase < H1_COMPLETE) {
            tell_refusal(parser);
            break;
        }
    }
    return taken;
}
