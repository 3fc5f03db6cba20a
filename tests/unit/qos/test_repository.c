/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of qos/repository.h, for each repository: what is stored. What is kept is asked
 * again after reopening. Where the contract leaves the order of copies open, values rise, so that
 * all repositories have them in the same one.
 */
#include <errno.h>

#include "repository_room.h"

static const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
static const struct qos_recipient bob = {SSE_BY_USER, "bob", ""};

static void is_empty_at_first(void **state)
{
    struct repository_room *room = *state;
    struct qos_message message;
    struct shown shown = {.text = ""};
    const struct qos_repository_ops *ops = room->repository->ops;

    assert_totals(room, 0, 0);
    assert_int_equal(ops->find(room->repository, "1", &message), -ENOENT);
    assert_int_equal(ops->states(room->repository, 1, shown_visit, &shown), -ENOENT);
    assert_int_equal(ops->queues(room->repository, SSE_BY_USER, "alice", shown_visit, &shown), 0);
    assert_int_equal(shown.count, 0);
    assert_int_equal(room_count(room, &alice), 0);
    assert_read(room, &alice, 0, 10, "");
    assert_scan(room, 0, 10, "");
    assert_expired(room, INT64_MAX, 10, "");
    assert_int_equal(room_end(room, 1, &alice, 500), -ENOENT);
    assert_int_equal(room_forget(room, INT64_MAX, 0, 10), 0);
    assert_int_equal(room->repository->fault, 0);
}

static void finds_what_was_put(void **state)
{
    struct repository_room *room = *state;
    const uint64_t number = room_put(room, "one", "alice");
    struct qos_message found = {0};

    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_int_equal(room->repository->ops->find(room->repository, "one", &found), 0);
        assert_int_equal(found.number, number);
        assert_int_equal(found.digest, message_of("").digest);
        assert_int_equal(room->repository->ops->find(room->repository, "One", &found), -ENOENT);
    }
}

static void keeps_every_member(void **state)
{
    static const char value[] = "O'Brien \"\xf0\x9f\x98\x80\" %s \x01\\";
    struct repository_room *room = *state;
    char listening[3000];
    char *values[] = {(char *)value};
    struct sse_target target = {SSE_BY_CHANNEL, values, 1, listening};
    const struct qos_recipient recipient = {SSE_BY_CHANNEL, value, listening};
    struct qos_message message = message_of("id '; DROP TABLE message; --");
    char *json = mem_alloc(100001);

    memset(listening, 'l', sizeof(listening) - 1);
    listening[sizeof(listening) - 1] = '\0';
    memset(json, 'j', 100001);
    message.json = json;
    message.length = 100000; /* what lies behind is not part of it */
    message.digest = UINT64_MAX;
    message.receipt = "https://example.com/?a=1&b='2'";
    message.number = room_put_message(room, message, &target);
    room_begin(room);
    assert_int_equal(room->repository->ops->note(room->repository, message.number, &recipient, 7),
                     0);
    room_commit(room);

    BEFORE_AND_AFTER_REOPENING(room)
    {
        struct qos_copies copies = {0};
        const struct qos_copy *copy;

        assert_int_equal(room->repository->ops->read(room->repository, &recipient, 0, 9,
                                                     qos_copies_visit, &copies),
                         0);
        assert_int_equal(copies.count, 1);
        copy = &copies.items[0];
        assert_int_equal(copy->message->number, message.number);
        assert_string_equal(copy->message->id, message.id);
        assert_int_equal(copy->message->length, 100000);
        assert_int_equal(strlen(copy->message->json), 100000);
        assert_memory_equal(copy->message->json, json, 100000);
        assert_true(copy->message->digest == UINT64_MAX);
        assert_int_equal(copy->message->created, 100);
        assert_int_equal(copy->message->expires, 1000);
        assert_string_equal(copy->message->receipt, message.receipt);
        assert_true(qos_recipient_equals(&copy->recipient, &recipient));
        assert_int_equal(copy->state, QOS_STORED);
        assert_int_equal(copy->written, 7);
        assert_int_equal(copy->ended, 0);
        qos_copies_release(&copies);
    }
    free(json);
}

static void reads_a_queue_in_order(void **state)
{
    struct repository_room *room = *state;
    uint64_t numbers[4];

    numbers[0] = room_put(room, "1", "alice");
    (void)room_put(room, "x", "bob");
    numbers[1] = room_put(room, "2", "alice,bob");
    numbers[2] = room_put(room, "3", "alice");
    numbers[3] = room_put(room, "4", "alice");

    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_read(room, &alice, 0, 10,
                    "1:alice/=stored 2:alice/=stored 3:alice/=stored 4:alice/=stored");
        assert_read(room, &alice, 0, 2, "1:alice/=stored 2:alice/=stored");
        assert_read(room, &alice, 0, 0, "");
        assert_read(room, &alice, numbers[1], 10, "3:alice/=stored 4:alice/=stored");
        assert_read(room, &alice, numbers[0] + 1, 1, "2:alice/=stored");
        assert_read(room, &alice, numbers[3], 10, "");
        assert_read(room, &bob, 0, 10, "x:bob/=stored 2:bob/=stored");
        assert_int_equal(room_count(room, &alice), 4);
        assert_int_equal(room_count(room, &bob), 2);
    }
}

static void stops_when_the_visit_has_enough(void **state)
{
    struct repository_room *room = *state;
    const struct qos_repository_ops *ops = room->repository->ops;
    struct shown shown[4];

    for (size_t i = 0; i < 4; i++)
        shown[i] = (struct shown){.text = "", .enough = 1};
    (void)room_put(room, "1", "alice,bob");
    (void)room_put(room, "2", "alice,bob");
    assert_int_equal(ops->read(room->repository, &alice, 0, 9, shown_visit, &shown[0]), 0);
    assert_int_equal(ops->scan(room->repository, 0, 9, shown_visit, &shown[1]), 0);
    assert_int_equal(ops->expired(room->repository, 5000, 9, shown_visit, &shown[2]), 0);
    assert_int_equal(ops->queues(room->repository, SSE_BY_USER, "alice", shown_visit, &shown[3]),
                     0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(shown[i].count, 1);
    /* And leaves nothing open behind it. */
    assert_read(room, &alice, 0, 10, "1:alice/=stored 2:alice/=stored");
    room_end_user(room, 1, "alice", 500);
}

static void has_one_copy_for_a_value_that_is_there_twice(void **state)
{
    struct repository_room *room = *state;
    const uint64_t number = room_put(room, "1", "alice,bob,alice,alice");

    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_scan(room, 0, 10, "1:alice/=stored 1:bob/=stored");
        assert_int_equal(room_count(room, &alice), 1);
        assert_totals(room, 2, 1);
    }
    room_end_user(room, number, "alice", 500);
    room_end_user(room, number, "bob", 500);
    assert_totals(room, 0, 0);
}

static void parts_queues_by_dimension_and_listening(void **state)
{
    struct repository_room *room = *state;
    char *values[] = {(char *)"a"};
    struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    static const struct qos_recipient recipients[] = {
        {SSE_BY_USER, "a", ""},      {SSE_BY_USER, "a", "news"}, {SSE_BY_USER, "a", "sport"},
        {SSE_BY_TOKEN, "a", ""},     {SSE_BY_TENANT, "a", ""},   {SSE_BY_CHANNEL, "a", ""},
        {SSE_BY_CONNECTION, "a", ""}};

    for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
        const char id[] = {(char)('0' + i), '\0'};

        target.dimension = recipients[i].dimension;
        target.listening = recipients[i].listening[0] ? (char *)recipients[i].listening : NULL;
        (void)room_put_message(room, message_of(id), &target);
    }
    BEFORE_AND_AFTER_REOPENING(room)
    {
        for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
            char expected[64];

            snprintf(expected, sizeof(expected), "%zu:a/%s=stored", i, recipients[i].listening);
            assert_read(room, &recipients[i], 0, 10, expected);
            assert_int_equal(room_count(room, &recipients[i]), 1);
        }
    }
    assert_int_equal(room_end(room, 1, &recipients[1], 500), -ENOENT);
    assert_int_equal(room_end(room, 1, &recipients[3], 500), -ENOENT);
    assert_int_equal(room_end(room, 1, &recipients[0], 500), 0);
}

static void has_one_queue_for_all(void **state)
{
    struct repository_room *room = *state;
    const struct sse_target target = {.dimension = SSE_ALL};
    const struct sse_target listening = {.dimension = SSE_ALL, .listening = (char *)"news"};
    const struct qos_recipient all = {SSE_ALL, "", ""};
    const uint64_t number = room_put_message(room, message_of("1"), &target);

    (void)room_put_message(room, message_of("2"), &listening);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_read(room, &all, 0, 10, "1:/=stored");
        assert_scan(room, 0, 10, "1:/=stored 2:/news=stored");
    }
    assert_int_equal(room_end(room, number, &all, 500), 0);
    assert_totals(room, 1, 1);
}

static void shows_the_first_of_each_queue_of_a_value(void **state)
{
    struct repository_room *room = *state;
    char *values[] = {(char *)"alice", (char *)"bob"};
    struct sse_target target = {SSE_BY_USER, values, 2, (char *)"news"};
    const uint64_t plain = room_put(room, "1", "alice");
    struct shown shown = {.text = ""};

    (void)room_put_message(room, message_of("2"), &target);
    (void)room_put_message(room, message_of("3"), &target);
    target.listening = (char *)"sport";
    (void)room_put_message(room, message_of("4"), &target);
    (void)room_put(room, "5", "alice");
    BEFORE_AND_AFTER_REOPENING(room)
    {
        shown = (struct shown){.text = ""};
        assert_int_equal(room->repository->ops->queues(room->repository, SSE_BY_USER, "alice",
                                                       shown_visit, &shown),
                         0);
        assert_string_equal(shown.text, "1:alice/=stored 2:alice/news=stored 4:alice/sport=stored");
    }
    room_end_user(room, plain, "alice", 500);
    room_end_user(room, plain + 4, "alice", 500);
    shown = (struct shown){.text = ""};
    assert_int_equal(
        room->repository->ops->queues(room->repository, SSE_BY_USER, "alice", shown_visit, &shown),
        0);
    assert_string_equal(shown.text, "2:alice/news=stored 4:alice/sport=stored");
}

static void scans_message_by_message(void **state)
{
    struct repository_room *room = *state;
    const uint64_t first = room_put(room, "1", "alice,bob");
    const uint64_t second = room_put(room, "2", "alice");

    (void)room_put(room, "3", "alice,bob,carol");
    (void)room_put(room, "4", "carol");
    room_end_user(room, second, "alice", 500);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_scan(room, 0, 1, "1:alice/=stored 1:bob/=stored");
        assert_scan(room, 0, 0, "");
        assert_scan(room, first, 2,
                    "3:alice/=stored 3:bob/=stored 3:carol/=stored 4:carol/=stored");
        assert_scan(room, second, 1, "3:alice/=stored 3:bob/=stored 3:carol/=stored");
        assert_scan(room, second + 2, 9, "");
    }
    room_end_user(room, first, "alice", 500);
    assert_scan(room, 0, 1, "1:bob/=stored");
}

static void numbers_rise(void **state)
{
    struct repository_room *room = *state;
    uint64_t last = 0;
    char id[24];

    for (int i = 0; i < 3000; i++) {
        uint64_t number;

        snprintf(id, sizeof(id), "%d", i);
        number = room_put(room, id, "alice");
        assert_true(number > last);
        last = number;
        if (i % 1000 == 999)
            room_reopen(room);
    }
    assert_int_equal(room_count(room, &alice), 3000);
    assert_totals(room, 3000, 3000);
}

static void does_many_things_in_one_transaction(void **state)
{
    struct repository_room *room = *state;
    const struct qos_repository_ops *ops = room->repository->ops;
    char *values[] = {(char *)"alice"};
    const struct sse_target target = {SSE_BY_USER, values, 1, NULL};
    struct qos_message first = message_of("1");
    struct qos_message second = message_of("2");

    room_begin(room);
    assert_int_equal(ops->put(room->repository, &first, &target), 0);
    assert_int_equal(room_count(room, &alice), 1);
    assert_read(room, &alice, 0, 9, "1:alice/=stored");
    assert_int_equal(ops->end(room->repository, first.number, &alice, QOS_DISPLACED, 500, 0), 0);
    assert_int_equal(ops->put(room->repository, &second, &target), 0);
    assert_int_equal(room_count(room, &alice), 1);
    assert_int_equal(ops->note(room->repository, second.number, &alice, 2), 0);
    room_commit(room);
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_read(room, &alice, 0, 9, "2:alice/=stored");
        assert_totals(room, 1, 1);
    }
}

static void counts_many_queues(void **state)
{
    struct repository_room *room = *state;
    const size_t queues = 300;
    char id[24], name[24];

    for (size_t i = 0; i < queues * 2; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        snprintf(name, sizeof(name), "user%zu", i % queues);
        (void)room_put(room, id, name);
    }
    BEFORE_AND_AFTER_REOPENING(room)
    {
        for (size_t i = 0; i < queues; i++) {
            snprintf(name, sizeof(name), "user%zu", i);
            const struct qos_recipient recipient = user(name);

            assert_int_equal(room_count(room, &recipient), 2);
        }
    }
}

static void counts_users_without_a_tenant(void **state)
{
    struct repository_room *room = *state;
    const struct qos_recipient plain = {SSE_BY_USER, "42", ""};
    char *value = (char *)(uintptr_t) "42";
    uint64_t count = 999, number;

    number = room_put(room, "m",
                      "42,43,red\x1f"
                      "42,\x1f"
                      "42");
    room_put_message(
        room, message_of("n"),
        &(struct sse_target){.dimension = SSE_BY_CHANNEL, .values = &value, .count = 1});
    BEFORE_AND_AFTER_REOPENING(room)
    {
        assert_int_equal(room->repository->ops->count_plain(room->repository, &count), 0);
        assert_int_equal(count, 2);
    }
    assert_int_equal(room_end(room, number, &plain, 500), 0);
    assert_int_equal(room->repository->ops->count_plain(room->repository, &count), 0);
    assert_int_equal(count, 1);
}

#define CONTRACT(set_up)                                                                           \
    {                                                                                              \
        ROOM_CASE(is_empty_at_first, set_up), ROOM_CASE(finds_what_was_put, set_up),               \
            ROOM_CASE(keeps_every_member, set_up), ROOM_CASE(reads_a_queue_in_order, set_up),      \
            ROOM_CASE(stops_when_the_visit_has_enough, set_up),                                    \
            ROOM_CASE(has_one_copy_for_a_value_that_is_there_twice, set_up),                       \
            ROOM_CASE(parts_queues_by_dimension_and_listening, set_up),                            \
            ROOM_CASE(has_one_queue_for_all, set_up),                                              \
            ROOM_CASE(shows_the_first_of_each_queue_of_a_value, set_up),                           \
            ROOM_CASE(scans_message_by_message, set_up), ROOM_CASE(numbers_rise, set_up),          \
            ROOM_CASE(does_many_things_in_one_transaction, set_up),                                \
            ROOM_CASE(counts_many_queues, set_up),                                                 \
            ROOM_CASE(counts_users_without_a_tenant, set_up),                                      \
    }

int main(void)
{
    const struct CMUnitTest memory[] = CONTRACT(room_set_up_memory);
    const struct CMUnitTest sqlite[] = CONTRACT(room_set_up_sqlite);
    int failures = cmocka_run_group_tests_name("memory", memory, NULL, NULL);

    failures += cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL);
    return failures;
}
