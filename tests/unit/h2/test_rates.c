/* SPDX-License-Identifier: Apache-2.0 */
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/buf.h"
#include "h2/rates.h"
#include "h2/session.h"
#include "support/test.h"

static const struct h2_limits limits = {.header_fields = 100,
                                        .client_resets = {5, 0},
                                        .server_resets = {5, 0},
                                        .glitches = {5, 1},
                                        .pings = {5, 0},
                                        .settings = {5, 0},
                                        .tiny_windows = {5, 2}};

static void put_frame(struct buf *input, uint8_t type, uint8_t flags, size_t length)
{
    const char header[9] = {(char)(length >> 16), (char)(length >> 8), (char)length, (char)type,
                            (char)flags};

    buf_append(input, header, sizeof(header));
    for (size_t i = 0; i < length; i++)
        buf_append_char(input, (char)(type == NGHTTP2_WINDOW_UPDATE ? i == 3 : 0xff));
}

/* How many of such frames pass, in pieces of that size. */
static unsigned count_passing(uint8_t type, uint8_t flags, size_t length, size_t piece,
                              struct h2_counters *counters)
{
    struct h2_rates rates;
    struct buf input = BUF_INIT;
    unsigned passed = 0;
    bool is_fine = true;

    h2_rates_init(&rates, &limits, counters, 1000);
    buf_append(&input, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    for (; is_fine && passed < 20; passed += is_fine) {
        put_frame(&input, type, flags, length);
        for (size_t at = 0; at < input.length && is_fine; at += piece) {
            size_t left = input.length - at;
            is_fine = h2_rates_scan(&rates, (uint8_t *)input.data + at, left < piece ? left : piece,
                                    1000) == H2_RATES_FINE;
        }
        buf_clear(&input);
    }
    buf_release(&input);
    return passed;
}

static void check_frame(uint8_t type, uint8_t flags, size_t length, uint64_t *counter,
                        struct h2_counters *counters)
{
    static const size_t pieces[] = {1, 2, 7, 1000};

    for (size_t i = 0; i < 4; i++) {
        memset(counters, 0, sizeof(*counters));
        assert_int_equal(count_passing(type, flags, length, pieces[i], counters), counter ? 5 : 20);
        if (counter)
            assert_int_equal(*counter, 1);
    }
}

static void test_what_counts(void **state)
{
    struct h2_counters counters;

    (void)state;
    check_frame(NGHTTP2_RST_STREAM, 0, 4, &counters.client_reset_floods, &counters);
    check_frame(NGHTTP2_PING, 0, 8, &counters.ping_floods, &counters);
    check_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 8, &counters.glitch_floods, &counters);
    check_frame(NGHTTP2_SETTINGS, 0, 6, &counters.settings_floods, &counters);
    check_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, &counters.glitch_floods, &counters);
    check_frame(NGHTTP2_PRIORITY, 0, 5, &counters.glitch_floods, &counters);
    check_frame(NGHTTP2_DATA, 0, 0, &counters.glitch_floods, &counters);
    check_frame(0x42, 0xff, 300, &counters.glitch_floods, &counters);
    check_frame(NGHTTP2_DATA, 0, 100, NULL, &counters);
    check_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 0, NULL, &counters);
    check_frame(NGHTTP2_HEADERS, 0, 1000, NULL, &counters);
    check_frame(NGHTTP2_WINDOW_UPDATE, 0, 4, &counters.glitch_floods, &counters);
}

static void test_what_we_note_ourselves(void **state)
{
    struct h2_counters counters = {0};
    struct h2_rates rates;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 1000);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(h2_rates_glitch(&rates, 1000), H2_RATES_FINE);
        assert_int_equal(h2_rates_server_reset(&rates, 1000), H2_RATES_FINE);
    }
    assert_int_equal(h2_rates_glitch(&rates, 1999), H2_RATES_CALM_DOWN);
    assert_int_equal(h2_rates_server_reset(&rates, 1999), H2_RATES_CALM_DOWN);
    assert_int_equal(counters.glitch_floods, 1);
    assert_int_equal(counters.server_reset_floods, 1);
    assert_int_equal(h2_rates_glitch(&rates, 2000), H2_RATES_FINE);
}

static void test_window_updates(void **state)
{
    static const uint32_t increments[] = {64, 256, 65536, 0x1000000, 0x7fffffff};
    struct h2_counters counters = {0};
    struct h2_rates rates;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
    for (size_t i = 0; i < 50; i++) {
        uint32_t by = increments[i % 5];
        const uint8_t frame[13] = {0,
                                   0,
                                   4,
                                   NGHTTP2_WINDOW_UPDATE,
                                   [9] = (uint8_t)(by >> 24),
                                   (uint8_t)(by >> 16),
                                   (uint8_t)(by >> 8),
                                   (uint8_t)by};
        for (size_t at = 0; at < sizeof(frame); at++)
            assert_int_equal(h2_rates_scan(&rates, frame + at, 1, 0), H2_RATES_FINE);
    }
}

static enum h2_rates_result give_back(struct h2_rates *rates, uint8_t increment, uint8_t reserved)
{
    const uint8_t frame[13] = {0, 0, 4, NGHTTP2_WINDOW_UPDATE, [9] = reserved, [12] = increment};

    return h2_rates_scan(rates, frame, sizeof(frame), 0);
}

/* Both windows may get back what was sent, in pieces of any size; no octet more. */
static void test_octets_given_back(void **state)
{
    struct h2_counters counters = {0};
    struct h2_rates rates;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
    h2_rates_sent(&rates, 1);
    h2_rates_sent(&rates, 99);
    for (int i = 0; i < 140; i++)
        assert_int_equal(give_back(&rates, 1, (uint8_t)(i % 2 ? 0x80 : 0)), H2_RATES_FINE);
    assert_int_equal(give_back(&rates, 60, 0), H2_RATES_FINE);
    for (int i = 0; i < 5; i++) /* glitches from here on */
        assert_int_equal(give_back(&rates, 1, 0x80), H2_RATES_FINE);
    assert_int_equal(give_back(&rates, 1, 0x80), H2_RATES_CALM_DOWN);
    assert_int_equal(counters.glitch_floods, 1);
}

/* What was sent long ago is not saved up. */
static void test_octets_remembered(void **state)
{
    const uint32_t most = 2 * NGHTTP2_INITIAL_WINDOW_SIZE;
    struct h2_counters counters = {0};
    struct h2_rates rates;
    uint32_t passed = 0;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
    for (int i = 0; i < 1000; i++)
        h2_rates_sent(&rates, 16384);
    while (passed <= most + 5 && give_back(&rates, 1, 0) == H2_RATES_FINE)
        passed++;
    assert_int_equal(passed, most + 5);
}

static void test_pace_of_tiny_windows(void **state)
{
    struct h2_counters counters = {0};
    struct h2_rates rates;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    for (int i = 0; i < 100; i++)
        assert_true(h2_rates_may_cut(&rates, 64, 0));
    for (int i = 0; i < 5; i++)
        assert_true(h2_rates_may_cut(&rates, 63, 0));
    assert_false(h2_rates_may_cut(&rates, 63, 999));
    assert_true(h2_rates_may_cut(&rates, 64, 999));
    assert_true(h2_rates_may_cut(&rates, 1, 1000));
    assert_true(h2_rates_may_cut(&rates, 1, 1000));
    assert_false(h2_rates_may_cut(&rates, 1, 1000));
    assert_int_equal(counters.tiny_window_waits, 2);
}

static void test_header_blocks(void **state)
{
    static const uint8_t headers[] = {0, 0, 2, NGHTTP2_HEADERS, 0, 0, 0, 0, 1, 0x82, 0x84};
    static const uint8_t last[] = {0, 0, 1,   NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 0, 0,
                                   0, 1, 0x87};
    struct h2_counters counters = {0};
    struct h2_rates rates;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
    assert_false(h2_rates_awaits_headers(&rates));
    for (size_t at = 0; at < sizeof(headers) + sizeof(last); at++) {
        const uint8_t *octet = at < sizeof(headers) ? headers + at : last + (at - sizeof(headers));
        h2_rates_scan(&rates, octet, 1, 0);
        assert_int_equal(h2_rates_awaits_headers(&rates),
                         at >= 8 && at + 1 < sizeof(headers) + sizeof(last));
    }
}

/* Twice as many fields as a request may have: what came before is accepted, nothing after it. */
static void test_too_many_fields(void **state)
{
    static const uint8_t start[] = {0, 1, 44, NGHTTP2_HEADERS, 0x28, 0, 0, 0, 7, 10};
    static const size_t pieces[] = {1, 7, 1000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct h2_counters counters = {0};
        enum h2_rates_result result = H2_RATES_FINE;
        struct h2_rates rates;
        struct buf input = BUF_INIT;
        size_t accepted = 0;

        h2_rates_init(&rates, &limits, &counters, 0);
        h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
        buf_append(&input, start, sizeof(start));
        for (size_t at = 0; at < 290; at++)
            buf_append_char(&input, at < 5 ? '\0' : (char)0x82);
        for (size_t at = 0; at < input.length && result == H2_RATES_FINE; at += pieces[i]) {
            size_t left = input.length - at;
            result = h2_rates_scan(&rates, (uint8_t *)input.data + at,
                                   left < pieces[i] ? left : pieces[i], 0);
            accepted += rates.accepted;
        }
        assert_int_equal(result, H2_RATES_TOO_MANY_FIELDS);
        assert_int_equal(accepted, sizeof(start) + 5 + 200);
        assert_int_equal(h2_rates_stream(&rates), 7);
        buf_release(&input);
    }
}

/* The longest length a header can announce is passed by without a look. */
static void test_longest_payload(void **state)
{
    static const uint8_t header[9] = {0xff, 0xff, 0xff, NGHTTP2_HEADERS};
    static const uint8_t pings[4096] = {0, 0, 8, NGHTTP2_PING};
    struct h2_counters counters = {0};
    struct h2_rates rates;
    size_t left = 0xffffff;

    (void)state;
    h2_rates_init(&rates, &limits, &counters, 0);
    h2_rates_scan(&rates, (const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, 0);
    h2_rates_scan(&rates, header, sizeof(header), 0);
    while (left > 0) {
        size_t step = left < sizeof(pings) ? left : sizeof(pings);
        assert_int_equal(h2_rates_scan(&rates, pings, step, 0), H2_RATES_FINE);
        left -= step;
    }
    for (int i = 0; i < 6; i++)
        h2_rates_scan(&rates, pings, 17, 0);
    assert_int_equal(counters.ping_floods, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts),          cmocka_unit_test(test_what_we_note_ourselves),
        cmocka_unit_test(test_window_updates),       cmocka_unit_test(test_header_blocks),
        cmocka_unit_test(test_octets_given_back),    cmocka_unit_test(test_octets_remembered),
        cmocka_unit_test(test_pace_of_tiny_windows), cmocka_unit_test(test_too_many_fields),
        cmocka_unit_test(test_longest_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
