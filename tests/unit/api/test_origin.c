/* SPDX-License-Identifier: Apache-2.0 */
/* The table at the top of api/origin.h, and who is allowed to read answers. */
#include <string.h>

#include "api/origin.h"
#include "base/buf.h"
#include "base/http_url.h"
#include "base/text.h"
#include "h2/request.h"
#include "h2/stream.h"
#include "support/test.h"

#define OWN     "https://sse.test"
#define LISTED  "https://app.test"
#define FOREIGN "https://evil.test"
#define HEADERS "idempotency-key, x-own"

static struct origins *listed;

static int set_up(void **state)
{
    char fault[8];

    (void)state;
    listed = origins_new(LISTED, fault, sizeof(fault));
    return listed ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    origins_free(listed);
    return 0;
}

/* A request with these fields, those that are not NULL. */
struct made {
    struct h2_request request;
    struct h2_header headers[4];
};

static void make(struct made *made, const char *method, const char *origin, const char *site,
                 const char *asked)
{
    const struct h2_header all[] = {
        {"origin", origin}, {"sec-fetch-site", site}, {"access-control-request-method", asked}};

    *made = (struct made){
        .request = {.method = method, .scheme = "https", .authority = "sse.test", .path = "/"}};
    made->request.headers = made->headers;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value)
            made->headers[made->request.header_count++] = all[i];
    }
}

static void judgements(void **state)
{
    static const struct {
        enum origin_credential credential;
        const char *method, *origin, *site;
        enum origin_verdict verdict;
    } cases[] = {
        {ORIGIN_BY_COOKIE, "POST", OWN, NULL, ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "POST", LISTED, "cross-site", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "GET", LISTED, NULL, ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "POST", FOREIGN, NULL, ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "GET", FOREIGN, NULL, ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "GET", FOREIGN, "same-origin", ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "GET", "", NULL, ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "POST", "null", NULL, ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "POST", "null", "cross-site", ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "POST", "null", "none", ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "GET", "null", NULL, ORIGIN_FOREIGN},
        {ORIGIN_BY_COOKIE, "POST", "null", "same-origin", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "POST", NULL, NULL, ORIGIN_SILENT},
        {ORIGIN_BY_COOKIE, "POST", NULL, "same-origin", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "POST", NULL, "none", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "POST", NULL, "same-site", ORIGIN_CROSS},
        {ORIGIN_BY_COOKIE, "GET", NULL, NULL, ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "HEAD", NULL, NULL, ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "GET", NULL, "same-origin", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "GET", NULL, "none", ORIGIN_SERVED},
        {ORIGIN_BY_COOKIE, "GET", NULL, "same-site", ORIGIN_CROSS},
        {ORIGIN_BY_COOKIE, "GET", NULL, "cross-site", ORIGIN_CROSS},
        {ORIGIN_BY_COOKIE, "GET", NULL, "whatever", ORIGIN_CROSS},
        {ORIGIN_IN_REQUEST, "POST", FOREIGN, "cross-site", ORIGIN_SERVED},
        {ORIGIN_IN_REQUEST, "POST", "null", NULL, ORIGIN_SERVED},
        {ORIGIN_IN_REQUEST, "POST", NULL, NULL, ORIGIN_SERVED},
        {ORIGIN_NO_CREDENTIAL, "POST", NULL, NULL, ORIGIN_SERVED},
        {ORIGIN_NO_CREDENTIAL, "POST", OWN, NULL, ORIGIN_SERVED},
        {ORIGIN_NO_CREDENTIAL, "POST", LISTED, "cross-site", ORIGIN_SERVED},
        {ORIGIN_NO_CREDENTIAL, "POST", FOREIGN, NULL, ORIGIN_FOREIGN},
        {ORIGIN_NO_CREDENTIAL, "POST", "null", NULL, ORIGIN_FOREIGN},
        {ORIGIN_NO_CREDENTIAL, "POST", "null", "same-origin", ORIGIN_SERVED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made made;

        make(&made, cases[i].method, cases[i].origin, cases[i].site, NULL);
        assert_int_equal(origin_judge(&made.request, listed, cases[i].credential),
                         cases[i].verdict);
    }
}

static const char *value_of(const struct h2_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    }
    return NULL;
}

static void answers(void **state)
{
    static const char *const fine[] = {OWN, LISTED};
    static const char *const others[] = {FOREIGN, "null", "*", "", NULL};
    struct h2_field fields[CORS_MAX_FIELDS];
    struct made made;
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        make(&made, "GET", fine[i], NULL, NULL);
        count = cors_fields(&made.request, listed, fields);
        assert_string_equal(value_of(fields, count, "access-control-allow-origin"), fine[i]);
        assert_string_equal(value_of(fields, count, "access-control-allow-credentials"), "true");
        assert_string_equal(value_of(fields, count, "vary"), "origin");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        make(&made, "GET", others[i], NULL, NULL);
        count = cors_fields(&made.request, listed, fields);
        assert_int_equal(count, 1);
        assert_string_equal(value_of(fields, count, "vary"), "origin");
    }
}

static void preflights(void **state)
{
    struct h2_field fields[CORS_MAX_FIELDS];
    struct made made;
    size_t count;

    (void)state;
    make(&made, "OPTIONS", LISTED, NULL, "POST");
    count = cors_preflight_fields(&made.request, listed, "POST", HEADERS, fields);
    assert_string_equal(value_of(fields, count, "access-control-allow-methods"), "POST");
    assert_non_null(strstr(value_of(fields, count, "access-control-allow-headers"), "idempotency"));
    assert_string_equal(value_of(fields, count, "access-control-max-age"), "600");
    make(&made, "OPTIONS", FOREIGN, NULL, "POST");
    assert_int_equal(cors_preflight_fields(&made.request, listed, "POST", HEADERS, fields), 0);
    make(&made, "OPTIONS", LISTED, NULL, NULL);
    assert_int_equal(cors_preflight_fields(&made.request, listed, "POST", HEADERS, fields), 0);
    make(&made, "GET", LISTED, NULL, "POST");
    assert_false(cors_is_preflight(&made.request));
}

static void fields_that_are_allowed(void **state)
{
    static const char *const names[] = {"X-Own, traceparent", " x-session,x-own"};
    struct h2_field fields[CORS_MAX_FIELDS];
    struct buf list = BUF_INIT, any = BUF_INIT;
    struct made made;
    size_t count;

    (void)state;
    cors_list_headers(&list, names, 2);
    assert_non_null(strstr(buf_str(&list), ", tracestate, x-own, x-session"));
    cors_list_headers(&any, (const char *const[]){"*"}, 1);
    make(&made, "OPTIONS", LISTED, NULL, "POST");
    made.request.headers[made.request.header_count++] =
        (struct h2_header){"access-control-request-headers", "x-any,x-other"};
    count = cors_preflight_fields(&made.request, listed, "POST", buf_str(&any), fields);
    assert_string_equal(value_of(fields, count, "access-control-allow-headers"), "x-any,x-other");
    buf_release(&list);
    buf_release(&any);
}

static void whose_scripts_are_bound_by_them(void **state)
{
    struct made made;

    (void)state;
    make(&made, "GET", LISTED, NULL, NULL);
    assert_true(cors_is_cross(&made.request));
    make(&made, "GET", OWN, NULL, NULL);
    assert_false(cors_is_cross(&made.request));
    make(&made, "GET", NULL, NULL, NULL);
    assert_false(cors_is_cross(&made.request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judgements),
        cmocka_unit_test(answers),
        cmocka_unit_test(preflights),
        cmocka_unit_test(fields_that_are_allowed),
        cmocka_unit_test(whose_scripts_are_bound_by_them),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
