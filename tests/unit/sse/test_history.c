/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sse/history.h"
#include "sse/log.h"
#include "sse/target.h"
#include "sse/user.h"
#include "support/fake_loop.h"
#include "support/sse_message.h"
#include "support/test.h"

struct fixture {
    struct sse_history_settings settings;
    struct loop *loop;
    struct sse_log *log;
    struct sse_history *history;
    struct sse_user *ann, *bob;
    uint64_t now;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.settings = {.events = 4, .bytes = (size_t)1024 * 1024, .keep_ms = 1000},
                          .now = 500};
    f->loop = loop_new();
    f->log = sse_log_new(1, f->settings.events);
    f->history = sse_history_new(f->loop, &f->settings, f->log);
    f->ann = sse_user_new(&(struct sse_user_fields){.id = "ann"});
    f->bob = sse_user_new(&(struct sse_user_fields){.id = "bob"});
}

static void close_fixture(struct fixture *f)
{
    sse_history_free(f->history);
    sse_log_unref(f->log);
    loop_free(f->loop);
    sse_user_unref(f->ann);
    sse_user_unref(f->bob);
}

/* id NULL: the server makes one. Returns it, when it is wanted. */
static uint64_t add(struct fixture *f, const char *user, const char *id, char *made)
{
    struct sse_message *message;
    char json[400], field[200] = "";
    uint64_t position;

    if (id)
        snprintf(field, sizeof(field), ",\"id\":\"%s\"", id);
    snprintf(json, sizeof(json), "\"event\":\"e\",\"userId\":\"%s\"%s", user, field);
    message = sse_message_of(json);
    if (made)
        strcpy(made, message->id);
    position = sse_history_add(f->history, &(struct sse_log_record){.message = message}, f->now);
    sse_message_unref(message);
    return position;
}

static void add_many(struct fixture *f, const char *user, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)add(f, user, NULL, NULL);
}

static void assert_find(struct fixture *f, struct sse_user *user, const char *id,
                        enum sse_resume resume, uint64_t after)
{
    const struct sse_subject subject = {.user = user};
    uint64_t found = UINT64_MAX;

    assert_int_equal(sse_history_find(f->history, id, &subject, f->now, &found), resume);
    assert_int_equal(found, after);
}

static void assert_find_position(struct fixture *f, uint64_t position, enum sse_resume resume,
                                 uint64_t after)
{
    char id[SSE_OWN_ID_SIZE];

    sse_log_id(f->log, position, id);
    assert_find(f, f->ann, id, resume, after);
}

/* By the clock. */
static uint64_t first_kept(struct fixture *f)
{
    uint64_t after;

    (void)sse_history_find(f->history, "any", &(struct sse_subject){.user = f->ann}, f->now,
                           &after);
    return sse_log_first(f->log);
}

static void test_positions(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(sse_log_last(f.log), 0);
    assert_int_equal(first_kept(&f), 1);
    assert_null(sse_log_at(f.log, 0));
    assert_null(sse_log_at(f.log, 1));
    for (uint64_t i = 1; i <= 10; i++)
        assert_int_equal(add(&f, "ann", NULL, NULL), i);
    assert_int_equal(sse_log_last(f.log), 10);
    assert_int_equal(first_kept(&f), 7);
    assert_int_equal(sse_history_count(f.history), 4);
    assert_null(sse_log_at(f.log, 6));
    assert_non_null(sse_log_at(f.log, 7));
    assert_non_null(sse_log_at(f.log, 10));
    assert_null(sse_log_at(f.log, 11));
    close_fixture(&f);
}

static void test_age(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add_many(&f, "ann", 1);
    f.now += 999;
    add_many(&f, "ann", 1);
    assert_int_equal(sse_history_count(f.history), 2);
    f.now += 1;
    assert_int_equal(first_kept(&f), 2);
    f.now += 5000;
    assert_int_equal(first_kept(&f), 3);
    assert_int_equal(sse_history_count(f.history), 0);
    assert_int_equal(sse_history_bytes(f.history), 0);
    assert_int_equal(add(&f, "ann", NULL, NULL), 3);
    close_fixture(&f);
}

static void test_bytes(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.settings.events = 1000;
    add_many(&f, "ann", 1);
    f.settings.bytes = 10 * sse_history_bytes(f.history) + 9;
    add_many(&f, "ann", 50);
    assert_in_range(sse_history_count(f.history), 8, 10);
    assert_true(sse_history_bytes(f.history) <= f.settings.bytes);
    /* one that is larger than the bound is not kept, but counted */
    f.settings.bytes = 10;
    assert_int_equal(add(&f, "ann", NULL, NULL), 52);
    assert_int_equal(first_kept(&f), 53);
    assert_int_equal(sse_history_bytes(f.history), 0);
    close_fixture(&f);
}

static void test_values_of_a_target_count(void **state)
{
    struct fixture f;
    struct sse_message *one = sse_message_of("\"event\":\"e\",\"id\":\"1\",\"userId\":[\"ann\"]");
    struct sse_message *two =
        sse_message_of("\"event\":\"e\",\"id\":\"2\",\"userId\":[\"ann\",\"ben\"]");
    size_t bytes;

    (void)state;
    open_fixture(&f);
    sse_history_add(f.history, &(struct sse_log_record){.message = one}, f.now);
    bytes = sse_history_bytes(f.history);
    sse_history_add(f.history, &(struct sse_log_record){.message = two}, f.now);
    assert_int_equal(sse_history_bytes(f.history), 2 * bytes + sizeof(char *) + 4);
    sse_message_unref(one);
    sse_message_unref(two);
    close_fixture(&f);
}

static void test_none_are_kept(void **state)
{
    char id[SSE_MESSAGE_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.settings.events = 0;
    assert_int_equal(add(&f, "ann", NULL, NULL), 1);
    assert_int_equal(add(&f, "ann", NULL, id), 2);
    assert_int_equal(first_kept(&f), 3);
    assert_int_equal(sse_history_count(f.history), 0);
    assert_find_position(&f, 2, SSE_RESUMED, 2);
    assert_find_position(&f, 1, SSE_RESUME_TOO_OLD, 2);
    assert_find(&f, f.ann, id, SSE_RESUME_TOO_OLD, 2);
    close_fixture(&f);
}

static void test_find_by_position(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_find_position(&f, 0, SSE_RESUMED, 0);
    assert_find_position(&f, 1, SSE_RESUME_UNKNOWN, 0);
    add_many(&f, "ann", 6); /* 3 to 6 are kept */
    assert_find_position(&f, 6, SSE_RESUMED, 6);
    assert_find_position(&f, 4, SSE_RESUMED, 4);
    assert_find_position(&f, 2, SSE_RESUMED, 2);
    assert_find_position(&f, 1, SSE_RESUME_TOO_OLD, 2);
    assert_find_position(&f, 0, SSE_RESUME_TOO_OLD, 2);
    assert_find_position(&f, 7, SSE_RESUME_UNKNOWN, 6);
    assert_find_position(&f, UINT64_MAX, SSE_RESUME_UNKNOWN, 6);
    f.now += 5000;
    assert_find_position(&f, 6, SSE_RESUMED, 6);
    assert_find_position(&f, 5, SSE_RESUME_TOO_OLD, 6);
    close_fixture(&f);
}

static void test_find_by_message(void **state)
{
    char ids[6][SSE_MESSAGE_ID_SIZE], never[SSE_MESSAGE_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 6; i++)
        (void)add(&f, "ann", NULL, ids[i]);
    sse_message_make_id(never, SSE_OWN_ID_MESSAGE);
    assert_find(&f, f.ann, ids[5], SSE_RESUMED, 6);
    assert_find(&f, f.ann, ids[2], SSE_RESUMED, 3);
    /* it is gone, but nothing behind it */
    assert_find(&f, f.ann, ids[1], SSE_RESUMED, 2);
    assert_find(&f, f.ann, ids[0], SSE_RESUME_TOO_OLD, 2);
    assert_find(&f, f.ann, never, SSE_RESUME_UNKNOWN, 6);
    /* as many are remembered as are kept */
    add_many(&f, "bob", 3);
    assert_find(&f, f.ann, ids[0], SSE_RESUME_TOO_OLD, 5);
    assert_find(&f, f.bob, ids[0], SSE_RESUME_TOO_OLD, 5);
    assert_find(&f, f.bob, ids[1], SSE_RESUMED, 5);
    assert_find(&f, f.ann, ids[4], SSE_RESUMED, 5);
    assert_int_equal(sse_history_position(f.history, ids[5]), 6);
    assert_int_equal(sse_history_position(f.history, ids[1]), 0);
    assert_int_equal(sse_history_position(f.history, "x"), 0);
    close_fixture(&f);
}

/* They are known as lost like any other, though they have a kind of their own. */
static void test_find_by_stored_message(void **state)
{
    char ids[2][SSE_MESSAGE_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 2; i++) {
        struct sse_message *message =
            sse_message_of("\"event\":\"e\",\"userId\":\"ann\",\"qos\":1");

        strcpy(ids[i], message->id);
        (void)sse_history_add(f.history, &(struct sse_log_record){.message = message}, f.now);
        sse_message_unref(message);
    }
    add_many(&f, "ann", 4);
    assert_find(&f, f.ann, ids[0], SSE_RESUME_TOO_OLD, 2);
    assert_find(&f, f.ann, ids[1], SSE_RESUMED, 2);
    assert_find(&f, f.ann, "0123456789abcdef-q1", SSE_RESUME_EPOCH, 2);
    close_fixture(&f);
}

/* The page of an id that is ours was perhaps another user's then. */
static void test_ids_of_others(void **state)
{
    char id[SSE_MESSAGE_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    (void)add(&f, "ann", NULL, id);
    (void)add(&f, "ann", "order-1", NULL);
    assert_find(&f, f.bob, id, SSE_RESUMED, 1);
    assert_find(&f, f.bob, "order-1", SSE_RESUME_UNKNOWN, 2);
    assert_find(&f, f.bob, "order-2", SSE_RESUME_UNKNOWN, 2);
    assert_find(&f, f.ann, "order-1", SSE_RESUMED, 2);
    /* and while they are remembered, what is not kept any more matters to whom it was for */
    add_many(&f, "ann", 4);
    assert_find(&f, f.bob, id, SSE_RESUMED, 2);
    assert_find(&f, f.bob, "order-1", SSE_RESUME_UNKNOWN, 6);
    assert_find(&f, f.ann, id, SSE_RESUME_TOO_OLD, 2);
    assert_find(&f, f.ann, "order-1", SSE_RESUMED, 2);
    close_fixture(&f);
}

static void add_json(struct fixture *f, const char *json)
{
    struct sse_message *message = sse_message_of(json);

    (void)sse_history_add(f->history, &(struct sse_log_record){.message = message}, f->now);
    sse_message_unref(message);
}

/* Its last event was for what it is not any more: it may be so for anybody. */
static void test_ids_of_what_a_page_was(void **state)
{
    static const char *const targets[] = {"\"connectionId\":\"c\"", "\"channel\":\"left\"",
                                          "\"tenantId\":\"old\"", "\"accessToken\":\"old\""};

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct fixture f;
        char json[100];

        open_fixture(&f);
        snprintf(json, sizeof(json), "\"event\":\"e\",\"id\":\"m\",%s", targets[i]);
        add_json(&f, json);
        add_many(&f, "bob", 3);
        assert_find(&f, f.ann, "m", SSE_RESUMED, 1);
        add_many(&f, "bob", 3);
        assert_find(&f, f.ann, "m", SSE_RESUMED, 3);
        assert_find(&f, f.bob, "m", SSE_RESUME_TOO_OLD, 3);
        close_fixture(&f);
    }
}

static void test_no_gap_where_nothing_is_gone(void **state)
{
    struct sse_user *ann = sse_user_new(
        &(struct sse_user_fields){.id = "ann", .access_token = "token", .tenant_id = "tenant"});
    const char *const channels[] = {"red"};
    const struct sse_subject subject = {.user = ann, .channels = channels, .channel_count = 1};
    static const struct {
        const char *target;
        bool is_gone;
    } cases[] = {
        {"\"userId\":\"bob\"", false},       {"\"userId\":[\"bob\",\"ann\"]", true},
        {"\"channel\":\"blue\"", false},     {"\"channel\":\"red\"", true},
        {"\"tenantId\":\"other\"", false},   {"\"tenantId\":\"tenant\"", true},
        {"\"accessToken\":\"ann\"", false},  {"\"accessToken\":\"token\"", true},
        {"\"connectionId\":\"ann\"", false}, {"\"all\":true", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[100], id[SSE_OWN_ID_SIZE];
        struct fixture f;
        uint64_t after;

        open_fixture(&f);
        sse_log_id(f.log, 0, id);
        snprintf(json, sizeof(json), "\"event\":\"e\",%s", cases[i].target);
        add_json(&f, json);
        add_many(&f, "bob", 4);
        assert_int_equal(sse_history_find(f.history, id, &subject, f.now, &after),
                         cases[i].is_gone ? SSE_RESUME_TOO_OLD : SSE_RESUMED);
        assert_int_equal(after, 1);
        close_fixture(&f);
    }
    sse_user_unref(ann);
}

static void test_another_life(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_find(&f, f.ann, "0123456789abcdef-p7", SSE_RESUME_EPOCH, 0);
    add_many(&f, "ann", 6);
    assert_find(&f, f.ann, "0123456789abcdef-p7", SSE_RESUME_EPOCH, 2);
    assert_find(&f, f.ann, "0123456789abcdef-1", SSE_RESUME_EPOCH, 2);
    close_fixture(&f);
}

static void test_hostile_ids(void **state)
{
    char longest[130], *megabyte = malloc(1024 * 1024 + 1);
    struct fixture f;

    (void)state;
    open_fixture(&f);
    memset(longest, 'x', 129);
    longest[128] = '\0';
    (void)add(&f, "ann", longest, NULL);
    assert_find(&f, f.ann, longest, SSE_RESUMED, 1);
    longest[128] = 'x';
    longest[129] = '\0';
    memset(megabyte, 'a', 1024 * 1024);
    megabyte[1024 * 1024] = '\0';
    assert_find(&f, f.ann, longest, SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, megabyte, SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, "a\nann", SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, "\x01", SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, "\x7f", SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, "\xff\xff", SSE_RESUME_UNKNOWN, 1);
    assert_find(&f, f.ann, "", SSE_RESUME_NONE, 1);
    assert_find(&f, f.ann, NULL, SSE_RESUME_NONE, 1);
    free(megabyte);
    close_fixture(&f);
}

/* One message may be written to one user now and to another later. */
static void test_an_id_more_than_once(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    (void)add(&f, "ann", "m", NULL);
    (void)add(&f, "bob", "m", NULL);
    (void)add(&f, "bob", "m", NULL);
    assert_find(&f, f.ann, "m", SSE_RESUMED, 1);
    assert_find(&f, f.bob, "m", SSE_RESUMED, 2);
    assert_int_equal(sse_history_position(f.history, "m"), 1);
    add_many(&f, "bob", 2);
    /* bob may have seen the one at 1, for all that is known; what follows that is kept */
    assert_find(&f, f.bob, "m", SSE_RESUMED, 1);
    assert_find(&f, f.ann, "m", SSE_RESUMED, 1);
    assert_int_equal(sse_history_position(f.history, "m"), 2);
    add_many(&f, "bob", 2);
    assert_int_equal(sse_history_position(f.history, "m"), 0);
    close_fixture(&f);
}

static void test_notes(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    sse_history_add_position(f.history, "older", "ann", 0);
    add_many(&f, "ann", 2);
    sse_history_add_position(f.history, "old", "ann", 2);
    sse_history_add_position(f.history, "old", "ann", 1);
    add_many(&f, "ann", 1);
    assert_find(&f, f.ann, "older", SSE_RESUMED, 0);
    assert_find(&f, f.ann, "old", SSE_RESUMED, 2);
    assert_find(&f, f.bob, "old", SSE_RESUME_UNKNOWN, 3);
    assert_int_equal(sse_history_position(f.history, "old"), 0);
    add_many(&f, "ann", 4);
    assert_find(&f, f.ann, "old", SSE_RESUME_TOO_OLD, 3);
    close_fixture(&f);
}

static void test_notes_are_of_one_user(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add_many(&f, "eve", 3);
    sse_history_add_position(f.history, "m", "ann", 0);
    sse_history_add_position(f.history, "m", "bob", 2);
    sse_history_add_position(f.history, "n", "", 1);
    assert_find(&f, f.ann, "m", SSE_RESUMED, 0);
    assert_find(&f, f.bob, "m", SSE_RESUMED, 2);
    assert_find(&f, f.ann, "n", SSE_RESUME_UNKNOWN, 3);
    assert_find(&f, f.ann, "m\n", SSE_RESUME_UNKNOWN, 3);
    close_fixture(&f);
}

static void test_the_oldest_note_makes_room(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add_many(&f, "ann", 3);
    sse_history_add_position(f.history, "1", "ann", 1);
    sse_history_add_position(f.history, "2", "ann", 2);
    sse_history_add_position(f.history, "1", "ann", 3);
    sse_history_add_position(f.history, "3", "ann", 1);
    sse_history_add_position(f.history, "4", "ann", 1);
    sse_history_add_position(f.history, "5", "ann", 1);
    assert_find(&f, f.ann, "1", SSE_RESUME_UNKNOWN, 3);
    assert_find(&f, f.ann, "2", SSE_RESUMED, 2);
    assert_find(&f, f.ann, "5", SSE_RESUMED, 1);
    f.settings.events = 1;
    sse_history_change(f.history, &f.settings);
    assert_find(&f, f.ann, "4", SSE_RESUME_UNKNOWN, 3);
    assert_find(&f, f.ann, "5", SSE_RESUME_TOO_OLD, 2);
    f.settings.events = 0;
    sse_history_change(f.history, &f.settings);
    sse_history_add_position(f.history, "6", "ann", 3);
    assert_find(&f, f.ann, "6", SSE_RESUME_UNKNOWN, 3);
    close_fixture(&f);
}

static void test_the_time_of_notes_ends(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.now = f.loop->now_ms;
    sse_history_add_position(f.history, "1", "ann", 0);
    fake_loop_advance(f.loop, 1999);
    f.now = f.loop->now_ms;
    sse_history_add_position(f.history, "2", "ann", 0);
    assert_find(&f, f.ann, "1", SSE_RESUMED, 0);
    fake_loop_advance(f.loop, 1);
    f.now = f.loop->now_ms;
    assert_find(&f, f.ann, "1", SSE_RESUME_UNKNOWN, 0);
    assert_find(&f, f.ann, "2", SSE_RESUMED, 0);
    fake_loop_advance(f.loop, 5000);
    assert_false(fake_loop_has_timers(f.loop));
    close_fixture(&f);
}

/* Who saw the one that is not kept, and who saw the one that is noted, show the same id. */
static void test_a_note_of_what_was_lost(void **state)
{
    char id[SSE_MESSAGE_ID_SIZE];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    (void)add(&f, "ann", NULL, id);
    (void)add(&f, "ann", "theirs", NULL);
    add_many(&f, "ann", 5);
    sse_history_add_position(f.history, id, "ann", 7);
    sse_history_add_position(f.history, "theirs", "ann", 7);
    assert_find(&f, f.ann, id, SSE_RESUME_TOO_OLD, 3);
    assert_find(&f, f.ann, "theirs", SSE_RESUME_TOO_OLD, 3);
    assert_find(&f, f.bob, "theirs", SSE_RESUME_UNKNOWN, 7);
    close_fixture(&f);
}

static void test_a_note_that_knows_no_position(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add_many(&f, "ann", 1);
    sse_history_add_position(f.history, "m", "ann", SSE_POSITION_UNKNOWN);
    assert_find(&f, f.ann, "m", SSE_RESUME_TOO_OLD, 0);
    /* but when it was here first, that is known */
    (void)add(&f, "ann", "n", NULL);
    sse_history_add_position(f.history, "n", "ann", SSE_POSITION_UNKNOWN);
    assert_find(&f, f.ann, "n", SSE_RESUMED, 2);
    close_fixture(&f);
}

/* First to one connection, then to all of the user's. */
static void test_an_event_that_was_noted_before(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add_many(&f, "ann", 1);
    sse_history_add_position(f.history, "m", "ann", 1);
    add_many(&f, "ann", 1);
    (void)add(&f, "ann", "m", NULL);
    assert_find(&f, f.ann, "m", SSE_RESUMED, 1);
    close_fixture(&f);
}

static void test_an_event_that_was_written_before(void **state)
{
    struct fixture f;
    struct sse_message *message = sse_message_of("\"event\":\"e\",\"userId\":\"ann\",\"id\":\"m\"");

    (void)state;
    open_fixture(&f);
    message->was_written = true;
    (void)sse_history_add(f.history, &(struct sse_log_record){.message = message}, f.now);
    assert_find(&f, f.ann, "m", SSE_RESUME_TOO_OLD, 0);
    sse_message_unref(message);
    close_fixture(&f);
}

static void test_a_stored_event_of_another_life(void **state)
{
    struct sse_message *message;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    message = sse_message_of_store("\"event\":\"e\",\"userId\":\"ann\","
                                   "\"id\":\"0123456789abcdef-q1\"");
    (void)sse_history_add(f.history, &(struct sse_log_record){.message = message}, f.now);
    sse_message_unref(message);
    sse_history_add_position(f.history, "0123456789abcdef-q2", "ann", 1);
    assert_find(&f, f.ann, "0123456789abcdef-q1", SSE_RESUME_EPOCH, 0);
    assert_find(&f, f.ann, "0123456789abcdef-q2", SSE_RESUME_EPOCH, 0);
    close_fixture(&f);
}

/* A sender gives an id again when its first event is not kept any more. */
static void test_an_id_that_was_lost_and_comes_again(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    (void)add(&f, "ann", "m", NULL);
    add_many(&f, "ann", 4);
    assert_int_equal(sse_history_position(f.history, "m"), 0);
    assert_find(&f, f.ann, "m", SSE_RESUMED, 1);
    (void)add(&f, "ann", "m", NULL);
    assert_find(&f, f.ann, "m", SSE_RESUME_TOO_OLD, 2);
    close_fixture(&f);
}

static void test_few_lost_ids_are_remembered(void **state)
{
    char id[16];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 1; i <= 9; i++) { /* 6 to 9 are kept, 2 to 5 remembered */
        snprintf(id, sizeof(id), "m%u", i);
        (void)add(&f, "ann", id, NULL);
    }
    (void)add(&f, "ann", "m1", NULL);
    assert_find(&f, f.ann, "m1", SSE_RESUMED, 10);
    (void)add(&f, "ann", "m5", NULL);
    assert_find(&f, f.ann, "m5", SSE_RESUME_TOO_OLD, 7);
    close_fixture(&f);
}

/* Events, ids and notes, although nobody sends or comes; then nothing wakes the loop any more. */
static void test_what_is_old_ends_by_the_clock(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_false(fake_loop_has_timers(f.loop));
    f.now = f.loop->now_ms;
    (void)add(&f, "ann", "x", NULL);
    (void)add(&f, "ann", NULL, NULL);
    sse_history_add_position(f.history, "y", "ann", 1);
    fake_loop_advance(f.loop, 900);
    assert_int_equal(sse_history_count(f.history), 2);
    fake_loop_advance(f.loop, 200);
    assert_int_equal(sse_history_count(f.history), 0);
    assert_int_equal(sse_history_bytes(f.history), 0);

    /* Who was away so long is told that some of it is gone: of an id that is given again, too. */
    f.now = f.loop->now_ms;
    assert_find(&f, f.ann, "y", SSE_RESUME_TOO_OLD, 2);
    (void)add(&f, "ann", "x", NULL);
    assert_find(&f, f.ann, "x", SSE_RESUME_TOO_OLD, 2);
    fake_loop_advance(f.loop, 4000);
    assert_false(fake_loop_has_timers(f.loop));
    /* After twice that time nobody knows of it, and the id is a new one. */
    f.now = f.loop->now_ms;
    assert_find(&f, f.ann, "y", SSE_RESUME_UNKNOWN, 3);
    (void)add(&f, "ann", "x", NULL);
    assert_find(&f, f.ann, "x", SSE_RESUMED, 4);
    assert_true(fake_loop_has_timers(f.loop));
    close_fixture(&f);
}

/* More than a slice has time for. */
static void test_many_end_by_the_clock(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.settings.events = 20000;
    f.settings.bytes = SIZE_MAX;
    f.now = f.loop->now_ms;
    for (unsigned i = 0; i < 20000; i++) {
        char id[16];

        snprintf(id, sizeof(id), "m-%u", i);
        (void)add(&f, "ann", id, NULL);
    }
    fake_loop_advance(f.loop, 60000);
    assert_int_equal(sse_history_count(f.history), 0);
    assert_false(fake_loop_has_timers(f.loop));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_values_of_a_target_count),
        cmocka_unit_test(test_none_are_kept),
        cmocka_unit_test(test_find_by_position),
        cmocka_unit_test(test_find_by_message),
        cmocka_unit_test(test_find_by_stored_message),
        cmocka_unit_test(test_ids_of_others),
        cmocka_unit_test(test_ids_of_what_a_page_was),
        cmocka_unit_test(test_no_gap_where_nothing_is_gone),
        cmocka_unit_test(test_another_life),
        cmocka_unit_test(test_hostile_ids),
        cmocka_unit_test(test_an_id_more_than_once),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_notes_are_of_one_user),
        cmocka_unit_test(test_the_oldest_note_makes_room),
        cmocka_unit_test(test_the_time_of_notes_ends),
        cmocka_unit_test(test_a_note_of_what_was_lost),
        cmocka_unit_test(test_a_note_that_knows_no_position),
        cmocka_unit_test(test_an_event_that_was_noted_before),
        cmocka_unit_test(test_an_event_that_was_written_before),
        cmocka_unit_test(test_a_stored_event_of_another_life),
        cmocka_unit_test(test_an_id_that_was_lost_and_comes_again),
        cmocka_unit_test(test_few_lost_ids_are_remembered),
        cmocka_unit_test(test_what_is_old_ends_by_the_clock),
        cmocka_unit_test(test_many_end_by_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
