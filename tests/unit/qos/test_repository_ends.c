/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of qos/repository.h, for each repository: how copies end, and are forgotten. As in
 * test_repository.c. */
#include <errno.h>

#include "repository_room.h"

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};

static void ends_a_copy_once(void **state)
{
    struct repository_room *room = *state;
    const uint64_t number = room_put(room, "1", "alice,bob");
    const struct qos_recipient carol = user("carol");

    assert_totals(room, 2, 1);
    room_end_user(room, number, "alice", 500);
    assert_int_equal(room_end(room, number, &alice, 600), -ENOENT);
    assert_int_equal(room_end(room, number, &carol, 600), -ENOENT);
    assert_int_equal(room_end(room, number + 1, &bob, 600), -ENOENT);
    assert_int_equal(room->repository->ops->note(room->repository, number, &alice, 9), -ENOENT);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_totals(room, 1, 1);
        assert_read(room, &alice, 0, 10, "");
        assert_read(room, &bob, 0, 10, "1:bob/=stored");
        assert_int_equal(room_count(room, &alice), 0);
    }
    room_end_user(room, number, "bob", 700);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_totals(room, 0, 0);
        assert_scan(room, 0, 10, "");
        assert_expired(room, INT64_MAX, 10, "");
    }
}

static void remembers_how_each_copy_ended(void **state)
{
    static const char *const users[] = {"a", "b", "c", "d"};
    struct repository_room *room = *state;
    const struct qos_repository_ops *ops = room->repository->ops;
    const uint64_t number = room_put(room, "1", "a,b,c,d,e");
    struct qos_copies copies = {0};

    room_begin(room);
    for (unsigned i = 0; i < 4; i++) {
        const struct qos_recipient recipient = user(users[i]);

        assert_int_equal(
            ops->end(room->repository, number, &recipient, QOS_ACKNOWLEDGED + i, 500 + i, 10 + i),
            0);
    }
    room_commit(room);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        struct shown shown = {.text = ""};

        assert_int_equal(ops->states(room->repository, number, shown_visit, &shown), 0);
        assert_string_equal(shown.text, "1:a/=acknowledged 1:b/=expired 1:c/=displaced "
                                        "1:d/=deleted 1:e/=stored");
    }
    room_end_user(room, number, "e", 900);
    assert_int_equal(ops->states(room->repository, number, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.count, 5);
    assert_null(copies.items[0].message->json);
    assert_int_equal(copies.items[1].ended, 501);
    assert_int_equal(copies.items[1].written, 11);
    assert_int_equal(copies.items[4].ended, 900);
    qos_copies_release(&copies);
}

static void shows_what_expires_first(void **state)
{
    struct repository_room *room = *state;
    char *values[] = {(char *)"alice", (char *)"bob"};
    const struct sse_target target = {SSE_BY_USER, values, 2, NULL};
    static const int64_t expires[] = {3000, 1000, 2000, 1000};
    uint64_t first = 0;

    for (size_t i = 0; i < 4; i++) {
        const char id[] = {(char)('0' + i), '\0'};
        struct qos_message message = message_of(id);

        message.expires = expires[i];
        message.number = room_put_message(room, message, &target);
        first = i == 0 ? message.number : first;
    }
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_expired(room, 999, 10, "");
        assert_expired(room, 1000, 10,
                       "1:alice/=stored 1:bob/=stored 3:alice/=stored 3:bob/=stored");
        assert_expired(room, 2000, 5,
                       "1:alice/=stored 1:bob/=stored 3:alice/=stored 3:bob/=stored "
                       "2:alice/=stored");
        assert_expired(room, 2000, 0, "");
    }
    room_end_user(room, first + 1, "alice", 1500);
    assert_expired(room, 1500, 2, "1:bob/=stored 3:alice/=stored");
    room_end_user(room, first + 1, "bob", 1500);
    assert_expired(room, 1500, 1, "3:alice/=stored");
}

static void forgets_what_ended_before_a_time(void **state)
{
    struct repository_room *room = *state;
    const uint64_t first = room_put(room, "1", "alice,bob");
    const uint64_t second = room_put(room, "2", "alice");
    struct qos_message message;
    struct shown shown = {.text = ""};

    (void)room_put(room, "3", "alice");
    room_end_user(room, second, "alice", 500);
    room_end_user(room, first, "alice", 600);
    assert_int_equal(room_forget(room, 500, 100, 10), 0);
    room_end_user(room, first, "bob", 700);
    assert_int_equal(room_forget(room, 501, 100, 10), 1);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        const struct qos_repository_ops *ops = room->repository->ops;

        assert_int_equal(ops->find(room->repository, "2", &message), -ENOENT);
        assert_int_equal(ops->states(room->repository, second, shown_visit, &shown), -ENOENT);
        assert_int_equal(ops->find(room->repository, "1", &message), 0);
        assert_int_equal(ops->find(room->repository, "3", &message), 0);
    }
    assert_int_equal(room_forget(room, INT64_MAX, 100, 10), 1);
    assert_int_equal(room_forget(room, INT64_MAX, 0, 10), 0);
    assert_read(room, &alice, 0, 10, "3:alice/=stored");
    assert_totals(room, 1, 1);
}

static void forgets_the_oldest_beyond_most(void **state)
{
    struct repository_room *room = *state;
    struct qos_message message;
    char id[] = "0";

    for (int i = 0; i < 6; i++) {
        id[0] = (char)('0' + i);
        room_end_user(room, room_put(room, id, "alice"), "alice", i == 0 ? 5000 : 500 + i);
    }
    assert_int_equal(room->repository->totals.ended, 6);
    assert_int_equal(room_forget(room, 0, 4, 10), 2);
    room_reopen(room);
    assert_int_equal(room->repository->totals.ended, 4);
    assert_int_equal(room_forget(room, 0, 4, 10), 0);
    assert_int_equal(room->repository->ops->find(room->repository, "0", &message), 0);
    assert_int_equal(room->repository->ops->find(room->repository, "1", &message), -ENOENT);
    assert_int_equal(room->repository->ops->find(room->repository, "2", &message), -ENOENT);
    assert_int_equal(room_forget(room, 0, 0, 3), 3);
    assert_int_equal(room_forget(room, 0, 0, 3), 1);
    assert_int_equal(room->repository->totals.ended, 0);
    assert_false(room_shrink(room));
}

static void takes_a_forgotten_id_again_with_a_new_number(void **state)
{
    struct repository_room *room = *state;
    uint64_t last = 0;

    for (int round = 0; round < 4; round++) {
        const uint64_t number = room_put(room, "1", "alice");

        assert_true(number > last);
        last = number;
        room_end_user(room, number, "alice", 500);
        assert_int_equal(room_forget(room, INT64_MAX, 0, 10), 1);
        room_reopen(room);
    }
    assert_totals(room, 0, 0);
}

static void remembers_a_message_for_nobody(void **state)
{
    struct repository_room *room = *state;
    const struct sse_target target = {.dimension = SSE_BY_USER};
    const uint64_t number = room_put_message(room, message_of("1"), &target);

    BEFORE_AND_AFTER_REOPENING(room)
    {
        struct qos_message message;
        struct shown shown = {.text = ""};

        assert_totals(room, 0, 0);
        assert_scan(room, 0, 10, "");
        assert_int_equal(room->repository->ops->find(room->repository, "1", &message), 0);
        assert_int_equal(
            room->repository->ops->states(room->repository, number, shown_visit, &shown), 0);
        assert_int_equal(shown.count, 0);
    }
    assert_int_equal(room_forget(room, 100, 10, 10), 0);
    assert_int_equal(room_forget(room, 101, 10, 10), 1);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ROOM_CASE(ends_a_copy_once, set_up), ROOM_CASE(remembers_how_each_copy_ended, set_up),     \
            ROOM_CASE(shows_what_expires_first, set_up),                                           \
            ROOM_CASE(forgets_what_ended_before_a_time, set_up),                                   \
            ROOM_CASE(forgets_the_oldest_beyond_most, set_up),                                     \
            ROOM_CASE(takes_a_forgotten_id_again_with_a_new_number, set_up),                       \
            ROOM_CASE(remembers_a_message_for_nobody, set_up),                                     \
    }

int main(void)
{
    const struct CMUnitTest memory[] = CONTRACT(room_set_up_memory);
    const struct CMUnitTest sqlite[] = CONTRACT(room_set_up_sqlite);
    int failures = cmocka_run_group_tests_name("memory", memory, NULL, NULL);

    failures += cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL);
    return failures;
}
