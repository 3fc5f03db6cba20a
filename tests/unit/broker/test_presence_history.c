/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "broker/presence_log.h"
#include "sse/event.h"
#include "support/test.h"

#define MOST       10u
#define MOST_BYTES ((size_t)64 * 1024)

struct fixture {
    struct presence_history history;
    struct bytes *wires[64];
};

static void open_fixture(struct fixture *fixture)
{
    presence_history_init(&fixture->history, MOST, MOST_BYTES);
}

static void close_fixture(struct fixture *fixture)
{
    presence_history_release(&fixture->history);
}

static void add(struct fixture *fixture, enum presence_kind kind, size_t size)
{
    static const char zeros[MOST_BYTES];
    struct bytes *json = bytes_new(zeros, size);

    presence_history_add(&fixture->history, kind, "", json, 10 * fixture->history.last);
    bytes_unref(json);
}

static void add_many(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(fixture, i % 2 == 0 ? PRESENCE_CONNECT : PRESENCE_DISCONNECT, 1);
}

/* How many were read; where the reading stands then is *after. */
static size_t read_some(struct fixture *fixture, unsigned kinds, size_t most, uint64_t *after)
{
    const struct broker_read read = {.after = *after, .kinds = kinds, .most_bytes = MOST_BYTES};
    struct broker_events events = {.wires = fixture->wires};

    presence_history_read(&fixture->history, &read, most, &events);
    assert_false(events.is_lost);
    assert_int_equal(events.is_all, events.after == fixture->history.last);
    for (size_t i = 0; i < events.count; i++)
        bytes_unref(fixture->wires[i]);
    *after = events.after;
    return events.count;
}

static void add_of(struct fixture *fixture, const char *tenant_id)
{
    struct bytes *json = bytes_new("{}", 2);

    presence_history_add(&fixture->history, PRESENCE_CONNECT, tenant_id, json, 0);
    bytes_unref(json);
}

static void test_a_reading_for_some_tenants(void **state)
{
    struct broker_read read = {.kinds = PRESENCE_ALL, .most_bytes = MOST_BYTES, .tenants = "a, c"};
    struct broker_events events;
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    add_of(&fixture, "b");
    add_of(&fixture, "a");
    add_of(&fixture, "");
    add_of(&fixture, "ab");
    add_of(&fixture, "c");
    add_of(&fixture, "b");
    events.wires = fixture.wires;
    presence_history_read(&fixture.history, &read, 64, &events);
    assert_false(events.is_lost);
    assert_int_equal(events.count, 2);
    assert_int_equal(events.after, 6);
    for (size_t i = 0; i < events.count; i++)
        bytes_unref(fixture.wires[i]);
    close_fixture(&fixture);
}

static void test_no_line_is_too_long_for_a_client(void **state)
{
    struct broker_read read = {.kinds = PRESENCE_ALL, .most_bytes = 1};
    struct broker_events events;
    struct buf text = BUF_INIT;
    struct fixture fixture;
    struct bytes *json;

    (void)state;
    presence_history_init(&fixture.history, MOST, 4 * MOST_BYTES);
    buf_append_str(&text, "{\"a\":\"");
    for (size_t i = 0; i < 2 * MOST_BYTES; i++)
        buf_append_char(&text, 'a');
    buf_append_str(&text, "\",\"b\":1}");
    json = buf_freeze(&text);
    presence_history_add(&fixture.history, PRESENCE_CONNECT, "", json, 0);
    bytes_unref(json);
    events.wires = fixture.wires;
    presence_history_read(&fixture.history, &read, 64, &events);
    assert_false(events.is_lost);
    assert_in_range(sse_data_longest_line(fixture.wires[0]->data, fixture.wires[0]->length),
                    SSE_DATA_LINE_BYTES, SSE_DATA_LINE_BYTES + strlen("data:"));
    assert_non_null(strstr(fixture.wires[0]->data, "\"b\":1}\n\n"));
    bytes_unref(fixture.wires[0]);
    close_fixture(&fixture);
}

static void test_an_event_on_the_wire(void **state)
{
    struct bytes *json = bytes_new("{\"a\":1}", 7);
    struct broker_read read = {.kinds = PRESENCE_ALL, .most_bytes = 1};
    struct broker_events events;
    char expected[128];
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    presence_history_add(&fixture.history, PRESENCE_USER_ONLINE, "", json, 0);
    bytes_unref(json);
    events.wires = fixture.wires;
    presence_history_read(&fixture.history, &read, 64, &events);
    assert_false(events.is_lost);
    assert_int_equal(events.count, 1);
    snprintf(expected, sizeof(expected), "id:%s-1\nevent:user-online\ndata:{\"a\":1}\n\n",
             fixture.history.epoch);
    assert_string_equal(fixture.wires[0]->data, expected);
    bytes_unref(fixture.wires[0]);
    close_fixture(&fixture);
}

static void test_the_oldest_make_room(void **state)
{
    struct broker_read read = {.kinds = PRESENCE_ALL, .most_bytes = MOST_BYTES};
    struct broker_events events;
    struct fixture fixture;
    uint64_t after = 15;

    (void)state;
    open_fixture(&fixture);
    add_many(&fixture, 25);
    assert_int_equal(fixture.history.count, MOST);
    assert_int_equal(read_some(&fixture, PRESENCE_ALL, 64, &after), MOST);
    assert_int_equal(after, 25);
    events.wires = fixture.wires;
    read.after = 14;
    presence_history_read(&fixture.history, &read, 64, &events);
    assert_true(events.is_lost);
    assert_false(events.is_all);
    assert_int_equal(events.count, 0);
    close_fixture(&fixture);
}

static void test_the_bound_of_bytes(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (int i = 0; i < 100; i++) {
        add(&fixture, PRESENCE_CONNECT, MOST_BYTES / 4);
        assert_true(fixture.history.bytes <= MOST_BYTES);
    }
    assert_int_equal(fixture.history.count, 3);
    close_fixture(&fixture);
}

/* What is not wanted is passed over; reading goes on behind it. */
static void test_kinds_and_portions(void **state)
{
    struct fixture fixture;
    uint64_t after = 0;

    (void)state;
    open_fixture(&fixture);
    add_many(&fixture, 10);
    assert_int_equal(read_some(&fixture, PRESENCE_BIT(PRESENCE_CONNECT), 3, &after), 3);
    assert_int_equal(after, 6);
    assert_int_equal(read_some(&fixture, PRESENCE_BIT(PRESENCE_CONNECT), 3, &after), 2);
    assert_int_equal(after, 10);
    assert_int_equal(read_some(&fixture, PRESENCE_BIT(PRESENCE_CONNECT), 3, &after), 0);
    after = 0;
    assert_int_equal(read_some(&fixture, PRESENCE_OF_USERS, 3, &after), 0);
    assert_int_equal(after, 10);
    close_fixture(&fixture);
}

static enum presence_resume find(const struct fixture *fixture, uint64_t number, uint64_t *found)
{
    char id[PRESENCE_ID_SIZE];

    presence_history_id(&fixture->history, number, id);
    return presence_history_find(&fixture->history, id, found);
}

static void test_resuming(void **state)
{
    static const char *const unknown[] = {
        "",
        "x",
        "0123456789abcdef",
        "0123456789abcdef-",
        "0123456789abcdef-1x",
        "0123456789abcdef--1",
        "0123456789ABCDEF-1",
        "0123456789abcde-1",
        "0123456789abcdef-12345678901234567890",
    };
    struct fixture fixture;
    uint64_t number = 0;

    (void)state;
    open_fixture(&fixture);
    assert_int_equal(find(&fixture, 0, &number), PRESENCE_RESUMED);
    add_many(&fixture, 25);
    assert_int_equal(find(&fixture, 25, &number), PRESENCE_RESUMED);
    assert_int_equal(number, 25);
    assert_int_equal(find(&fixture, 15, &number), PRESENCE_RESUMED);
    assert_int_equal(number, 15);
    assert_int_equal(find(&fixture, 14, &number), PRESENCE_TOO_OLD);
    assert_int_equal(find(&fixture, 26, &number), PRESENCE_UNKNOWN);
    assert_int_equal(presence_history_find(&fixture.history, "0123456789abcdef-20", &number),
                     PRESENCE_OTHER);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(presence_history_find(&fixture.history, unknown[i], &number),
                         PRESENCE_UNKNOWN);
    assert_int_equal(number, 15);
    close_fixture(&fixture);
}

static void test_an_epoch_ends(void **state)
{
    char id[PRESENCE_ID_SIZE];
    struct fixture fixture;
    uint64_t number;

    (void)state;
    open_fixture(&fixture);
    add_many(&fixture, 5);
    presence_history_id(&fixture.history, 5, id);
    presence_history_restart(&fixture.history);
    assert_int_equal(fixture.history.bytes, 0);
    assert_int_equal(presence_history_find(&fixture.history, id, &number), PRESENCE_OTHER);
    add_many(&fixture, 5);
    assert_int_equal(presence_history_find(&fixture.history, id, &number), PRESENCE_OTHER);
    close_fixture(&fixture);
}

static void test_the_oldest_is_forgotten(void **state)
{
    struct fixture fixture;
    uint64_t number = 0, at = 77;

    (void)state;
    open_fixture(&fixture);
    assert_false(presence_history_oldest(&fixture.history, &at));
    add_many(&fixture, 3);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(presence_history_oldest(&fixture.history, &at));
        assert_int_equal(at, 10 * i);
        assert_int_equal(find(&fixture, i, &number), PRESENCE_RESUMED);
        presence_history_forget_oldest(&fixture.history);
        assert_int_equal(find(&fixture, i, &number), PRESENCE_TOO_OLD);
    }
    assert_false(presence_history_oldest(&fixture.history, &at));
    assert_int_equal(fixture.history.bytes, 0);
    assert_int_equal(find(&fixture, 3, &number), PRESENCE_RESUMED); /* nothing has come since */
    add_many(&fixture, 2);
    assert_int_equal(read_some(&fixture, PRESENCE_ALL, 10, &number), 2);
    assert_int_equal(number, 5);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_on_the_wire),
        cmocka_unit_test(test_no_line_is_too_long_for_a_client),
        cmocka_unit_test(test_a_reading_for_some_tenants),
        cmocka_unit_test(test_the_oldest_make_room),
        cmocka_unit_test(test_the_bound_of_bytes),
        cmocka_unit_test(test_kinds_and_portions),
        cmocka_unit_test(test_resuming),
        cmocka_unit_test(test_an_epoch_ends),
        cmocka_unit_test(test_the_oldest_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
