/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "h2/request.h"
#include "h2/static.h"
#include "h2/stream.h"
#include "support/test.h"

/* Stands in for h2/stream.c: a request to answer, and what was answered. */
struct h2_stream {
    const struct h2_request *request;
    struct h2_response response;
    char fields[256];
    unsigned answers;
};

const struct h2_request *h2_stream_request(const struct h2_stream *stream)
{
    return stream->request;
}

void h2_stream_respond(struct h2_stream *stream, const struct h2_response *response)
{
    stream->response = *response;
    stream->answers++;
    for (size_t i = 0; i < response->field_count; i++) {
        strcat(stream->fields, response->fields[i].name);
        strcat(stream->fields, "=");
        strcat(stream->fields, response->fields[i].value);
        strcat(stream->fields, "|");
    }
}

static struct h2_asset asset_new(void)
{
    return (struct h2_asset){.name = "a.js",
                             .content_type = "text/javascript; charset=utf-8",
                             .etag = "\"abc\"",
                             .forms = {[H2_CODING_IDENTITY] = bytes_new("identity", 8),
                                       [H2_CODING_GZIP] = bytes_new("gzip", 4)}};
}

static void asset_release(struct h2_asset *asset)
{
    /* The answer gave its reference back: this one is the last. */
    assert_int_equal(asset->forms[H2_CODING_IDENTITY]->refs, 1);
    assert_int_equal(asset->forms[H2_CODING_GZIP]->refs, 1);
    bytes_unref(asset->forms[H2_CODING_IDENTITY]);
    bytes_unref(asset->forms[H2_CODING_GZIP]);
}

/* body NULL: none. */
static void assert_answer(struct h2_header *headers, size_t count, int status, const char *body,
                          const char *fields)
{
    static const struct h2_field extra = {"x-extra", "1"};
    const struct h2_request request = {.headers = headers, .header_count = count};
    struct h2_stream stream = {.request = &request};
    struct h2_asset asset = asset_new();

    h2_static_respond(&stream, &asset, "no-cache", &extra, 1);
    assert_int_equal(stream.answers, 1);
    assert_int_equal(stream.response.status, status);
    assert_string_equal(stream.fields, fields);
    if (body) {
        assert_non_null(stream.response.body);
        assert_string_equal(stream.response.body->data, body);
        assert_string_equal(stream.response.content_type, asset.content_type);
    } else {
        assert_null(stream.response.body);
        assert_null(stream.response.content_type);
    }
    bytes_unref(stream.response.body);
    asset_release(&asset);
}

static void answers_with_the_form_that_is_accepted(void **state)
{
    struct h2_header header = {"accept-encoding", "br, gzip"};

    (void)state;
    assert_answer(NULL, 0, 200, "identity",
                  "etag=\"abc\"|cache-control=no-cache|vary=accept-encoding|x-extra=1|");
    assert_answer(&header, 1, 200, "gzip",
                  "etag=\"abc-gzip\"|cache-control=no-cache|vary=accept-encoding|x-extra=1|"
                  "content-encoding=gzip|");
}

static void answers_304_to_who_has_this_form(void **state)
{
    struct h2_header headers[] = {{"accept-encoding", "gzip"},
                                  {"if-none-match", "\"x\", W/\"abc-gzip\""}};

    (void)state;
    assert_answer(headers, 2, 304, NULL,
                  "etag=\"abc-gzip\"|cache-control=no-cache|vary=accept-encoding|x-extra=1|");
}

static void another_form_is_another_answer(void **state)
{
    struct h2_header header = {"if-none-match", "\"abc-gzip\""};

    (void)state;
    assert_answer(&header, 1, 200, "identity",
                  "etag=\"abc\"|cache-control=no-cache|vary=accept-encoding|x-extra=1|");
}

static void a_forgotten_request_is_not_answered(void **state)
{
    struct h2_stream stream = {0};
    struct h2_asset asset = asset_new();

    (void)state;
    h2_static_respond(&stream, &asset, "no-cache", NULL, 0);
    assert_int_equal(stream.answers, 0);
    asset_release(&asset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_the_form_that_is_accepted),
        cmocka_unit_test(answers_304_to_who_has_this_form),
        cmocka_unit_test(another_form_is_another_answer),
        cmocka_unit_test(a_forgotten_request_is_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
