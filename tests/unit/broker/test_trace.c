/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "broker/trace.h"
#include "support/fake_loop.h"
#include "support/test.h"

enum { BYTES = 1024 * 1024 };

struct fixture {
    struct loop *loop;
    struct trace trace;
};

static int open_fixture(void **state)
{
    const struct trace_bounds bounds = trace_bounds_of(BYTES, 1, true);
    struct fixture *f = calloc(1, sizeof(*f));

    f->loop = loop_new();
    trace_init(&f->trace, f->loop, 3, &bounds);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    trace_release(&f->trace);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void write_sent(struct trace *trace, unsigned number)
{
    char id[32];

    snprintf(id, sizeof(id), "id-%u", number);
    assert_true(trace_begin(trace, TRACE_SENT, number));
    trace_text(trace, TRACE_ID, id);
    trace_number(trace, TRACE_SHARDS, number + 1);
    trace_end(trace);
}

/* Reads on; the first and the last position, and how many. */
struct seen {
    struct trace_place place;
    uint64_t lost, first, last;
    size_t count;
};

static void read_all(const struct trace *trace, enum trace_class class, struct seen *seen)
{
    const struct trace_record *record, *end;

    while (trace_read(trace, class, &seen->place, &record, &end, &seen->lost)) {
        for (; record < end; record = trace_next(record)) {
            if (seen->count++ == 0)
                seen->first = record->position;
            seen->last = record->position;
        }
    }
}

static void has_what_was_written(void **state)
{
    struct fixture *f = *state;
    const struct trace_record *record, *end;
    struct trace_place place = {0};
    uint64_t lost = 0;

    write_sent(&f->trace, 7);
    assert_true(trace_read(&f->trace, TRACE_OF_MESSAGES, &place, &record, &end, &lost));
    assert_int_equal(record->kind, TRACE_SENT);
    assert_int_equal(record->worker, 3);
    assert_int_equal(record->position, 7);
    assert_string_equal(trace_text_of(record, TRACE_ID), "id-7");
    assert_int_equal(trace_number_of(record, TRACE_SHARDS), 8);
    assert_null(trace_text_of(record, TRACE_EVENT));
    assert_int_equal(trace_number_of(record, TRACE_COUNT), 0);
    assert_ptr_equal(trace_next(record), end);
    assert_false(trace_read(&f->trace, TRACE_OF_MESSAGES, &place, &record, &end, &lost));
    assert_false(trace_read(&f->trace, TRACE_OF_REFUSALS, &place, &record, &end, &lost));
    assert_int_equal(lost, 0);
}

static void takes_memory_as_it_fills(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->trace.used, 0);
    write_sent(&f->trace, 1);
    assert_int_equal(f->trace.used, f->trace.rings[TRACE_OF_MESSAGES].chunk_size);
    for (unsigned i = 0; i < 100000; i++)
        write_sent(&f->trace, i);
    assert_true(f->trace.used <= BYTES / 2); /* messages have half of it */
    assert_true(f->trace.used >= BYTES / 2 - f->trace.rings[TRACE_OF_MESSAGES].chunk_size);
}

static void the_oldest_give_way(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.count = 0};

    for (unsigned i = 1; i <= 100000; i++)
        write_sent(&f->trace, i);
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.last, 100000);
    assert_int_equal(seen.count, 100000 - seen.first + 1);
    assert_int_equal(seen.lost, seen.first - 1);
    assert_int_equal(f->trace.overwritten[TRACE_OF_MESSAGES], seen.first - 1);
    assert_int_equal(f->trace.recorded[TRACE_OF_MESSAGES], 100000);
    assert_true(seen.count > 1000);
}

static void a_reader_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.count = 0};

    write_sent(&f->trace, 1);
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    write_sent(&f->trace, 2);
    write_sent(&f->trace, 3);
    seen.count = 0;
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.first, 2);
    for (unsigned i = 4; i <= 50000; i++)
        write_sent(&f->trace, i);
    seen.count = 0;
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.lost, seen.first - 4);
    assert_int_equal(seen.count + seen.lost, 50000 - 3);
}

static void begins_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.place = trace_place_of_end(&f->trace, TRACE_OF_MESSAGES)};

    for (unsigned i = 1; i <= 1000; i++)
        write_sent(&f->trace, i);
    seen.place = trace_place_of_end(&f->trace, TRACE_OF_MESSAGES);
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 0);
    write_sent(&f->trace, 1001);
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.lost, 0);
}

static void classes_push_each_other_out_of_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.count = 0};

    write_sent(&f->trace, 1);
    for (unsigned i = 0; i < 100000; i++) {
        assert_true(trace_begin(&f->trace, TRACE_REFUSED, 0));
        trace_text(&f->trace, TRACE_REASON, "this is refused");
        trace_end(&f->trace);
    }
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 1);
    assert_true(f->trace.used <= BYTES / 4 + f->trace.rings[TRACE_OF_MESSAGES].chunk_size);
}

static void cuts_texts_between_characters(void **state)
{
    struct fixture *f = *state;
    const struct trace_record *record, *end;
    struct trace_place place = {0};
    uint64_t lost = 0;
    char text[300];

    for (size_t i = 0; i < sizeof(text) - 1; i += 2)
        memcpy(text + i, "\xc3\xa9", 2); /* é, behind one byte */
    text[0] = 'x';
    memmove(text + 1, text + 2, sizeof(text) - 2);
    text[sizeof(text) - 2] = '\0';
    assert_true(trace_begin(&f->trace, TRACE_SENT, 1));
    trace_text(&f->trace, TRACE_EVENT, text);
    trace_text(&f->trace, TRACE_ID, "");
    trace_text(&f->trace, TRACE_BY, NULL);
    trace_end(&f->trace);
    assert_true(trace_read(&f->trace, TRACE_OF_MESSAGES, &place, &record, &end, &lost));
    assert_int_equal(strlen(trace_text_of(record, TRACE_EVENT)), 127);
    assert_memory_equal(trace_text_of(record, TRACE_EVENT), text, 127);
    assert_null(trace_text_of(record, TRACE_ID));
}

/* What has no room is left out, and what follows is right. */
static void a_record_has_a_bound(void **state)
{
    struct fixture *f = *state;
    const struct trace_record *record, *end;
    struct trace_place place = {0};
    struct trace_item item = {0};
    uint64_t lost = 0;
    char text[128];
    size_t count = 0;

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_true(trace_begin(&f->trace, TRACE_OPENED, 0));
    for (unsigned i = 0; i < 100; i++)
        trace_text(&f->trace, TRACE_CHANNEL, text);
    trace_number(&f->trace, TRACE_NAMES, 100);
    trace_end(&f->trace);
    assert_true(trace_begin(&f->trace, TRACE_CLOSED, 5));
    trace_end(&f->trace);
    assert_true(trace_read(&f->trace, TRACE_OF_CONNECTIONS, &place, &record, &end, &lost));
    assert_true(record->size <= TRACE_RECORD_MOST);
    while (trace_next_field(record, &item)) {
        if (item.field == TRACE_CHANNEL) {
            assert_string_equal(item.text, text);
            count++;
        }
    }
    assert_in_range(count, 14, 15);
    record = trace_next(record);
    assert_int_equal(record->position, 5);
    assert_ptr_equal(trace_next(record), end);
}

static void one_that_is_off_costs_nothing(void **state)
{
    const struct trace_bounds bounds = trace_bounds_of(BYTES, 1, true);
    struct fixture *f = *state;
    struct seen seen = {.count = 0};

    write_sent(&f->trace, 1);
    trace_change(&f->trace, &(struct trace_bounds){{0}});
    assert_int_equal(f->trace.used, 0);
    assert_false(trace_begin(&f->trace, TRACE_SENT, 2));
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 0);
    trace_change(&f->trace, &bounds);
    write_sent(&f->trace, 3);
    read_all(&f->trace, TRACE_OF_MESSAGES, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.lost, 1);
}

/* However many workers there are, they take no more than the bound. */
static void workers_share_the_bound(void **state)
{
    (void)state;
    for (size_t workers = 1; workers <= 256; workers++) {
        const struct trace_bounds owner = trace_bounds_of(BYTES, workers, true);
        const struct trace_bounds other = trace_bounds_of(BYTES, workers, false);
        size_t bytes = 0;

        for (size_t i = 0; i < TRACE_CLASSES; i++)
            bytes += owner.bytes[i] + (workers - 1) * other.bytes[i];
        assert_in_range(bytes, BYTES * 9 / 10, BYTES);
        assert_in_range(owner.bytes[TRACE_OF_MESSAGES], BYTES / 4, BYTES);
    }
}

static void fields_and_kinds_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRACE_FIELDS; i++)
        assert_non_null(trace_field_name((enum trace_field)i));
    for (unsigned i = 0; i < TRACE_KINDS; i++)
        assert_non_null(trace_kind_words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_what_was_written, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(takes_memory_as_it_fills, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(the_oldest_give_way, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_reader_goes_on_where_it_was, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(begins_at_the_end, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(classes_push_each_other_out_of_nothing, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(cuts_texts_between_characters, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_record_has_a_bound, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(one_that_is_off_costs_nothing, open_fixture, close_fixture),
        cmocka_unit_test(workers_share_the_bound),
        cmocka_unit_test(fields_and_kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
