/* SPDX-License-Identifier: Apache-2.0 */
/* What commands show people: harmless, aligned, and no wider than the terminal. */
#include <stdio.h>
#include <string.h>

#include "cli/print.h"
#include "cli/samples.h"
#include "support/test.h"

static void what_is_not_seen_is_shown(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"Ann", "Ann"},
        {"Jörg 日本 🙂", "Jörg 日本 🙂"},
        {"\x1b[2J\n\t\x7f", "\\u001b[2J\\u000a\\u0009\\u007f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6",
         "a\\u202eb\\u2066"},
        {"\xef\xbb\xbf\xe2\x80\x8b", "\\ufeff\\u200b"},
        {"\xf3\xa0\x81\x81", "\\ue0041"},
        {"\xff\xc3(\xed\xa0\x80", "\\xff\\xc3(\\xed\\xa0\\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf shown = BUF_INIT;

        cli_append_visible(&shown, cases[i].text);
        assert_string_equal(buf_str(&shown), cases[i].shown);
        buf_release(&shown);
    }
}

static void assert_printed(struct cli_table *table, unsigned width, const char *expected)
{
    FILE *file = tmpfile();
    char text[2000] = "";

    assert_non_null(file);
    cli_table_print(table, width, file);
    rewind(file);
    (void)!fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    assert_string_equal(text, expected);
}

static void a_table_is_aligned_by_what_is_seen(void **state)
{
    static const char *const heads[] = {"USER", "NAME", ">EVENTS", NULL};
    struct cli_table *table = cli_table_new(heads);

    (void)state;
    assert_printed(table, 0, "USER  NAME  EVENTS\n");
    cli_table_add(table, "7");
    cli_table_add(table, "日本語");
    cli_table_add_number(table, 5);
    cli_table_add(table, "a-long-one");
    cli_table_add(table, NULL);
    cli_table_add_number(table, 12345678);
    assert_printed(table, 0,
                   "USER        NAME      EVENTS\n"
                   "7           日本語         5\n"
                   "a-long-one          12345678\n");
    cli_table_free(table);
}

static void what_does_not_fit_is_cut(void **state)
{
    static const char *const heads[] = {"NAME", "PAGE", NULL};
    struct cli_table *table = cli_table_new(heads);

    (void)state;
    cli_table_add(table, "Ann");
    cli_table_add(table, "https://app.example.org/a/long/path");
    cli_table_add(table, "日本語日本語");
    cli_table_add(table, "x");
    assert_printed(table, 24,
                   "NAME         PAGE\n"
                   "Ann          https://ap…\n"
                   "日本語日本…  x\n");
    /* Not below what tells them apart, however narrow it is. */
    assert_printed(table, 3, "NAME    PAGE\nAnn     https…\n日本…   x\n");
    cli_table_free(table);
}

static void spans_have_two_units(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},
                 {59999, "59s"},
                 {60000, "1m00s"},
                 {3599000, "59m59s"},
                 {3600000, "1h00m"},
                 {172799000, "47h59m"},
                 {172800000, "2d00h"},
                 {UINT64_MAX, "982336d07h"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CLI_SPAN_SIZE];

        if (cases[i].ms == UINT64_MAX) /* it has an end, and no more room is written to */
            assert_true(strlen(cli_span(cases[i].ms, text)) < CLI_SPAN_SIZE);
        else
            assert_string_equal(cli_span(cases[i].ms, text), cases[i].text);
    }
}

static const char first[] = "# HELP sse_server_connections Open event streams.\n"
                            "sse_server_connections{service=\"demo\",worker=\"0\"} 2\n"
                            "sse_server_connections{service=\"demo\",worker=\"1\"} 3\n"
                            "sse_server_connections{service=\"demo2\",worker=\"0\"} 10\n"
                            "sse_server_connections_remembered{service=\"demo\",worker=\"0\"} 99\n"
                            "sse_server_events_queued_total{service=\"demo\",worker=\"0\"} 1000\n"
                            "sse_server_loop_lag_seconds{worker=\"0\"} 0.001\n"
                            "sse_server_loop_lag_seconds{worker=\"1\"} 0.020000\n";

static void take(struct sample *sample, uint64_t seconds, const char *metrics, int events)
{
    sample->at_ns = seconds * 1000000000;
    buf_append_str(&sample->metrics, metrics);
    sample->connections =
        json_pack("[{s:s, s:i, s:{s:s}, s:[s, s]}, {s:s, s:i, s:{s:s}, s:[s]}]", "id", "one",
                  "messageCount", events, "accessUser", "id", "7", "channels", "red", "blue", "id",
                  "two", "messageCount", 5, "accessUser", "id", "8", "channels", "red");
}

static double figure(const json_t *figures, const char *name)
{
    return json_number_value(json_object_get(figures, name));
}

static void two_looks_make_rates(void **state)
{
    struct sample before = {0}, now = {0};
    struct buf later = BUF_INIT;
    json_t *figures, *busiest;

    (void)state;
    buf_append_str(&later, first);
    memcpy(strstr(later.data, "} 1000"), "} 3000", 6);
    take(&before, 10, first, 4);
    take(&now, 14, buf_str(&later), 24);
    assert_true(sample_sum(&now, "connections", "demo") == 5);
    assert_true(sample_most(&now, "loop_lag_seconds") == 0.02);
    figures = samples_compare(&before, &now, NULL);
    assert_true(figure(figures, "connections") == 15);
    assert_true(figure(figures, "eventsPerSecond") == 500);
    busiest = json_object_get(figures, "busiestChannels");
    assert_int_equal(json_array_size(busiest), 2);
    assert_true(figure(json_array_get(busiest, 0), "eventsPerSecond") == 5);
    busiest = json_array_get(json_object_get(figures, "busiestUsers"), 0);
    assert_string_equal(json_string_value(json_object_get(busiest, "name")), "7");
    json_decref(figures);
    /* A server that was started anew counts from 0, and nothing is negative. */
    figures = samples_compare(&now, &before, "demo");
    assert_true(figure(figures, "connections") == 5);
    assert_true(figure(figures, "eventsPerSecond") == 0);
    json_decref(figures);
    sample_release(&before);
    sample_release(&now);
    buf_release(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_seen_is_shown),
        cmocka_unit_test(a_table_is_aligned_by_what_is_seen),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(spans_have_two_units),
        cmocka_unit_test(two_looks_make_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
