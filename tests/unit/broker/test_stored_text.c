/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "broker/stored/text.h"
#include "support/test.h"

static struct qos_message message_of(uint64_t number, const char *json)
{
    return (struct qos_message){.number = number,
                                .id = "m",
                                .json = json,
                                .length = json ? strlen(json) : 0,
                                .receipt = ""};
}

static void assert_member(struct stored_text *text, const struct qos_message *message,
                          const char *key, const char *expected)
{
    struct buf to = BUF_INIT;

    stored_text_member(text, &to, message, key);
    assert_string_equal(buf_str(&to), expected);
    buf_release(&to);
}

static void assert_data(struct stored_text *text, const struct qos_message *message,
                        const char *expected)
{
    struct buf to = BUF_INIT;

    stored_text_data(text, &to, message);
    assert_string_equal(buf_str(&to), expected);
    buf_release(&to);
}

static void members_are_shown_as_they_were_sent(void **state)
{
    const struct qos_message first =
        message_of(1, "{\"event\":\"bell\",\"data\":{\"n\":0.1,\"t\":\"\\u00fc\"}}");
    const struct qos_message second = message_of(2, "{\"event\":\"door\",\"data\":\"text\"}");
    struct stored_text text = {.number = 0};

    (void)state;
    assert_member(&text, &first, "event", "\"bell\"");
    assert_data(&text, &first, "{\"n\":0.1,\"t\":\"\\u00fc\"}");
    assert_data(&text, &second, "\"text\"");
    assert_member(&text, &first, "event", "\"bell\"");
    stored_text_release(&text);
}

static void what_is_not_known_is_null(void **state)
{
    const struct qos_message forgotten = message_of(1, NULL);
    const struct qos_message broken = message_of(2, "{\"event\":");
    const struct qos_message bare = message_of(3, "{\"event\":\"bell\"}");
    struct stored_text text = {.number = 0};

    (void)state;
    assert_member(&text, &forgotten, "event", "null");
    assert_member(&text, &broken, "event", "null");
    assert_data(&text, &bare, "null");
    stored_text_release(&text);
}

static void assert_recipient(struct qos_recipient recipient, bool is_token_whole,
                             const char *expected)
{
    struct buf to = BUF_INIT;

    stored_text_recipient(&to, &recipient, is_token_whole);
    assert_string_equal(buf_str(&to), expected);
    buf_release(&to);
}

static void recipients_are_one_member(void **state)
{
    (void)state;
    assert_recipient((struct qos_recipient){SSE_BY_USER, "7", ""}, false, "\"userId\":\"7\"");
    assert_recipient((struct qos_recipient){SSE_BY_CHANNEL, "a\"b", ""}, false,
                     "\"channel\":\"a\\\"b\"");
    assert_recipient((struct qos_recipient){SSE_ALL, "", "bell"}, false, "\"all\":true");
}

static void tokens_are_shortened_unless_they_may_be_whole(void **state)
{
    const struct qos_recipient recipient = {SSE_BY_TOKEN, "short", ""};

    (void)state;
    assert_recipient(recipient, true, "\"accessToken\":\"short\"");
    assert_recipient(recipient, false, "\"accessToken\":\"***\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_shown_as_they_were_sent),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(recipients_are_one_member),
        cmocka_unit_test(tokens_are_shortened_unless_they_may_be_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
