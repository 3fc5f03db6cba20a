/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "h1/parser.h"
#include "h2/request.h"
#include "h2/session.h"
#include "support/h2_limits.h"
#include "support/test.h"

#define HOST "Host: a.test\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST

/* What was heard of a connection, as text. */
struct heard {
    struct buf text;
    int fault;
    unsigned ends;
};

static void on_head(void *context, struct h2_request *request, const struct h1_facts *facts)
{
    struct heard *heard = context;

    heard->fault = request->fault;
    if (request->fault)
        assert_true(strlen(request->fault_text) > 10);
    else
        buf_printf(&heard->text, "%s %s://%s %s?%s%s%s%s\n", request->method, request->scheme,
                   request->authority, request->path, request->query, facts->is_1_0 ? " 1.0" : "",
                   facts->is_persistent ? "" : " last", request->has_body ? " body" : "");
    for (size_t i = 0; !request->fault && i < request->header_count; i++)
        buf_printf(&heard->text, "%s=%s\n", request->headers[i].name, request->headers[i].value);
    h2_request_free(request);
}

static void on_body(void *context, const char *data, size_t length)
{
    struct heard *heard = context;

    buf_append(&heard->text, data, length);
}

static void on_end(void *context)
{
    struct heard *heard = context;

    buf_append_str(&heard->text, ".");
    heard->ends++;
}

static void on_fault(void *context, int status, const char *text)
{
    struct heard *heard = context;

    assert_true(strlen(text) > 10);
    heard->fault = status;
}

static const struct h1_events events = {on_head, on_body, on_end, on_fault};

/* The request in pieces of so many octets; what follows it stays, as *rest. */
static void hear(struct heard *heard, const char *octets, size_t length, size_t piece, size_t *rest)
{
    struct h1_parser parser;
    size_t taken = 0;

    memset(heard, 0, sizeof(*heard));
    h1_parser_init(&parser, &h2_limits_default, "https", &events, heard);
    while (taken < length && parser.phase < H1_COMPLETE) {
        size_t step = length - taken < piece ? length - taken : piece;
        /* Its own memory, so that ASan sees a look behind the end. */
        char *copy = malloc(step);
        memcpy(copy, octets + taken, step);
        taken += h1_parser_take(&parser, copy, step);
        free(copy);
    }
    if (rest)
        *rest = length - taken;
    h1_parser_release(&parser);
}

static void assert_heard(const char *octets, const char *text)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 16, 100, 100000};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct heard heard;
        size_t rest;

        hear(&heard, octets, strlen(octets), pieces[i], &rest);
        if (heard.fault)
            fail_msg("%s: %d in pieces of %zu", octets, heard.fault, pieces[i]);
        assert_string_equal(buf_str(&heard.text), text);
        assert_int_equal(rest, 0);
        buf_release(&heard.text);
    }
}

static void assert_refused_of(const char *octets, size_t length, int status)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 16, 100, 100000};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct heard heard;

        hear(&heard, octets, length, pieces[i], NULL);
        if (heard.fault != status)
            fail_msg("%s: %d instead of %d in pieces of %zu", octets, heard.fault, status,
                     pieces[i]);
        assert_int_equal(heard.ends, 0);
        buf_release(&heard.text);
    }
}

static void test_requests(void **state)
{
    static const struct {
        const char *octets, *text;
    } cases[] = {
        {GET "\r\n", "GET https://a.test /?\n."},
        {"\r\n" GET "\r\n", "GET https://a.test /?\n."},
        {"GET /a%20b?c=d HTTP/1.1\r\n" HOST "Accept:  x \t\r\nX-Empty:\r\n\r\n",
         "GET https://a.test /a b?c=d\naccept=x\nx-empty=\n."},
        {"HEAD / HTTP/1.1\r\nhost:a.test:80\r\n\r\n", "HEAD https://a.test:80 /?\n."},
        {"GET http://b.test:8080/x?y HTTP/1.1\r\n" HOST "\r\n", "GET https://b.test:8080 /x?y\n."},
        {"GET HTTPS://b.test HTTP/1.1\r\n" HOST "\r\n", "GET https://b.test /?\n."},
        {"GET http://b.test?q HTTP/1.1\r\n" HOST "\r\n", "GET https://b.test /?q\n."},
        {"GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", "GET https://[::1]:8443 /?\n."},
        {"GET / HTTP/1.0\r\n\r\n", "GET https:// /? 1.0 last\n."},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET https:// /? 1.0\n."},
        {GET "Connection: close\r\n\r\n", "GET https://a.test /? last\n."},
        {GET "Connection: x, Close\r\n\r\n", "GET https://a.test /? last\n."},
        /* Of the connection alone: nobody above sees them. */
        {GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
             "Keep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: x\r\n\r\n",
         "GET https://a.test /?\n."},
        {GET "Cookie: a=b\r\nCookie: c=d\r\n\r\n", "GET https://a.test /?\ncookie=a=b; c=d\n."},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
         "POST https://a.test /? body\ncontent-length=5\nhello."},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
         "POST https://a.test /?\ncontent-length=0\n."},
        {"POST / HTTP/1.1\r\n" HOST
         "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nab",
         "POST https://a.test /? body\ncontent-length=2\nab."},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked \r\n\r\n"
         "3\r\nabc\r\n0A;x=y\r\n0123456789\r\n00\r\n\r\n",
         "POST https://a.test /? body\nabc0123456789."},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
         "1\r\na\r\n0\r\nTrailer-Field: x\r\nContent-Length: 7\r\n\r\n",
         "POST https://a.test /? body\na."},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "POST https://a.test /? body\n."},
        {"POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
         "POST https://a.test /? body\nexpect=100-Continue\ncontent-length=1\nx."},
        {"M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", "M-SEARCH https://a.test /?\n."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_heard(cases[i].octets, cases[i].text);
}

/* NOLINTNEXTLINE(readability-function-size): a table. */
static void test_refusals(void **state)
{
    static const struct {
        const char *octets;
        int status;
    } cases[] = {
        /* The request line. */
        {"GET /\r\n\r\n", 400},
        {"GET\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
        {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /#x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET ftp://b.test/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http://a@b.test/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET b.test:80 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /../x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"\r\n\r\n" GET "\r\n", 400},
        {"\n" GET "\r\n", 400},
        {"\r" GET "\r\n", 400},
        {"get / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"Get / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"GETX / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"CONNECT a.test:443 HTTP/1.1\r\n" HOST "\r\n", 405},
        {"{\"a\":1}\r\n\r\n", 400},
        /* The version. */
        {"GET / HTTP/0.9\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
        {"GET / HTTP/1.9\r\n" HOST "\r\n", 505},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET / HTTP/3.0\r\n" HOST "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"PRI * HTTP/1.1\r\n" HOST "\r\n", 505},
        {"GET / HTTP/1.10\r\n" HOST "\r\n", 400},
        {"GET / HTTP/11\r\n" HOST "\r\n", 400},
        {"GET / http/1.1\r\n" HOST "\r\n", 400},
        {"GET / RTSP/1.0\r\n" HOST "\r\n", 400},
        {"SOURCE / ICE/1.0\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r" HOST "\r\n", 400},
        /* Lines and fields. */
        {"GET / HTTP/1.1\r\nHost: a.test\n\r\n", 400},
        {GET "A: b\n\r\n", 400},
        {GET "A: b\rc\r\n\r\n", 400},
        {GET "A: b\r\n c\r\n\r\n", 400},
        {GET "A: b\r\n\tc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n " HOST "\r\n", 400},
        {GET "A : b\r\n\r\n", 400},
        {GET "A\t: b\r\n\r\n", 400},
        {GET " A: b\r\n\r\n", 400},
        {GET ": b\r\n\r\n", 400},
        {GET "A\r\n\r\n", 400},
        {GET "A(b): c\r\n\r\n", 400},
        {GET "A\x80: c\r\n\r\n", 400},
        {GET "A: b\x01\r\n\r\n", 400},
        {GET "A: b\x7f\r\n\r\n", 400},
        {GET "A: b\x0b\r\n\r\n", 400},
        {GET "\rX", 400},
        {GET "\r\rX", 400},
        {GET "\n", 400},
        {GET "A: b\r\n\n", 400},
        {GET "A: b\r\n\rX", 400},
        /* The host. */
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET http://b.test/ HTTP/1.1\r\n\r\n", 400},
        {GET HOST "\r\n", 400},
        {GET "HOST: b.test\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: me@a.test\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a.test:x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a.test:123456\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
        /* Which length. */
        {GET "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
        {GET "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
        {GET "Content-Length: 5, 5\r\n\r\nhello", 400},
        {GET "Content-Length: +5\r\n\r\nhello", 400},
        {GET "Content-Length: -5\r\n\r\nhello", 400},
        {GET "Content-Length: 0x5\r\n\r\nhello", 400},
        {GET "Content-Length: 5 5\r\n\r\nhello", 400},
        {GET "Content-Length: 5e1\r\n\r\nhello", 400},
        {GET "Content-Length:\r\n\r\n", 400},
        {GET "Content-Length: 99999999999999999999999\r\n\r\n", 400},
        {GET "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {GET "Content-Length : 5\r\n\r\nhello", 400},
        {GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        {GET "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding: gzip\r\n\r\n", 501},
        {GET "Transfer-Encoding: identity\r\n\r\n", 501},
        {GET "Transfer-Encoding:\r\n\r\n", 501},
        {GET "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 501},
        {GET "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
        {GET "Expect: 200-ok\r\n\r\n", 417},
        {GET "Expect: 100-continue, x\r\n\r\n", 417},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused_of(cases[i].octets, strlen(cases[i].octets), cases[i].status);
}

static void test_bad_chunks(void **state)
{
    static const char head[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    static const char *const bodies[] = {
        "\r\n",
        "x\r\n",
        " 1\r\na\r\n0\r\n\r\n",
        "1 \r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\ra\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "2\r\na\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\na\r0\r\n\r\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
        "1;a=\x01\r\na\r\n0\r\n\r\n",
        "1;\rb\r\na\r\n0\r\n\r\n",
        "10000000000000000\r\n",
        "ffffffffffffffff\r\n",
        "fffffffffffffffff\r\n",
        "0000000000000001\r\na\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\nA : b\r\n\r\n",
        "0\r\n A: b\r\n\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\nA: b\r\n c\r\n\r\n",
        "0\r\nA\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct buf all = BUF_INIT;

        buf_append_str(&all, head);
        buf_append_str(&all, bodies[i]);
        assert_refused_of(all.data, all.length, 400);
        buf_release(&all);
    }
}

/* Wherever it stands. */
static void test_nul(void **state)
{
    static const char text[] = "POST /abc HTTP/1.1\r\n" HOST "Abc: def\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "1;abc=def\r\nx\r\n0\r\nAbc: def\r\n\r\n";
    const char *data = strstr(text, "x\r\n0");

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char copy[sizeof(text)];

        if (text + i == data)
            continue;
        memcpy(copy, text, sizeof(text));
        copy[i] = '\0';
        assert_refused_of(copy, sizeof(text) - 1, 400);
    }
}

/* No octet of a line, but for those in a value or a name, may be another one without notice. */
static void test_rest_is_left(void **state)
{
    static const char text[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc" GET "\r\n";
    struct heard heard;
    size_t rest;

    (void)state;
    hear(&heard, text, sizeof(text) - 1, sizeof(text), &rest);
    assert_int_equal(heard.ends, 1);
    assert_int_equal(rest, strlen(GET "\r\n"));
    buf_release(&heard.text);
}

static void assert_limit(const char *before, char fill, size_t count, const char *behind,
                         int status)
{
    struct buf all = BUF_INIT;

    buf_append_str(&all, before);
    for (size_t i = 0; i < count; i++)
        buf_append_char(&all, fill);
    buf_append_str(&all, behind);
    assert_refused_of(all.data, all.length, status);
    buf_release(&all);
}

static void test_limits(void **state)
{
    static const char chunked[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    struct buf all = BUF_INIT;

    (void)state;
    assert_limit("GET /", 'a', 4096, " HTTP/1.1\r\n" HOST "\r\n", 414);
    assert_limit("GET /", 'a', 100000, "", 414);
    assert_limit(GET "A: ", 'b', 8192, "\r\n\r\n", 431);
    assert_limit(GET "A: ", 'b', 100000, "", 431);
    assert_limit(GET "A: ", ' ', 100000, "", 431);
    assert_limit(GET, 'A', 100000, "", 431);
    assert_limit("", 'G', 100000, "", 501);
    buf_append_str(&all, GET);
    for (int i = 0; i < 101; i++)
        buf_printf(&all, "A%d: b\r\n", i);
    buf_append_str(&all, "\r\n");
    assert_refused_of(all.data, all.length, 431);
    buf_release(&all);

    buf_append_str(&all, chunked);
    buf_append_str(&all, "0\r\nA: ");
    assert_limit(all.data, 'b', 20000, "\r\n\r\n", 431);
    buf_release(&all);
    buf_append_str(&all, chunked);
    buf_append_str(&all, "1;");
    assert_limit(all.data, 'b', 5000, "\r\na\r\n0\r\n\r\n", 400);
    buf_release(&all);
    buf_append_str(&all, chunked);
    for (int i = 0; i < 3000; i++)
        buf_append_str(&all, "1;ab\r\na\r\n");
    assert_refused_of(all.data, all.length, 400);
    buf_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_chunks),   cmocka_unit_test(test_nul),
        cmocka_unit_test(test_rest_is_left), cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
