/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any frames behind a valid preface: our session must end, or go on, without growing beyond its
 * bounds. The first octet says in which pieces the rest arrives.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "h2/request.h"
#include "support/h2_client.h"
#include "support/h2_limits.h"

#define PIECES ((size_t)4)

/* Some requests are echoed, some get a stream that ends at once, some no answer. */
static void on_request(struct h2_server *server, struct h2_stream *stream)
{
    const char *method = h2_stream_request(stream)->method;

    assert(h2_stream_request(stream)->path[0] == '/');
    if (strcmp(method, "POST") == 0) {
        h2_server_echo(server, stream);
    } else if (server->requests % 3 == 1) {
        h2_test_source_respond(server->context, stream);
        server->on_request = NULL; /* there is one source */
    } else if (server->requests % 3 == 2) {
        h2_server_answer(stream, 200, "hello");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    if (size < 1)
        return 0;
    h2_server_init(&server, NULL);
    server.on_request = on_request;
    server.context = &source;
    struct h2_client *client = h2_client_new_raw(&server);
    h2_client_preface(client);
    size_t piece = data[0] ? data[0] * PIECES : size;
    for (size_t at = 1; at < size; at += piece) {
        h2_client_write(client, data + at, size - at < piece ? size - at : piece);
        h2_pump(&server);
        h2_test_source_push(&source, "event", 5);
        assert(h2_endpoint_counters(server.endpoint)->output_bytes <=
               h2_limits_default.output_hard_bytes);
        assert(h2_endpoint_counters(server.endpoint)->streams <=
               h2_limits_default.concurrent_streams);
    }
    h2_test_source_end(&source);
    h2_pump(&server);
    h2_client_leave(client);
    h2_pump(&server);
    assert(h2_endpoint_counters(server.endpoint)->streams == 0);
    assert(h2_endpoint_counters(server.endpoint)->sessions == 0);
    h2_server_release(&server);
    h2_test_source_release(&source);
    return 0;
}
