/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "qos/copies.h"
#include "support/test.h"

static void add(struct qos_copies *copies, const struct qos_message *message, const char *value)
{
    const struct qos_copy copy = {
        .message = message,
        .recipient = {SSE_BY_USER, value, "news"},
        .state = QOS_DISPLACED,
        .written = 3,
        .ended = 77,
    };

    assert_true(qos_copies_visit(copies, &copy));
}

static void owns_what_it_was_given(void **state)
{
    char id[] = "id", json[] = "{\"id\":\"id\"}+", receipt[] = "true", value[] = "alice";
    const struct qos_message lent = {
        .number = 4, .id = id, .json = json, .length = 11, .receipt = receipt, .digest = 5};
    struct qos_copies copies = {0};

    (void)state;
    add(&copies, &lent, value);
    memset(id, 'x', sizeof(id) - 1);
    memset(json, 'x', sizeof(json) - 1);
    memset(receipt, 'x', sizeof(receipt) - 1);
    memset(value, 'x', sizeof(value) - 1);

    assert_int_equal(copies.count, 1);
    assert_string_equal(copies.items[0].message->id, "id");
    assert_string_equal(copies.items[0].message->json, "{\"id\":\"id\"}");
    assert_string_equal(copies.items[0].message->receipt, "true");
    assert_int_equal(copies.items[0].message->digest, 5);
    assert_string_equal(copies.items[0].recipient.value, "alice");
    assert_string_equal(copies.items[0].recipient.listening, "news");
    assert_int_equal(copies.items[0].state, QOS_DISPLACED);
    assert_int_equal(copies.items[0].written, 3);
    assert_int_equal(copies.items[0].ended, 77);
    qos_copies_release(&copies);
    assert_null(copies.items);
    assert_int_equal(copies.count, 0);
}

static void has_each_message_once(void **state)
{
    const struct qos_message first = {
        .number = 1, .id = "1", .json = "{}", .length = 2, .receipt = ""};
    const struct qos_message second = {.number = 2, .id = "2", .receipt = ""};
    struct qos_copies copies = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        add(&copies, &first, "a");
    add(&copies, &second, "b");
    add(&copies, &first, "c");

    assert_int_equal(copies.count, 22);
    assert_ptr_equal(copies.items[0].message, copies.items[19].message);
    assert_ptr_not_equal(copies.items[20].message, copies.items[19].message);
    assert_null(copies.items[20].message->json);
    assert_string_equal(copies.items[21].message->json, "{}");
    qos_copies_release(&copies);
}

static void sees_whether_the_body_is_still_there(void **state)
{
    const struct qos_message with = {
        .number = 1, .id = "1", .json = "{}", .length = 2, .receipt = ""};
    const struct qos_message without = {.number = 1, .id = "1", .length = 2, .receipt = ""};
    struct qos_copies copies = {0};

    (void)state;
    add(&copies, &with, "a");
    add(&copies, &without, "b");
    assert_string_equal(copies.items[0].message->json, "{}");
    assert_null(copies.items[1].message->json);
    qos_copies_release(&copies);
}

static void drops_one_of_those_that_share_a_message(void **state)
{
    const struct qos_message first = {.number = 1, .id = "1", .json = "{}", .receipt = ""};
    const struct qos_message second = {.number = 2, .id = "2", .json = "{}", .receipt = ""};
    struct qos_copies copies = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        add(&copies, &first, "a");
    add(&copies, &second, "b");
    for (size_t left = 3; left > 0; left--) {
        qos_copies_drop(&copies, left - 1);
        assert_int_equal(copies.count, left);
        assert_string_equal(copies.items[left - 1].message->id, "2");
        assert_string_equal(copies.items[0].recipient.value, left > 1 ? "a" : "b");
    }
    qos_copies_drop(&copies, 0);
    assert_int_equal(copies.count, 0);
    qos_copies_release(&copies);
}

static void compares_and_copies_recipients(void **state)
{
    const struct qos_recipient alice = {SSE_BY_USER, "alice", ""};
    const struct qos_recipient others[] = {
        {SSE_BY_TOKEN, "alice", ""},
        {SSE_BY_USER, "alic", "e"},
        {SSE_BY_USER, "alice", "news"},
        {SSE_ALL, "", ""},
    };
    struct qos_recipient *copy = qos_recipient_copy(&alice);

    (void)state;
    assert_ptr_not_equal(copy->value, alice.value);
    assert_true(qos_recipient_equals(copy, &alice));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(qos_recipient_equals(copy, &others[i]));
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owns_what_it_was_given),
        cmocka_unit_test(has_each_message_once),
        cmocka_unit_test(sees_whether_the_body_is_still_there),
        cmocka_unit_test(drops_one_of_those_that_share_a_message),
        cmocka_unit_test(compares_and_copies_recipients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
