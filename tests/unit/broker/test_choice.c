/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/message.h"
#include "support/test.h"

static void the_filter_is_the_messages_own(void **state)
{
    char user[] = "ann", channel[] = "news", listener[] = "e";
    const char *const channels[] = {channel}, *const listeners[] = {listener, "f"};
    const struct qos_filter filter = {
        .user_id = user,
        .tenant_id = "t",
        .channels = channels,
        .channel_count = 1,
        .listeners = listeners,
        .listener_count = 2,
        .is_strict = true,
    };
    struct broker_message *message = broker_choice_new(BROKER_LIST_MESSAGES, 2, NULL, &filter);
    const struct qos_filter *copy = &message->choice.filter;

    (void)state;
    user[0] = channel[0] = listener[0] = 'x';
    assert_int_equal(message->service, 2);
    assert_null(message->choice.id);
    assert_string_equal(copy->user_id, "ann");
    assert_string_equal(copy->tenant_id, "t");
    assert_string_equal(copy->channels[0], "news");
    assert_string_equal(copy->listeners[0], "e");
    assert_string_equal(copy->listeners[1], "f");
    assert_int_equal(copy->listener_count, 2);
    assert_true(copy->is_strict);
    broker_message_free(message);
}

/* NULL means something else than none. */
static void what_is_not_said_stays_so(void **state)
{
    const struct qos_filter filter = {.tenants = ""};
    struct broker_message *message = broker_choice_new(BROKER_FIND_MESSAGE, 0, "m1", &filter);
    const struct qos_filter *copy = &message->choice.filter;

    (void)state;
    assert_string_equal(message->choice.id, "m1");
    assert_string_equal(copy->tenants, "");
    assert_null(copy->user_id);
    assert_null(copy->channels);
    assert_null(copy->listeners);
    broker_message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_is_the_messages_own),
        cmocka_unit_test(what_is_not_said_stays_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
