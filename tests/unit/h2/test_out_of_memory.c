/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp2 without memory: its n-th allocation fails, and all that follow, for every n until an
 * exchange gets through. Whatever happens ends that session only, and leaks nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static size_t allocations_left;

static void *scarce(void *(*allocate)(size_t size, void *pointer), size_t size, void *pointer)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return allocate(size, pointer);
}

static void *plain(size_t size, void *pointer)
{
    return realloc(pointer, size);
}

static void *zeroed(size_t size, void *pointer)
{
    (void)pointer;
    return calloc(1, size);
}

static void *scarce_malloc(size_t size)
{
    return scarce(plain, size, NULL);
}

static void *scarce_calloc(size_t count, size_t size)
{
    return scarce(zeroed, count * size, NULL);
}

static void *scarce_realloc(void *pointer, size_t size)
{
    return scarce(plain, size, pointer);
}

#include "base/mem.h"

/* The room's own frame memory, on the scarce allocator; it takes the library's place. */
#define malloc  scarce_malloc
#define calloc  scarce_calloc
#define realloc scarce_realloc
#include "h2/frame_memory.c"
#undef malloc
#undef calloc
#undef realloc

#include "h2/state.h"
#include "support/h2_client.h"

static void answer(struct h2_server *server, struct h2_stream *stream)
{
    if (server->requests == 1)
        h2_test_source_respond(server->context, stream);
    else
        h2_server_echo(server, stream);
}

static void put_requests(struct h2_client *client)
{
    const nghttp2_nv fields[] = {h2_field(":method", "POST"), h2_field(":scheme", "https"),
                                 h2_field(":authority", "localhost"), h2_field(":path", "/")};

    h2_client_preface(client);
    h2_client_raw_get(client, NGHTTP2_FLAG_END_STREAM, 1, "/events");
    h2_client_headers(client, 0, 3, fields, 4);
    h2_client_frame(client, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, "hello", 5);
    h2_client_headers(client, 0, 5, fields, 4);
    h2_client_reset(client, 5, NGHTTP2_CANCEL);
    h2_client_frame(client, NGHTTP2_PING, 0, 0, "12345678", 8);
}

/* True when the exchange got through with so many allocations. */
static bool try_with(size_t allocations)
{
    struct h2_test_source source = {0};
    struct h2_server server;

    allocations_left = SIZE_MAX;
    h2_server_init(&server, NULL);
    server.on_request = answer;
    server.context = &source;
    struct h2_client *other = h2_client_new(&server);
    allocations_left = allocations;
    struct h2_client *client = h2_client_new_raw(&server);
    put_requests(client);
    h2_pump(&server);
    h2_test_source_push(&source, "event", 5);
    h2_test_source_end(&source);
    h2_pump(&server);
    bool is_through = !client->is_closed && allocations_left > 0;
    allocations_left = SIZE_MAX;
    h2_pump(&server);
    if (is_through)
        assert_int_equal(client->frames[NGHTTP2_DATA], 2);
    server.requests = 1;
    int32_t id = h2_client_request(other, "POST", "/", "hello", 5);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(other, id)->status, 200);
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->streams, 0);
    assert_int_equal(h2_endpoint_counters(server.endpoint)->sessions, 1);
    h2_server_release(&server);
    h2_test_source_release(&source);
    return is_through;
}

static void test_every_allocation(void **state)
{
    size_t allocations = 0;

    (void)state;
    while (!try_with(allocations))
        allocations++;
    assert_true(allocations > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
