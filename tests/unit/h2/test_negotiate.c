/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/static.h"
#include "support/test.h"

static enum h2_coding of_all(const char *field)
{
    static const bool all[H2_CODINGS] = {true, true, true};

    return h2_negotiate_coding(field, all);
}

static void takes_the_best_that_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(of_all("gzip, deflate, br"), H2_CODING_BROTLI);
    assert_int_equal(of_all("gzip, deflate"), H2_CODING_GZIP);
    assert_int_equal(of_all("GZIP"), H2_CODING_GZIP);
    assert_int_equal(of_all("x-gzip"), H2_CODING_GZIP);
    assert_int_equal(of_all("deflate"), H2_CODING_IDENTITY);
    assert_int_equal(of_all("brotli"), H2_CODING_IDENTITY);
    assert_int_equal(of_all(" , ,br,"), H2_CODING_BROTLI);
}

static void identity_where_nothing_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(of_all(NULL), H2_CODING_IDENTITY);
    assert_int_equal(of_all(""), H2_CODING_IDENTITY);
}

static void weighs(void **state)
{
    (void)state;
    assert_int_equal(of_all("br;q=0.5, gzip;q=0.8"), H2_CODING_GZIP);
    assert_int_equal(of_all("br;q=0.800,gzip;q=0.8"), H2_CODING_BROTLI);
    assert_int_equal(of_all("br ; q=0.001"), H2_CODING_BROTLI);
    assert_int_equal(of_all("br;q=0, gzip"), H2_CODING_GZIP);
    assert_int_equal(of_all("br;q=0.000, gzip;q=0."), H2_CODING_IDENTITY);
    assert_int_equal(of_all("identity, br;q=0.9"), H2_CODING_IDENTITY);
    assert_int_equal(of_all("identity;q=0.5, gzip;q=0.4"), H2_CODING_IDENTITY);
    assert_int_equal(of_all("gzip;Q=1.000;x=y"), H2_CODING_GZIP);
}

static void star_stands_for_the_rest(void **state)
{
    (void)state;
    assert_int_equal(of_all("*"), H2_CODING_BROTLI);
    assert_int_equal(of_all("*, br;q=0"), H2_CODING_GZIP);
    assert_int_equal(of_all("gzip;q=0.5, *;q=0.8"), H2_CODING_BROTLI);
    assert_int_equal(of_all("gzip;q=0.5, *;q=0"), H2_CODING_GZIP);
    assert_int_equal(of_all("*;q=0"), H2_CODING_IDENTITY);
    assert_int_equal(of_all("identity;q=0"), H2_CODING_IDENTITY);
}

static void leaves_out_malformed_weights(void **state)
{
    static const char *const fields[] = {
        "br;q=", "br;q=2", "br;q=1.001", "br;q=-1", "br;q=0.1234", "br;q=.5", "br;q=1x", "br;q=0,5",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_int_equal(of_all(fields[i]), H2_CODING_IDENTITY);
}

static void takes_only_what_there_is(void **state)
{
    static const bool no_brotli[H2_CODINGS] = {false, true, true};
    static const bool plain[H2_CODINGS] = {false, false, true};

    (void)state;
    assert_int_equal(h2_negotiate_coding("br, gzip;q=0.1", no_brotli), H2_CODING_GZIP);
    assert_int_equal(h2_negotiate_coding("br", no_brotli), H2_CODING_IDENTITY);
    assert_int_equal(h2_negotiate_coding("*", plain), H2_CODING_IDENTITY);
}

static void each_form_has_its_tag(void **state)
{
    char tag[16];

    (void)state;
    assert_string_equal(h2_negotiate_etag("\"abc\"", H2_CODING_IDENTITY, tag, sizeof(tag)),
                        "\"abc\"");
    assert_string_equal(h2_negotiate_etag("\"abc\"", H2_CODING_BROTLI, tag, sizeof(tag)),
                        "\"abc-br\"");
    assert_string_equal(h2_negotiate_etag("\"abc\"", H2_CODING_GZIP, tag, sizeof(tag)),
                        "\"abc-gzip\"");
}

static void matches_lists_of_tags(void **state)
{
    (void)state;
    assert_true(h2_negotiate_is_match("\"a\"", "\"a\""));
    assert_true(h2_negotiate_is_match("W/\"a\"", "\"a\""));
    assert_true(h2_negotiate_is_match("\"x\", \"a\"", "\"a\""));
    assert_true(h2_negotiate_is_match("\"x,y\" ,W/\"z\",, \"a\"", "\"a\""));
    assert_true(h2_negotiate_is_match("*", "\"a\""));
    assert_true(h2_negotiate_is_match(" * ", "\"a\""));
}

static void other_tags_do_not_match(void **state)
{
    static const char *const fields[] = {
        "",        "\"b\"", "\"ab\"",      "\"A\"", "a",        "\"a",
        "w/\"a\"", "*x",    "\"x,\"a\"\"", "W/",    "\"a-br\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_false(h2_negotiate_is_match(fields[i], "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_best_that_is_accepted),
        cmocka_unit_test(identity_where_nothing_is_asked_for),
        cmocka_unit_test(weighs),
        cmocka_unit_test(star_stands_for_the_rest),
        cmocka_unit_test(leaves_out_malformed_weights),
        cmocka_unit_test(takes_only_what_there_is),
        cmocka_unit_test(each_form_has_its_tag),
        cmocka_unit_test(matches_lists_of_tags),
        cmocka_unit_test(other_tags_do_not_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
