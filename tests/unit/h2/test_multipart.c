/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "h2/multipart.h"
#include "support/parts.h"
#include "support/test.h"

#define PART(name) "--b\r\nContent-Disposition: form-data; name=" name "\r\n\r\n"

/* Whole, and cut into slices of each small size: the same parts and the same result. */
static void assert_bytes(const char *body, size_t length, int expected, const char *record)
{
    for (size_t slice = 1; slice <= length && slice < 24; slice++) {
        struct buf seen = BUF_INIT;
        size_t step = slice == 23 ? length : slice;

        assert_int_equal(parts_read(body, length, step, &seen), expected);
        if (record)
            assert_string_equal(buf_str(&seen), record);
        buf_release(&seen);
    }
}

static void assert_parts(const char *body, const char *record)
{
    assert_bytes(body, strlen(body), 0, record);
}

static void assert_malformed(const char *body)
{
    assert_bytes(body, strlen(body), -EPROTO, NULL);
}

/* One part whose only header is this content-disposition. */
static void assert_disposition(const char *disposition, const char *expected)
{
    struct buf body = BUF_INIT;

    buf_printf(&body, "--b\r\nContent-Disposition: %s\r\n\r\nx\r\n--b--", disposition);
    if (expected)
        assert_parts(body.data, expected);
    else
        assert_malformed(body.data);
    buf_release(&body);
}

static const char *content_type_fault(const char *content_type)
{
    const char *fault = NULL;

    h2_multipart_free(h2_multipart_new(content_type, &parts_limits, &parts_recorder, NULL, &fault));
    return fault;
}

static void reads_the_boundary(void **state)
{
    char longest[64 + 70 + 2] = "multipart/form-data; boundary=";
    size_t length = strlen(longest);

    (void)state;
    assert_null(content_type_fault("multipart/form-data; boundary=b"));
    assert_null(content_type_fault("Multipart/Form-Data;Boundary=\"a b'()+_,-./:=?\""));
    assert_null(content_type_fault("multipart/form-data; charset=utf-8; boundary=----=_x ; a=b"));
    memset(longest + length, 'x', 70);
    assert_null(content_type_fault(longest));
    longest[length + 70] = 'x';
    assert_non_null(content_type_fault(longest));
    assert_non_null(content_type_fault("multipart/form-data"));
    assert_non_null(content_type_fault("multipart/form-data; boundary="));
    assert_non_null(content_type_fault("multipart/form-data; boundary=\"\""));
    assert_non_null(content_type_fault("multipart/form-data; boundary=\"b"));
    assert_non_null(content_type_fault("multipart/form-data; boundary=\"b \""));
    assert_non_null(content_type_fault("multipart/form-data; boundary=b; boundary=c"));
    assert_non_null(content_type_fault("multipart/form-data; boundary=b@c"));
    assert_non_null(content_type_fault("multipart/form-data; boundary=\"b\r\""));
    assert_non_null(content_type_fault("multipart/mixed; boundary=b"));
    assert_non_null(content_type_fault("application/json"));
    assert_non_null(content_type_fault(""));
    assert_non_null(content_type_fault(NULL));
}

static void reads_parts(void **state)
{
    (void)state;
    assert_parts(PART("a") "1\r\n" PART("\"b\"") "2\r\n--b--\r\n",
                 "[a|-|text/plain]1;[b|-|text/plain]2;");
    assert_parts("--b\r\ncontent-TYPE:image/png \r\nX-Other: y\r\n"
                 "Content-Disposition:form-data;filename=\"f.png\";name=\"n\"\r\n\r\n\r\n\r\n--b--",
                 "[n|f.png|image/png]\r\n;");
}

static void reads_empty_parts(void **state)
{
    (void)state;
    assert_parts(PART("a") "\r\n--b--", "[a|-|text/plain];");
    assert_parts(PART("a") "--b--", "[a|-|text/plain];");
    assert_parts(PART("a") PART("b") "\r\n--b--", "[a|-|text/plain];[b|-|text/plain];");
}

static void ignores_what_is_around(void **state)
{
    (void)state;
    assert_parts("\r\n" PART("a") "1\r\n--b--", "[a|-|text/plain]1;");
    assert_parts("for old\r\n--readers--b\r\n" PART("a") "1\r\n--b--\r\n" PART("x") "",
                 "[a|-|text/plain]1;");
    assert_parts("--b \t \r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--anything",
                 "[a|-|text/plain]1;");
}

static void passes_on_what_is_nearly_a_boundary(void **state)
{
    (void)state;
    assert_parts(PART("a") "\r\r\n\r\n-\r\n--\r\n--a--b\n--b\r--b\r\n--b--",
                 "[a|-|text/plain]\r\r\n\r\n-\r\n--\r\n--a--b\n--b\r--b;");
    assert_parts(PART("a") "--a\r\n\r\n--b--", "[a|-|text/plain]--a\r\n;");
    assert_parts(PART("a") "-\r\n--b--", "[a|-|text/plain]-;");
}

static void a_boundary_within_data_is_one(void **state)
{
    (void)state;
    assert_malformed(PART("a") "1\r\n--bc\r\n2\r\n--b--");
    assert_malformed(PART("a") "1\r\n--b\r\n2\r\n--b--");
    assert_malformed(PART("a") "1\r\n--b -- \r\n");
    assert_malformed(PART("a") "1\r\n--b-x");
    assert_malformed(PART("a") "1\r\n--b\rx");
}

static void passes_on_any_octet(void **state)
{
    struct buf body = BUF_INIT;
    struct buf expected = BUF_INIT;
    struct buf seen = BUF_INIT;

    (void)state;
    buf_append_str(&body, PART("a"));
    buf_append_str(&expected, "[a|-|text/plain]");
    for (unsigned i = 0; i < 70000; i++) {
        buf_append_char(&body, (char)(i * i >> 3));
        buf_append_char(&expected, (char)(i * i >> 3));
    }
    buf_append_str(&body, "\r\n--b--");
    buf_append_char(&expected, ';');
    for (size_t slice = 1; slice <= body.length; slice = slice * 3 + 1) {
        buf_clear(&seen);
        assert_int_equal(parts_read(body.data, body.length, slice, &seen), 0);
        assert_int_equal(seen.length, expected.length);
        assert_memory_equal(seen.data, expected.data, seen.length);
    }
    buf_release(&body);
    buf_release(&expected);
    buf_release(&seen);
}

static void refuses_what_does_not_end(void **state)
{
    (void)state;
    assert_malformed("--b");
    assert_malformed("--b-");
    assert_malformed("--b--");
    assert_malformed("no boundary at all");
    assert_malformed(PART("a"));
    assert_malformed(PART("a") "1\r\n--b");
    assert_malformed(PART("a") "1\r\n--b\r\n");
    assert_malformed("--b\r\nContent-Disposition: form-data; na");
}

static void refuses_malformed_headers(void **state)
{
    static const char nul[] =
        "--b\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\n\r\n--b--";

    (void)state;
    assert_malformed("--b\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--");
    assert_malformed("--b\nContent-Disposition: form-data; name=a\n\n1\n--b--");
    assert_malformed("--b\r\nContent-Disposition: form-data; name=a\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nno colon\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\n: x\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nX: \xff\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--");
    assert_malformed("--b\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n" PART("a") "1\r\n--b--");
    assert_bytes(nul, sizeof(nul) - 1, -EPROTO, "");
}

static void refuses_what_it_would_not_understand(void **state)
{
    static const char start[] = "--b\r\nContent-Disposition: form-data; name=a\r\n";
    struct buf body = BUF_INIT;

    (void)state;
    buf_printf(&body, "%sContent-Type: Multipart/mixed; boundary=c\r\n\r\n1\r\n--b--", start);
    assert_malformed(body.data);
    buf_clear(&body);
    buf_printf(&body, "%sContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--", start);
    assert_malformed(body.data);
    buf_clear(&body);
    buf_printf(&body, "%sContent-Transfer-Encoding: BINARY\r\n\r\n1\r\n--b--", start);
    assert_parts(body.data, "[a|-|text/plain]1;");
    buf_release(&body);
}

static void reads_names(void **state)
{
    (void)state;
    assert_disposition("form-data; name=\"a b\"", "[a b|-|text/plain]x;");
    assert_disposition("FORM-DATA ; NAME = a ;", "[a|-|text/plain]x;");
    assert_disposition("form-data; name=\"\"", "[|-|text/plain]x;");
    assert_disposition("form-data; name=\"a%22b%41%\"", "[a\"b%41%|-|text/plain]x;");
    assert_disposition("form-data; name=\"a\\\"b;\\c\"", "[a\"b;\\c|-|text/plain]x;");
    assert_disposition("form-data; name=\"\xe2\x82\xac\"", "[\xe2\x82\xac|-|text/plain]x;");
    assert_disposition("form-data", NULL);
    assert_disposition("form-data; filename=a", NULL);
    assert_disposition("form-data; name=a; name=b", NULL);
    assert_disposition("form-data; name=\"a", NULL);
    assert_disposition("form-data; name=\"a\"b", NULL);
    assert_disposition("form-data; name", NULL);
    assert_disposition("form-data; name=\"a\tb\"", "[a\tb|-|text/plain]x;");
    assert_disposition("form-data; name=\"a%0D%0Ab\"", "[a\r\nb|-|text/plain]x;");
    /* a backslash at the end is no escape of the closing quote */
    assert_disposition("form-data; name=\"a\\\"", "[a\\|-|text/plain]x;");
    assert_disposition("form-data; name=\"a\\\" ; filename=b", "[a\\|b|text/plain]x;");
    assert_disposition("form-data; name=\"a\\\"; filename=\"b\"", "[a\\|b|text/plain]x;");
    assert_disposition("form-data; name=\"a\\\"; b\"", "[a\"; b|-|text/plain]x;");
    assert_disposition("form-data; name=\"a\\\"b", NULL);
    assert_disposition("form-data; name=\"\xc0\xaf\"", NULL);
    assert_disposition("attachment; name=a", NULL);
    assert_disposition("", NULL);
}

static void reads_file_names(void **state)
{
    (void)state;
    assert_disposition("form-data; name=a; filename=\"\"", "[a||text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"../../etc/passwd\"",
                       "[a|passwd|text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"C:\\docs\\x.txt\"", "[a|x.txt|text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"a/\"", "[a||text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"b/..\"", "[a||text/plain]x;");
    assert_disposition("form-data; name=a; filename=\".\x01.\"", "[a||text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"x\x1b%0A\x7f.y\"", "[a|x.y|text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"%22\\\"%2F.txt\"",
                       "[a|\"\"%2F.txt|text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"\xf0\x9f\x98\x80.png\"",
                       "[a|\xf0\x9f\x98\x80.png|text/plain]x;");
    assert_disposition("form-data; name=a; filename=\"\xe9t\xe9\"", NULL);
}

static void extended_file_names_win(void **state)
{
    (void)state;
    assert_disposition("form-data; name=a; filename=\"x\"; filename*=UTF-8''%e2%82%ac.txt",
                       "[a|\xe2\x82\xac.txt|text/plain]x;");
    assert_disposition("form-data; name=a; filename*=utf-8'en'a%2Fb; filename=\"x\"",
                       "[a|b|text/plain]x;");
    assert_disposition("form-data; name=a; filename=x; filename*=UTF-8''%ff", "[a|x|text/plain]x;");
    assert_disposition("form-data; name=a; filename=x; filename*=UTF-8''a%00b",
                       "[a|x|text/plain]x;");
    assert_disposition("form-data; name=a; filename=x; filename*=iso-8859-1''a",
                       "[a|x|text/plain]x;");
    assert_disposition("form-data; name=a; filename*=UTF-8'a", NULL);
    assert_disposition("form-data; name=a; filename*=UTF-8''%4", NULL);
}

static void cuts_long_file_names(void **state)
{
    struct buf disposition = BUF_INIT;
    struct buf expected = BUF_INIT;

    (void)state;
    buf_append_str(&disposition, "form-data; name=a; filename=\"");
    buf_append_str(&expected, "[a|");
    for (int i = 0; i < 127; i++) {
        buf_append_str(&disposition, "\xc3\xa9");
        buf_append_str(&expected, "\xc3\xa9");
    }
    buf_append_str(&disposition, "\xc3\xa9\"");
    buf_append_str(&expected, "|text/plain]x;");
    assert_disposition(disposition.data, expected.data);
    buf_release(&disposition);
    buf_release(&expected);
}

static void bounds_parts(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    for (int i = 0; i < 64; i++)
        buf_append_str(&body, PART("a") "\r\n");
    buf_append_str(&body, "--b--");
    assert_bytes(body.data, body.length, 0, NULL);
    body.length -= strlen("--b--");
    buf_append_str(&body, PART("a") "\r\n--b--");
    assert_bytes(body.data, body.length, -E2BIG, NULL);
    buf_release(&body);
}

static void bounds_headers(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    buf_append_str(&body, "--b\r\nContent-Disposition: form-data; name=a\r\n");
    for (int i = 0; i < 7; i++)
        buf_append_str(&body, "X: y\r\n");
    buf_append_str(&body, "\r\n1\r\n--b--");
    assert_bytes(body.data, body.length, 0, NULL);
    body.length -= strlen("\r\n1\r\n--b--");
    buf_append_str(&body, "X: y\r\n\r\n1\r\n--b--");
    assert_bytes(body.data, body.length, -E2BIG, "");
    buf_release(&body);
}

static void bounds_a_header(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    for (size_t length = 1024; length <= 1025; length++) {
        buf_clear(&body);
        buf_append_str(&body, "--b\r\nContent-Disposition: form-data; name=a\r\nX: ");
        for (size_t i = strlen("X: "); i < length; i++)
            buf_append_char(&body, 'y');
        buf_append_str(&body, "\r\n\r\n1\r\n--b--");
        assert_bytes(body.data, body.length, length > 1024 ? -E2BIG : 0, NULL);
    }
    buf_release(&body);
}

/* Counts the calls; what on_part answers. */
struct counted {
    int answer;
    size_t parts, slices, ends;
};

static int count_part(void *context, const struct h2_multipart_part *part)
{
    struct counted *counted = context;

    (void)part;
    counted->parts++;
    return counted->answer;
}

static int count_data(void *context, const char *data, size_t length)
{
    struct counted *counted = context;

    (void)data;
    (void)length;
    counted->slices++;
    return 0;
}

static int count_end(void *context)
{
    struct counted *counted = context;

    counted->ends++;
    return 0;
}

static struct h2_multipart *counting_new(struct counted *counted)
{
    static const struct h2_multipart_handler handler = {count_part, count_data, count_end};
    const char *fault;

    return h2_multipart_new("multipart/form-data; boundary=b", &parts_limits, &handler, counted,
                            &fault);
}

static void stops_when_the_handler_says_so(void **state)
{
    static const char body[] = PART("a") "1\r\n--b--";
    struct counted counted = {.answer = -ENOSPC};
    struct h2_multipart *multipart = counting_new(&counted);

    (void)state;
    assert_int_equal(h2_multipart_feed(multipart, body, strlen(body)), -ENOSPC);
    assert_int_equal(h2_multipart_feed(multipart, body, strlen(body)), -ENOSPC);
    assert_int_equal(h2_multipart_finish(multipart), -ENOSPC);
    assert_int_equal(counted.parts, 1);
    assert_int_equal(counted.slices + counted.ends, 0);
    h2_multipart_free(multipart);
    h2_multipart_free(NULL);
}

static void passes_on_slices_as_large_as_they_come(void **state)
{
    static char data[65536]; /* zeros: nothing in it looks like a boundary */
    struct counted counted = {0};
    struct h2_multipart *multipart = counting_new(&counted);

    (void)state;
    assert_int_equal(h2_multipart_feed(multipart, PART("a"), strlen(PART("a"))), 0);
    assert_int_equal(h2_multipart_feed(multipart, data, sizeof(data)), 0);
    assert_int_equal(h2_multipart_feed(multipart, data, sizeof(data)), 0);
    assert_int_equal(h2_multipart_feed(multipart, "\r\n--b--", 7), 0);
    assert_int_equal(h2_multipart_finish(multipart), 0);
    assert_int_equal(counted.slices, 2);
    assert_int_equal(counted.ends, 1);
    h2_multipart_free(multipart);
}

static void tells_part_and_byte(void **state)
{
    static const char body[] = PART("a") "1\r\n--b\r\nbad\r\n";
    struct counted counted = {0};
    struct h2_multipart *multipart = counting_new(&counted);

    (void)state;
    assert_int_equal(h2_multipart_feed(multipart, body, strlen(body)), -EPROTO);
    assert_string_equal(h2_multipart_fault(multipart),
                        "multipart: part 2, byte 55: a header line must be name: value");
    h2_multipart_free(multipart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_boundary),
        cmocka_unit_test(reads_parts),
        cmocka_unit_test(reads_empty_parts),
        cmocka_unit_test(ignores_what_is_around),
        cmocka_unit_test(passes_on_what_is_nearly_a_boundary),
        cmocka_unit_test(a_boundary_within_data_is_one),
        cmocka_unit_test(passes_on_any_octet),
        cmocka_unit_test(refuses_what_does_not_end),
        cmocka_unit_test(refuses_malformed_headers),
        cmocka_unit_test(refuses_what_it_would_not_understand),
        cmocka_unit_test(reads_names),
        cmocka_unit_test(reads_file_names),
        cmocka_unit_test(extended_file_names_win),
        cmocka_unit_test(cuts_long_file_names),
        cmocka_unit_test(bounds_parts),
        cmocka_unit_test(bounds_headers),
        cmocka_unit_test(bounds_a_header),
        cmocka_unit_test(stops_when_the_handler_says_so),
        cmocka_unit_test(passes_on_slices_as_large_as_they_come),
        cmocka_unit_test(tells_part_and_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
