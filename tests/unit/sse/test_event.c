/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/event.h"
#include "support/event_stream.h"
#include "support/test.h"

static struct bytes *encode(const char *id, const char *name, const char *data)
{
    const struct sse_event_fields fields = {
        .id = id,
        .name = name,
        .data = data,
        .data_length = data ? strlen(data) : 0,
        .retry_ms = -1,
    };

    return sse_event_encode(&fields);
}

static void assert_wire(struct bytes *wire, const char *expected)
{
    assert_non_null(wire);
    assert_int_equal(wire->length, strlen(expected));
    assert_memory_equal(wire->data, expected, wire->length);
    bytes_unref(wire);
}

static void test_wire(void **state)
{
    const struct sse_event_fields all = {.id = "7",
                                         .name = "bell",
                                         .data = "x",
                                         .data_length = 1,
                                         .retry_ms = 5000,
                                         .comment = "resend"};
    const struct sse_event_fields comment = {.comment = "", .retry_ms = -1};

    (void)state;
    assert_wire(sse_event_encode(&all), ":resend\nid:7\nevent:bell\nretry:5000\ndata:x\n\n");
    assert_wire(sse_event_encode(&comment), ":\n");
    assert_wire(encode(NULL, NULL, ""), "data:\n\n");
    assert_wire(encode(NULL, "a", NULL), "event:a\n\n");
}

static void test_json_is_broken_between_its_tokens(void **state)
{
    enum { TOKENS = 30000 };
    struct buf json = BUF_INIT;
    struct sse_event_fields fields = {.name = "a", .retry_ms = -1};
    struct bytes *wire;
    size_t lines = 0, seen = 0;

    (void)state;
    for (size_t i = 0; i < TOKENS; i++)
        buf_printf(&json, "%s\"%04zu\"", i == 0 ? "[" : ",", i % 10000);
    buf_append_char(&json, ']');
    fields.data = buf_str(&json);
    fields.data_length = json.length;
    wire = sse_event_encode_json(&fields);
    assert_non_null(wire);
    for (const char *line = wire->data; line < wire->data + wire->length; lines++) {
        const char *end = strchr(line, '\n');

        assert_in_range(end - line, 0, SSE_DATA_LINE_BYTES + strlen("data:"));
        if (strncmp(line, "data:", 5) == 0) {
            assert_memory_equal(json.data + seen, line + 5, (size_t)(end - line) - 5);
            seen += (size_t)(end - line) - 5;
        }
        line = end + 1;
    }
    assert_int_equal(seen, json.length);
    assert_int_equal(lines, 1 + json.length / SSE_DATA_LINE_BYTES + 1 + 1);
    bytes_unref(wire);
    fields.data_length = SSE_DATA_LINE_BYTES;
    wire = sse_event_encode_json(&fields);
    assert_null(strstr(strstr(wire->data, "data:") + 1, "data:"));
    bytes_unref(wire);
    buf_release(&json);
}

/* Every line break becomes LF on the page, and nothing else changes. */
static void assert_round_trip(const char *data, const char *expected)
{
    struct bytes *wire = encode("i", "n", data);
    struct event_stream stream;

    assert_non_null(wire);
    event_stream_parse(&stream, wire->data, wire->length);
    assert_true(stream.is_whole);
    assert_int_equal(stream.count, 1);
    assert_string_equal(stream.events[0].data, expected);
    assert_string_equal(stream.events[0].name, "n");
    assert_string_equal(stream.events[0].id, "i");
    event_stream_release(&stream);
    bytes_unref(wire);
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_round_trip("plain", "plain");
    assert_round_trip("", "");
    assert_round_trip("a\nb", "a\nb");
    assert_round_trip("a\rb", "a\nb");
    assert_round_trip("a\r\nb", "a\nb");
    assert_round_trip("a\n\rb", "a\n\nb");
    assert_round_trip("a\r\r\nb", "a\n\nb");
    assert_round_trip("\r\n\r\n", "\n\n");
    assert_round_trip("\n", "\n");
    assert_round_trip("a\r", "a\n");
    assert_round_trip("a\r\n", "a\n");
    assert_round_trip(" leading and trailing ", " leading and trailing ");
    assert_round_trip("  two\n three", "  two\n three");
    assert_round_trip("event:evil\ndata: x\n\nid:9", "event:evil\ndata: x\n\nid:9");
    assert_round_trip(":comment\n:", ":comment\n:");
    assert_round_trip("\xef\xbb\xbf"
                      "bom",
                      "\xef\xbb\xbf"
                      "bom");
    assert_round_trip("line\xe2\x80\xa8separator\xc2\x85next",
                      "line\xe2\x80\xa8separator\xc2\x85next");
}

/* Every text of up to six of these characters: breaks and what a parser looks at. */
static void test_round_trip_of_all_short_texts(void **state)
{
    static const char alphabet[] = "\r\n: a";
    const size_t letters = sizeof(alphabet) - 1;

    (void)state;
    for (size_t number = 0; number < 5u * 5 * 5 * 5 * 5 * 5; number++) {
        char text[7] = "";
        char expected[7] = "";
        size_t used = 0;
        size_t rest = number;

        for (size_t i = 0; i < 6; i++, rest /= letters)
            text[i] = alphabet[rest % letters];
        for (size_t i = 0; i < 6; i++) {
            if (text[i] == '\r' && text[i + 1] == '\n')
                i++;
            expected[used++] = text[i] == '\r' ? '\n' : text[i];
        }
        assert_round_trip(text, expected);
    }
}

static void test_leading_space_in_fields(void **state)
{
    struct bytes *wire = encode(" 7", " bell", "x");
    struct event_stream stream;

    (void)state;
    event_stream_parse(&stream, wire->data, wire->length);
    assert_string_equal(stream.events[0].id, " 7");
    assert_string_equal(stream.events[0].name, " bell");
    event_stream_release(&stream);
    bytes_unref(wire);
}

static void assert_refused(const struct sse_event_fields *fields, int error)
{
    errno = 0;
    assert_null(sse_event_encode(fields));
    assert_int_equal(errno, error);
}

static void test_injection_is_refused(void **state)
{
    static const char *const bad[] = {"a\nb", "a\rb", "\n", "a\xff", "\xc0\x80", "\xed\xa0\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(&(struct sse_event_fields){.id = bad[i], .retry_ms = -1}, EINVAL);
        assert_refused(&(struct sse_event_fields){.name = bad[i], .retry_ms = -1}, EINVAL);
        assert_refused(&(struct sse_event_fields){.comment = bad[i], .retry_ms = -1}, EINVAL);
    }
    assert_refused(&(struct sse_event_fields){.data = "a\xff", .data_length = 2, .retry_ms = -1},
                   EINVAL);
}

static void test_check_field(void **state)
{
    char longest[SSE_EVENT_MAX_NAME + 2];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(sse_event_check_field("bell", 4, SSE_EVENT_MAX_NAME), 0);
    assert_int_equal(sse_event_check_field("a: b", 4, SSE_EVENT_MAX_NAME), 0);
    assert_int_equal(sse_event_check_field("a\0b", 3, SSE_EVENT_MAX_NAME), -EINVAL);
    assert_int_equal(sse_event_check_field(longest, SSE_EVENT_MAX_NAME, SSE_EVENT_MAX_NAME), 0);
    assert_int_equal(sse_event_check_field(longest, SSE_EVENT_MAX_NAME + 1, SSE_EVENT_MAX_NAME),
                     -EMSGSIZE);
    longest[SSE_EVENT_MAX_NAME + 1] = '\0';
    assert_refused(&(struct sse_event_fields){.name = longest, .retry_ms = -1}, EMSGSIZE);
}

static void test_references(void **state)
{
    struct sse_event *event = sse_event_new(NULL, encode(NULL, NULL, "x"));
    struct sse_event *named = sse_event_new("a", encode(NULL, "a", "x"));

    (void)state;
    assert_string_equal(event->name, "");
    assert_int_not_equal(event->name_hash, named->name_hash);
    assert_ptr_equal(sse_event_ref(event), event);
    assert_null(sse_event_unref(event));
    assert_int_equal(event->refs, 1);
    assert_null(sse_event_unref(event));
    assert_null(sse_event_unref(named));
    assert_null(sse_event_unref(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_json_is_broken_between_its_tokens),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_all_short_texts),
        cmocka_unit_test(test_leading_space_in_fields),
        cmocka_unit_test(test_injection_is_refused),
        cmocka_unit_test(test_check_field),
        cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
