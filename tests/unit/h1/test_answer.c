/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "h1/connection.h"
#include "h2/stream.h"
#include "support/test.h"

static void assert_written(const struct h1_answer *answer, bool is_last, bool is_1_0,
                           const char *text)
{
    struct buf to = BUF_INIT;

    h1_answer_begin(&to, answer);
    h1_answer_end(&to, is_last, is_1_0);
    assert_string_equal(buf_str(&to), text);
    buf_release(&to);
}

static void test_heads(void **state)
{
    static const struct h2_field fields[] = {{"a", "b"}, {"content-length", "5"}};

    (void)state;
    assert_written(&(struct h1_answer){200, fields, 2, H1_LENGTH, false}, false, false,
                   "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n\r\n");
    assert_written(&(struct h1_answer){404, fields, 1, H1_LENGTH, true}, true, false,
                   "HTTP/1.1 404 Not Found\r\na: b\r\ncontent-length: 0\r\n"
                   "connection: close\r\n\r\n");
    assert_written(&(struct h1_answer){204, fields, 1, H1_NO_BODY, true}, false, true,
                   "HTTP/1.1 204 No Content\r\na: b\r\nconnection: keep-alive\r\n\r\n");
    assert_written(&(struct h1_answer){200, NULL, 0, H1_CHUNKED, true}, false, false,
                   "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_written(&(struct h1_answer){200, NULL, 0, H1_UNTIL_CLOSE, true}, true, true,
                   "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    assert_written(&(struct h1_answer){499, NULL, 0, H1_LENGTH, true}, false, false,
                   "HTTP/1.1 499 \r\ncontent-length: 0\r\n\r\n");
}

/* What a handler puts into a value begins no field and no answer of its own. */
static void test_values_stay_in_their_lines(void **state)
{
    static const struct h2_field fields[] = {{"a", "b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nc\n"}};

    (void)state;
    assert_written(&(struct h1_answer){200, fields, 1, H1_LENGTH, true}, false, false,
                   "HTTP/1.1 200 OK\r\na: b    HTTP/1.1 200 OK    c \r\ncontent-length: 0\r\n\r\n");
}

static void test_statuses(void **state)
{
    (void)state;
    assert_true(h1_status_has_body(200));
    assert_true(h1_status_has_body(404));
    assert_false(h1_status_has_body(100));
    assert_false(h1_status_has_body(204));
    assert_false(h1_status_has_body(304));
}

static void assert_line(size_t length, const char *text)
{
    char line[H1_CHUNK_LINE_MOST];
    size_t count = h1_chunk_line(line, length);

    assert_int_equal(count, strlen(text));
    assert_memory_equal(line, text, count);
}

static void test_chunk_lines(void **state)
{
    (void)state;
    assert_line(0, "0\r\n");
    assert_line(9, "9\r\n");
    assert_line(10, "a\r\n");
    assert_line(16, "10\r\n");
    assert_line(16384, "4000\r\n");
    assert_line(SIZE_MAX, "ffffffffffffffff\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_values_stay_in_their_lines),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_chunk_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
