/* SPDX-License-Identifier: Apache-2.0 */
/* What both repositories do with copies that cannot be read. */
#include <errno.h>

#include "repository_room.h"

static int take_back(struct repository_room *room, uint64_t number, const char *value)
{
    int result;

    room_begin(room);
    result = room->repository->ops->take_back(room->repository, number, value);
    room_commit(room);
    return result;
}

static int discard(struct repository_room *room, uint64_t number, const char *value, int64_t at)
{
    int result;

    room_begin(room);
    result = room->repository->ops->discard(room->repository, number, value, at);
    room_commit(room);
    return result;
}

static void assert_states(struct repository_room *room, uint64_t number, const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(room->repository->ops->states(room->repository, number, shown_visit, &shown),
                     0);
    assert_string_equal(shown.text, expected);
}

static void is_in_no_queue_and_is_kept(void **state)
{
    struct repository_room *room = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = room_put(room, "1", "alice,bob");

    (void)room_put(room, "2", "alice");
    assert_int_equal(room_set_aside(room, one, "alice", QOS_BAD_MESSAGE), 0);
    assert_int_equal(room_set_aside(room, one, "alice", QOS_BAD_MESSAGE), -ENOENT);
    assert_int_equal(room_set_aside(room, one, "carol", QOS_BAD_MESSAGE), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_read(room, &alice, 0, 9, "2:alice/=stored");
        assert_int_equal(room_count(room, &alice), 1);
        assert_scan(room, 0, 9, "1:bob/=stored 2:alice/=stored");
        assert_aside(room, 0, 9, "1:alice/=unreadable");
        assert_states(room, one, "1:alice/=unreadable 1:bob/=stored");
        assert_totals(room, 2, 2);
        assert_int_equal(room->repository->totals.aside, 1);
    }
}

/* Neither its ttl ends it, nor that what else there was of the message has ended. */
static void does_not_end(void **state)
{
    struct repository_room *room = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = room_put(room, "1", "alice,bob");
    const uint64_t two = room_put(room, "2", "alice");

    assert_int_equal(room_set_aside(room, two, "alice", QOS_NO_MEMORY), 0);
    assert_int_equal(room_set_aside(room, one, "alice", QOS_NO_MEMORY), 0);
    assert_expired(room, 5000, 9, "1:bob/=stored");
    room_end_user(room, one, "bob", 200);
    assert_int_equal(room_end(room, one, &alice, 200), -ENOENT);
    assert_int_equal(room_forget(room, 100000, 0, 100), 0);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_expired(room, 5000, 9, "");
        assert_scan(room, 0, 9, "");
        assert_aside(room, 0, 9, "1:alice/=unreadable 2:alice/=unreadable");
        assert_aside(room, 0, 1, "1:alice/=unreadable");
        assert_aside(room, one, 9, "2:alice/=unreadable");
        assert_totals(room, 0, 2);
    }
}

/* What is behind those that are set aside is found, however few are looked at in one go. */
static void is_in_no_slice(void **state)
{
    struct repository_room *room = *state;

    for (int i = 0; i < 5; i++)
        assert_int_equal(room_set_aside(room, room_put(room, (char[]){(char)('a' + i), 0}, "alice"),
                                        "alice", QOS_BAD_MESSAGE),
                         0);
    (void)room_put(room, "last", "alice");
    assert_scan(room, 0, 1, "last:alice/=stored");
    assert_expired(room, 5000, 1, "last:alice/=stored");
}

static void is_taken_back_into_its_place(void **state)
{
    struct repository_room *room = *state;
    const struct qos_recipient alice = user("alice");
    const uint64_t one = room_put(room, "1", "alice");

    (void)room_put(room, "2", "alice");
    assert_int_equal(room_set_aside(room, one, "alice", QOS_NO_MEMORY), 0);
    assert_int_equal(take_back(room, one, "bob"), -ENOENT);
    assert_int_equal(take_back(room, one, "alice"), 0);
    assert_int_equal(take_back(room, one, "alice"), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_read(room, &alice, 0, 9, "1:alice/=stored 2:alice/=stored");
        assert_int_equal(room_count(room, &alice), 2);
        assert_expired(room, 5000, 9, "1:alice/=stored 2:alice/=stored");
        assert_aside(room, 0, 9, "");
        assert_totals(room, 2, 2);
        assert_int_equal(room->repository->totals.aside, 0);
    }
    room_end_user(room, one, "alice", 200);
    assert_totals(room, 1, 1);
}

static void is_deleted_where_that_is_said(void **state)
{
    struct repository_room *room = *state;
    const uint64_t one = room_put(room, "1", "alice,bob");

    assert_int_equal(room_set_aside(room, one, "alice", QOS_BAD_MESSAGE), 0);
    assert_int_equal(room_set_aside(room, one, "bob", QOS_BAD_MESSAGE), 0);
    assert_int_equal(discard(room, one, "carol", 300), -ENOENT);
    assert_int_equal(discard(room, one, "alice", 300), 0);
    assert_int_equal(discard(room, one, "alice", 300), -ENOENT);
    assert_totals(room, 0, 1);
    assert_int_equal(discard(room, one, "bob", 301), 0);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_states(room, one, "1:alice/=deleted 1:bob/=deleted");
        assert_aside(room, 0, 9, "");
        assert_totals(room, 0, 0);
        assert_int_equal(room->repository->totals.aside, 0);
    }
    assert_int_equal(room_forget(room, 301, 10, 10), 0);
    assert_int_equal(room_forget(room, 302, 10, 10), 1);
}

static void remembers_the_cause(void **state)
{
    struct repository_room *room = *state;
    struct qos_copies copies = {0};
    const uint64_t one = room_put(room, "1", "alice");

    assert_int_equal(room_set_aside(room, one, "alice", QOS_NO_MEMORY), 0);
    room_reopen(room);
    assert_int_equal(
        room->repository->ops->aside(room->repository, 0, 1, qos_copies_visit, &copies), 0);
    assert_int_equal(
        room->repository->ops->states(room->repository, one, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.count, 2);
    assert_int_equal(copies.items[0].cause, QOS_NO_MEMORY);
    assert_int_equal(copies.items[1].cause, QOS_NO_MEMORY);
    assert_string_equal(copies.items[0].message->json, message_of("").json);
    qos_copies_release(&copies);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ROOM_CASE(is_in_no_queue_and_is_kept, set_up), ROOM_CASE(does_not_end, set_up),            \
            ROOM_CASE(is_in_no_slice, set_up), ROOM_CASE(is_taken_back_into_its_place, set_up),    \
            ROOM_CASE(is_deleted_where_that_is_said, set_up),                                      \
            ROOM_CASE(remembers_the_cause, set_up),                                                \
    }

int main(void)
{
    const struct CMUnitTest memory[] = CONTRACT(room_set_up_memory);
    const struct CMUnitTest sqlite[] = CONTRACT(room_set_up_sqlite);
    int failures = cmocka_run_group_tests_name("memory", memory, NULL, NULL);

    failures += cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL);
    return failures;
}
