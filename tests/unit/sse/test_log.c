/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/log.h"
#include "support/sse_message.h"
#include "support/test.h"

enum { READERS = 3, KEPT = 200, APPENDED = 20000 };

static uint64_t append(struct sse_log *log, struct sse_message *message)
{
    return sse_log_append(log, &(struct sse_log_record){.message = sse_message_ref(message)});
}

static unsigned refs(const struct sse_message *message)
{
    return atomic_load(&message->refs);
}

/* Far beyond a segment, and a directory of them. */
static void test_positions_are_found(void **state)
{
    struct sse_message *messages[2] = {sse_message_of("\"event\":\"e\",\"userId\":\"ann\""),
                                       sse_message_of("\"event\":\"f\",\"userId\":\"bob\"")};
    struct sse_log *log = sse_log_new(1, 100);

    (void)state;
    assert_int_equal(sse_log_last(log), 0);
    assert_int_equal(sse_log_first(log), 1);
    assert_null(sse_log_at(log, 0));
    assert_null(sse_log_at(log, 1));
    for (uint64_t position = 1; position <= 2000; position++) {
        assert_int_equal(append(log, messages[position % 2]), position);
        if (position > 500)
            sse_log_drop(log);
        for (uint64_t at = sse_log_first(log); at <= position; at += 7)
            assert_ptr_equal(sse_log_at(log, at), messages[at % 2]);
    }
    assert_int_equal(sse_log_first(log), 1501);
    assert_null(sse_log_at(log, 1500));
    assert_null(sse_log_at(log, 2001));
    sse_log_unref(log);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(refs(messages[i]), 1);
        sse_message_unref(messages[i]);
    }
}

static void test_what_is_read_is_not_freed(void **state)
{
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"userId\":\"ann\"");
    struct sse_log *log = sse_log_new(2, 100);

    (void)state;
    (void)append(log, message);
    (void)append(log, message);
    sse_log_begin(log, 1);
    assert_ptr_equal(sse_log_at(log, 1), message);
    sse_log_drop(log);
    assert_null(sse_log_at(log, 1));
    assert_int_equal(refs(message), 3);
    sse_log_end(log, 1);
    sse_log_begin(log, 0); /* who begins now cannot have it any more */
    (void)append(log, message);
    sse_log_drop(log);
    assert_int_equal(refs(message), 3);
    sse_log_end(log, 0);
    sse_log_drop(log);
    assert_int_equal(refs(message), 1);
    sse_log_unref(log);
    sse_message_unref(message);
}

static void test_ids_are_the_logs_own(void **state)
{
    struct sse_log *log = sse_log_new(1, 100), *other = sse_log_new(1, 100);
    char id[SSE_OWN_ID_SIZE];

    (void)state;
    sse_log_id(log, 0x1f, id);
    assert_string_equal(strchr(id, '-'), "-p1f");
    assert_true(sse_log_has_made(log, id));
    assert_false(sse_log_has_made(other, id));
    assert_int_equal(sse_own_id_read(id).kind, SSE_OWN_ID_POSITION);
    assert_int_equal(sse_own_id_read(id).number, 0x1f);
    sse_log_unref(log);
    sse_log_unref(other);
}

struct reader {
    pthread_t thread;
    struct sse_log *log;
    size_t number;
    size_t read;
};

/* Some, and now and then more than a segment of them. The last one is a message. */
static bool is_command(unsigned position)
{
    return position % 3 == 1 || position / 150 % 8 == 1;
}

/* The number of the event at each position is the position. */
static void *read_on(void *context)
{
    struct reader *reader = context;
    uint64_t position = 1;

    while (position <= APPENDED) {
        sse_log_begin(reader->log, reader->number);
        if (position < sse_log_first(reader->log))
            position = sse_log_first(reader->log);
        for (unsigned i = 0; i < 50; i++, position++) {
            const uint64_t last = sse_log_last(reader->log);
            const struct sse_message *message;

            position = position <= last ? sse_log_skip(reader->log, position, last) : position;
            message = sse_log_at(reader->log, position);
            if (!message)
                break;
            assert_int_equal(strtoull(message->target.values[0], NULL, 10), position);
            reader->read++;
        }
        sse_log_end(reader->log, reader->number);
    }
    return NULL;
}

static void test_readers_beside_the_owner(void **state)
{
    struct sse_log *log = sse_log_new(READERS, 100);
    struct reader readers[READERS];

    (void)state;
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.log = log, .number = i};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (unsigned position = 1; position <= APPENDED; position++) {
        struct sse_target target = {.dimension = SSE_BY_USER};
        struct sse_message *message;
        char value[16];
        json_t *object;

        if (is_command(position)) {
            (void)sse_log_append(
                log, &(struct sse_log_record){.command = sse_command_new(SSE_RECORD_KICK),
                                              .kind = SSE_RECORD_KICK});
            continue;
        }
        snprintf(value, sizeof(value), "%u", position);
        object = json_pack("{s:s}", "userId", value);
        assert_int_equal(
            sse_target_from_json(&target, object, (1u << SSE_DIMENSIONS) - 1, value, sizeof(value)),
            0);
        json_decref(object);
        message = sse_message_new("e", &target, "1");
        (void)append(log, message);
        sse_message_unref(message);
        if (position > KEPT)
            sse_log_drop(log);
    }
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_true(readers[i].read > 0);
    }
    sse_log_unref(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions_are_found),
        cmocka_unit_test(test_what_is_read_is_not_freed),
        cmocka_unit_test(test_ids_are_the_logs_own),
        cmocka_unit_test(test_readers_beside_the_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
