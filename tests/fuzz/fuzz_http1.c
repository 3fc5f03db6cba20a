/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets from a client of HTTP/1.1. In whatever pieces they come, the same is heard of them;
 * and the session ends, or goes on, without growing beyond its bounds. The first octet says in
 * which pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "h1/connection.h"
#include "h1/parser.h"
#include "h2/listener.h"
#include "h2/request.h"
#include "h2/state.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"

static void on_head(void *context, struct h2_request *request, const struct h1_facts *facts)
{
    if (request->fault)
        buf_printf(context, "refused %d", request->fault);
    else
        buf_printf(context, "%s %s %s %s %s %d%d%d", request->method, request->scheme,
                   request->authority, request->path, request->query, facts->is_1_0,
                   facts->is_persistent, request->has_body);
    for (size_t i = 0; !request->fault && i < request->header_count; i++) {
        const struct h2_header *header = &request->headers[i];

        assert(!strpbrk(header->name, " \t\r\n:") && !strpbrk(header->value, "\r\n"));
        buf_printf(context, "[%s:%s]", header->name, header->value);
    }
    assert(request->fault || request->path[0] == '/');
    h2_request_free(request);
}

static void on_body(void *context, const char *data, size_t length)
{
    buf_append(context, data, length);
}

static void on_end(void *context)
{
    buf_append_str(context, " end\n");
}

static void on_fault(void *context, int status, const char *text)
{
    (void)text;
    buf_printf(context, " fault %d", status);
}

static const struct h1_events events = {on_head, on_body, on_end, on_fault};

static void hear(struct buf *heard, const uint8_t *data, size_t size, size_t piece)
{
    struct h1_parser parser;
    size_t at = 0;

    h1_parser_init(&parser, &h2_limits_default, "https", &events, heard);
    while (at < size && parser.phase != H1_REFUSED) {
        size_t step = size - at < piece ? size - at : piece;
        char *copy = malloc(step); /* so that a look behind its end is seen */

        assert(copy);
        memcpy(copy, data + at, step);
        size_t taken = h1_parser_take(&parser, copy, step);
        free(copy);
        assert(taken > 0 || parser.phase == H1_REFUSED);
        at += taken;
        if (parser.phase == H1_COMPLETE)
            h1_parser_reset(&parser);
    }
    h1_parser_release(&parser);
}

static void compare_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct buf whole = BUF_INIT;
    struct buf pieces = BUF_INIT;

    hear(&whole, data, size, size + 1);
    hear(&pieces, data, size, piece);
    assert(whole.length == pieces.length && strcmp(buf_str(&whole), buf_str(&pieces)) == 0);
    buf_release(&whole);
    buf_release(&pieces);
}

/* Some requests are echoed, some get a stream, some no answer. */
static void on_request(struct h2_server *server, struct h2_stream *stream)
{
    const char *method = h2_stream_request(stream)->method;

    if (strcmp(method, "POST") == 0) {
        h2_server_echo(server, stream);
    } else if (server->requests % 3 == 1) {
        h2_server_answer(stream, 200, "hello");
    } else if (server->requests % 3 == 2) {
        h2_test_source_respond(server->context, stream);
        server->on_request = NULL; /* there is one source */
    }
}

static void converse(const uint8_t *data, size_t size)
{
    static const struct h2_listener_options listener = {.http1 = true};
    struct h2_test_source source = {0};
    struct h2_server server;

    h2_server_init(&server, NULL);
    server.endpoint->http1 = &h1_protocol;
    server.listener = &listener;
    server.on_request = on_request;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_write(client, data, size);
    h2_pump(&server);
    h2_test_source_push(&source, "event", 5);
    h2_pump(&server);
    assert(h2_endpoint_counters(server.endpoint)->output_bytes <=
           h2_limits_default.output_hard_bytes);
    assert(server.endpoint->waiting_bytes <= H2_WIRE_RECEIVE);
    h2_test_source_end(&source);
    h2_pump(&server);
    h2_client_leave(client);
    h2_pump(&server);
    assert(h2_endpoint_counters(server.endpoint)->streams == 0);
    assert(h2_endpoint_counters(server.endpoint)->sessions == 0);
    assert(server.endpoint->waiting_bytes == 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    compare_pieces(data + 1, size - 1, data[0] ? data[0] : size);
    converse(data + 1, size - 1);
    return 0;
}
