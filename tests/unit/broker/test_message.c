/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "broker/message.h"
#include "support/test.h"

static void assert_prints(const struct broker_message *message, const char *text)
{
    struct buf line = BUF_INIT;

    broker_message_print(message, &line);
    assert_string_equal(buf_str(&line), text);
    buf_release(&line);
}

static void texts_are_the_messages_own(void **state)
{
    char name[] = "ann", key[] = "ann 1";
    struct broker_message *message =
        broker_message_new(BROKER_CLAIM, 2, broker_text_size(name) + broker_text_size(key));

    (void)state;
    message->claim.user = broker_message_text(message, name);
    message->claim.key = broker_message_text(message, key);
    name[0] = key[0] = 'x';
    assert_string_equal(message->claim.user, "ann");
    assert_string_equal(message->claim.key, "ann 1");
    assert_null(broker_message_text(message, NULL));
    assert_int_equal(broker_text_size(NULL), 0);
    assert_prints(message, "claim service=2 from=0 user=ann");
    broker_message_free(message);
}

/* A line says who and what, and no secret: no token, no whole key of a request, no body. */
static void messages_can_be_printed(void **state)
{
    struct broker_message *message = broker_message_new(BROKER_ATTACH, 1, 16);

    (void)state;
    message->from = 3;
    message->attach.keys[BROKER_SLOT_OF_USER] = broker_message_text(message, "0:ann");
    message->attach.last_id = broker_message_text(message, "e-p7");
    assert_prints(message, "attach service=1 from=3 stream user=0:ann last-id=e-p7");
    broker_message_free(message);

    message = broker_message_new(BROKER_ATTACHED, 1, 0);
    message->attached.is_refused = true;
    message->attached.refused = BROKER_SLOT_OF_ADDRESS;
    assert_prints(message, "attached service=1 from=0 refused=address");
    broker_message_free(message);

    message = broker_message_new(BROKER_SETTLE, 0, 8);
    message->outcome.key = broker_message_text(message, "secret");
    message->outcome.status = 200;
    message->outcome.body = bytes_new("body", 4);
    assert_prints(message, "settle service=0 from=0 status=200");
    broker_message_free(message);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (enum broker_kind kind = 0; kind < BROKER_KINDS; kind++) {
        struct broker_message *message = broker_message_new(kind, 0, 0);
        struct buf line = BUF_INIT;

        broker_message_print(message, &line);
        assert_null(strstr(buf_str(&line), "(null)"));
        buf_release(&line);
        broker_message_free(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_messages_own),
        cmocka_unit_test(messages_can_be_printed),
        cmocka_unit_test(every_kind_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
