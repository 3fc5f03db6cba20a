/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the log that are no messages. */
#include <stdatomic.h>
#include <string.h>

#include "sse/history.h"
#include "sse/log.h"
#include "support/fake_loop.h"
#include "support/sse_message.h"
#include "support/test.h"

enum { READERS = 2, FLOOD = 200000 };

struct fixture {
    struct loop *loop;
    struct sse_history_settings settings;
    struct sse_log *log;
    struct sse_history *history;
    struct sse_user *ann;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.loop = loop_new(),
                          .settings = {.events = 100, .bytes = 1u << 20, .keep_ms = 60000}};
    f->log = sse_log_new(READERS, f->settings.events);
    f->history = sse_history_new(f->loop, &f->settings, f->log);
    f->ann = sse_user_new(&(struct sse_user_fields){.id = "ann"});
}

static void close_fixture(struct fixture *f)
{
    sse_user_unref(f->ann);
    sse_history_free(f->history);
    sse_log_unref(f->log);
    loop_free(f->loop);
}

static uint64_t add(const struct fixture *f, const struct sse_log_record *record)
{
    return sse_history_add(f->history, record, 1000);
}

static uint64_t add_message(const struct fixture *f)
{
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"userId\":\"ann\"");
    const uint64_t position = add(f, &(struct sse_log_record){.message = message});

    sse_message_unref(message);
    return position;
}

static uint64_t add_command(const struct fixture *f, struct sse_command *command)
{
    return add(f, &(struct sse_log_record){.command = command, .kind = SSE_RECORD_KICK});
}

static struct sse_command *kick(void)
{
    return sse_command_new(SSE_RECORD_KICK);
}

static unsigned refs(const struct sse_command *command)
{
    return atomic_load(&command->refs);
}

/* A round of one kick, of which some readers are told. */
static uint64_t advance(const struct fixture *f, struct sse_command *command, size_t readers)
{
    uint64_t position;

    sse_log_hold(f->log);
    position = add_command(f, command);
    for (size_t i = 0; i < readers; i++)
        sse_log_tell(f->log, i);
    sse_log_release(f->log);
    return position;
}

static void they_have_positions_and_are_no_events(void **state)
{
    struct sse_command *command = kick();
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(add_message(&f), 1);
    assert_int_equal(add_command(&f, command), 2);
    assert_int_equal(add_message(&f), 3);
    assert_int_equal(sse_log_last(f.log), 3);
    assert_int_equal(sse_history_count(f.history), 2);
    assert_null(sse_log_at(f.log, 2));
    assert_int_equal(sse_log_skip(f.log, 1, 3), 1);
    assert_int_equal(sse_log_skip(f.log, 2, 3), 3);
    assert_int_equal(sse_log_skip(f.log, 2, 2), 3);
    assert_ptr_equal(sse_log_record(f.log, 2)->command, command);
    sse_command_unref(command);
    close_fixture(&f);
}

/* Nothing is missed by who missed them alone. */
static void they_make_no_gap(void **state)
{
    struct sse_command *command = kick();
    struct fixture f;
    char id[SSE_OWN_ID_SIZE];
    uint64_t after;

    (void)state;
    open_fixture(&f);
    f.settings.events = 2;
    for (unsigned i = 0; i < 5; i++)
        (void)add_command(&f, command);
    assert_int_equal(sse_log_first(f.log), 6);
    assert_int_equal(add_message(&f), 6);
    (void)add_command(&f, command);
    assert_int_equal(add_message(&f), 8);
    for (unsigned i = 0; i < 5; i++)
        (void)add_command(&f, command);
    sse_log_id(f.log, 2, id);
    assert_int_equal(
        sse_history_find(f.history, id, &(struct sse_subject){.user = f.ann}, 1000, &after),
        SSE_RESUMED);
    assert_int_equal(after, 5);
    assert_int_equal(sse_log_first(f.log), 6);
    assert_int_equal(add_message(&f), 14); /* the first one goes, and what is behind it */
    assert_int_equal(sse_log_first(f.log), 8);
    assert_int_equal(
        sse_history_find(f.history, id, &(struct sse_subject){.user = f.ann}, 1000, &after),
        SSE_RESUME_TOO_OLD);
    sse_command_unref(command);
    close_fixture(&f);
}

static void they_are_kept_until_all_have_carried_them_out(void **state)
{
    struct sse_command *first = kick(), *second = kick(), *third = kick();
    struct fixture f;

    (void)state;
    open_fixture(&f);
    (void)add_message(&f);
    (void)advance(&f, first, 2);
    (void)sse_log_note_written(f.log, 0, 2);
    (void)advance(&f, second, 2);
    assert_int_equal(refs(first), 2); /* the other one has not */
    (void)sse_log_note_written(f.log, 1, 3);
    (void)advance(&f, third, 1);
    assert_int_equal(refs(first), 1);
    assert_int_equal(refs(second), 2); /* but not this one */
    (void)sse_log_note_written(f.log, 0, 4);
    sse_log_hold(f.log);
    sse_log_release(f.log);
    assert_int_equal(refs(second), 1);
    assert_int_equal(refs(third), 1);
    sse_command_unref(first);
    sse_command_unref(second);
    sse_command_unref(third);
    close_fixture(&f);
}

/* Without a history it goes at once, but for those who were told. */
static void what_was_told_is_kept_though_it_is_dropped(void **state)
{
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"userId\":\"ann\"");
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.settings.events = 0;
    for (unsigned i = 0; i < 2; i++) {
        sse_log_hold(f.log);
        (void)add(&f, &(struct sse_log_record){.message = message});
        if (i == 0)
            sse_log_tell(f.log, 1);
        sse_log_release(f.log);
        assert_int_equal(sse_log_first(f.log), i + 2);
    }
    assert_true(sse_log_unwritten(f.log, 1) > 0);
    assert_int_equal(sse_log_unwritten(f.log, 0), 0);
    assert_int_equal(atomic_load(&message->refs), 3);
    assert_ptr_equal(sse_log_record(f.log, 1)->message, message);
    (void)sse_log_note_written(f.log, 1, 1);
    assert_int_equal(sse_log_unwritten(f.log, 1), 0);
    (void)add_message(&f);
    assert_int_equal(atomic_load(&message->refs), 1);
    sse_message_unref(message);
    close_fixture(&f);
}

/* They take next to nothing: no event has to give way. */
static void a_flood_of_them_is_bounded(void **state)
{
    struct sse_command *command = kick();
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 50; i++)
        (void)add_message(&f);
    for (unsigned i = 0; i < FLOOD; i++) {
        const uint64_t position = advance(&f, command, 2);

        (void)sse_log_note_written(f.log, 0, position);
        (void)sse_log_note_written(f.log, 1, position);
    }
    (void)add_message(&f);
    assert_int_equal(sse_history_count(f.history), 51);
    assert_in_range(refs(command), 1, 2);
    assert_in_range(sse_log_command_bytes(f.log), FLOOD / 64 * sizeof(void *),
                    FLOOD / 64 * sizeof(void *) + 128 * sizeof(struct sse_log_record));
    assert_int_equal(sse_log_skip(f.log, 51, sse_log_last(f.log)), FLOOD + 51);
    f.settings.events = 1;
    sse_history_change(f.history, &f.settings);
    assert_int_equal(sse_log_first(f.log), FLOOD + 51);
    assert_int_equal(sse_log_command_bytes(f.log), 0);
    sse_command_unref(command);
    close_fixture(&f);
}

/* Among events each takes a place, which counts among the bytes: at last events go. */
static void what_they_take_counts(void **state)
{
    struct sse_command *command = kick();
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.settings.bytes = 20000;
    f.settings.events = 100000;
    for (unsigned i = 0; i < 2000; i++) {
        if (i % 50 == 0)
            (void)add_message(&f);
        (void)add_command(&f, command);
        assert_true(sse_history_bytes(f.history) <= f.settings.bytes);
    }
    assert_in_range(sse_history_count(f.history), 5, 39);
    sse_command_unref(command);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_have_positions_and_are_no_events),
        cmocka_unit_test(they_make_no_gap),
        cmocka_unit_test(they_are_kept_until_all_have_carried_them_out),
        cmocka_unit_test(what_was_told_is_kept_though_it_is_dropped),
        cmocka_unit_test(a_flood_of_them_is_bounded),
        cmocka_unit_test(what_they_take_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
