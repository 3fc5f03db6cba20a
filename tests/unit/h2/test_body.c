/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are collected: their octets and their memory, and when there is none. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/test.h"

static bool is_scarce;

static void *scarce_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return is_scarce ? MAP_FAILED : mmap(at, size, protection, flags, fd, offset);
}

#include "base/mem.h"

/* It takes the place of the library's. */
#define mmap scarce_mmap
#include "h2/holding.c"
#undef mmap

#include "h2/request.h"
#include "h2/stream.h"
#include "support/h2_client.h"

#define KIB ((size_t)1024)

static struct h2_body_spare spare;

static void append(struct h2_body *body, size_t length, size_t most)
{
    char *octets = mem_alloc(length);

    for (size_t i = 0; i < length; i++)
        octets[i] = (char)('a' + (body->length + i) % 26);
    assert_int_equal(h2_body_append(body, &spare, octets, length, most), 0);
    free(octets);
}

static void assert_whole(const struct h2_body *body, size_t length)
{
    const char *text = h2_body_text(body);

    assert_int_equal(body->length, length);
    assert_int_equal(strlen(text), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(text[i], 'a' + i % 26);
}

static void test_it_keeps_its_octets(void **state)
{
    static const size_t parts[] = {1, 63, 100, 1000, 4000, 16 * KIB, 16 * KIB + 1, 200 * KIB};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct h2_body body = {0};
        size_t length = 0;

        assert_string_equal(h2_body_text(&body), "");
        while (length < (parts[i] < 1000 ? 20 : 300) * KIB) {
            size_t before = h2_body_capacity(&body, &spare, parts[i], 1024 * KIB);

            append(&body, parts[i], 1024 * KIB);
            length += parts[i];
            assert_int_equal(body.capacity, before);
            assert_true(body.capacity > length);
            if (length < 2000 || length > 19 * KIB)
                assert_whole(&body, length);
        }
        h2_body_release(&body, &spare);
        assert_int_equal(body.capacity, 0);
        assert_string_equal(h2_body_text(&body), "");
    }
}

/* What is announced is not taken twice over. */
static void test_it_takes_no_more_than_it_may_have(void **state)
{
    static const size_t most[] = {10, 5000, 16 * KIB - 1, 16 * KIB, 100 * KIB};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct h2_body body = {0};

        append(&body, most[i] / 2 + 1, most[i]);
        append(&body, most[i] - most[i] / 2 - 1, most[i]);
        assert_whole(&body, most[i]);
        assert_true(body.capacity <= (most[i] < H2_BODY_HEAP ? most[i] + 1 : most[i] + 1 + page));
        h2_body_release(&body, &spare);
    }
}

static void test_without_memory_it_stays_as_it_is(void **state)
{
    static const size_t before[] = {0, 100, 16 * KIB - 1, 20 * KIB};

    (void)state;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct h2_body body = {0};
        char more[16 * KIB] = "";

        if (before[i] > 0)
            append(&body, before[i], 1024 * KIB);
        h2_body_spare_release(&spare);
        is_scarce = true;
        while (h2_body_append(&body, &spare, more, 0, 1024 * KIB) == 0 &&
               h2_body_capacity(&body, &spare, sizeof(more), 1024 * KIB) == body.capacity)
            append(&body, sizeof(more), 1024 * KIB);
        size_t length = body.length;

        assert_int_equal(h2_body_append(&body, &spare, more, sizeof(more), 1024 * KIB), -ENOMEM);
        is_scarce = false;
        assert_whole(&body, length);
        append(&body, sizeof(more), 1024 * KIB);
        assert_whole(&body, length + sizeof(more));
        h2_body_release(&body, &spare);
    }
}

/* One after the other in the same pages; of two at a time one lies elsewhere. */
static void test_it_leaves_its_pages_to_the_next(void **state)
{
    struct h2_body first = {0}, second = {0};

    (void)state;
    h2_body_spare_release(&spare);
    append(&first, 40 * KIB, 1024 * KIB);
    const char *pages = first.data;
    h2_body_release(&first, &spare);
    assert_ptr_equal(spare.data, pages);
    append(&first, 20 * KIB, 1024 * KIB);
    append(&second, 20 * KIB, 1024 * KIB);
    assert_ptr_equal(first.data, pages);
    assert_whole(&first, 20 * KIB);
    assert_whole(&second, 20 * KIB);
    h2_body_release(&second, &spare);
    h2_body_release(&first, &spare);
    assert_ptr_equal(spare.data, pages);
    append(&first, 2 * H2_BODY_SPARE, 1024 * KIB);
    h2_body_release(&first, &spare);
    assert_ptr_equal(spare.data, pages);
    h2_body_spare_release(&spare);
    assert_null(spare.data);
}

static void on_body(struct h2_stream *stream, const char *body, size_t length, void *context)
{
    (void)body;
    (void)length;
    (void)context;
    h2_server_answer(stream, 200, "done");
}

static void on_request(struct h2_server *server, struct h2_stream *stream)
{
    (void)server;
    h2_stream_read_body(stream, 1024 * KIB, on_body, NULL);
}

/* That request gets an answer, the others of its session go on. */
static void test_without_memory_a_request_ends(void **state)
{
    static char long_body[100 * KIB];
    struct h2_server server;

    (void)state;
    memset(long_body, 'b', sizeof(long_body));
    h2_server_init(&server, NULL);
    server.on_request = on_request;
    struct h2_client *client = h2_client_new(&server);
    is_scarce = true;
    int32_t first = h2_client_request(client, "POST", "/", long_body, sizeof(long_body));
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, first)->status, 503);
    int32_t second = h2_client_request(client, "POST", "/", "hello", 5);
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, second)->status, 200);
    is_scarce = false;
    int32_t third = h2_client_request(client, "POST", "/", long_body, sizeof(long_body));
    h2_pump(&server);
    assert_int_equal(h2_client_stream(client, third)->status, 200);
    h2_client_leave(client);
    h2_pump(&server);
    assert_int_equal(h2_endpoint_inbound_bytes(server.endpoint), 0);
    h2_server_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_keeps_its_octets),
        cmocka_unit_test(test_it_takes_no_more_than_it_may_have),
        cmocka_unit_test(test_without_memory_it_stays_as_it_is),
        cmocka_unit_test(test_it_leaves_its_pages_to_the_next),
        cmocka_unit_test(test_without_memory_a_request_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
