/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/call.h"
#include "broker/message.h"
#include "sse/message.h"
#include "support/test.h"

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
    broker_message_free(message);
}

static void a_call_has_copies_of_its_texts(void **state)
{
    const char *names[] = {"a", "b"};
    struct broker_call call = {
        .operation = BROKER_LISTEN,
        .id = "0123456789abcdef01234567",
        .names = {names, 2},
        .number = {.number = 4},
        .queue = CALL_QUEUE_CHANGES,
    };
    struct broker_message *message = broker_call_new(BROKER_CALL, 1, &call);

    (void)state;
    names[1] = "x";
    assert_string_equal(message->call.names.texts[1], "b");
    assert_string_equal(message->call.id, call.id);
    assert_int_equal(message->call.number.number, 4);
    broker_message_free(message);
}

/* Which the leak checker knows. */
static void what_a_message_owns_is_freed(void **state)
{
    struct broker_message *message;

    (void)state;
    message =
        broker_message_new(BROKER_REDELIVER, 1, broker_block_size(sizeof(struct broker_line)));
    message->redeliver.count = 1;
    message->redeliver.lines = broker_message_block(message, sizeof(struct broker_line));
    message->redeliver.lines[0] =
        (struct broker_line){.id = "m1", .event = "e", .wire = bytes_new("data: x\n\n", 9)};
    broker_message_free(message);

    message = broker_message_new(BROKER_KEEP, 1, 0);
    message->revocations.list = bytes_new("secret", 6);
    broker_message_free(message);

    message = broker_message_new(BROKER_SETTLE, 0, 0);
    message->outcome.body = bytes_new("body", 4);
    broker_message_free(message);

    message = broker_message_new(BROKER_CALLED, 1, 0);
    message->called.user = mem_strdup("{}");
    broker_message_free(message);
}

static void lists_lie_in_the_message(void **state)
{
    const char *const names[] = {"a", "bc", "def"};
    struct broker_message *message = broker_message_new(
        BROKER_ACKNOWLEDGE, 0, broker_text_size("c1") + 2 * broker_list_size(names, 3));
    struct broker_acknowledge *acknowledge = &message->acknowledge;

    (void)state;
    acknowledge->identity.connection_id = broker_message_text(message, "c1");
    acknowledge->ids = broker_message_list(message, names, 3);
    acknowledge->count = 3;
    acknowledge->identity.channels = broker_message_list(message, names, 2);
    assert_ptr_not_equal(acknowledge->ids[1], names[1]);
    assert_string_equal(acknowledge->identity.channels[1], "bc");
    assert_string_equal(acknowledge->ids[0], "a");
    assert_string_equal(acknowledge->ids[2], "def");
    broker_message_free(message);
}

/* Its receiver holds it as long as it needs its texts. */
static void a_message_can_be_kept(void **state)
{
    struct broker_message *message =
        broker_message_new(BROKER_FIND_MESSAGE, 0, broker_text_size("m1"));
    struct broker_message *kept = broker_message_keep(message);

    (void)state;
    message->choice.id = broker_message_text(message, "m1");
    broker_message_free(message);
    assert_string_equal(kept->choice.id, "m1");
    broker_message_free(kept);
}

static void messages_hold_a_batch(void **state)
{
    struct broker_batch *batch = broker_batch_new(1);
    struct broker_message *publish = broker_message_new(BROKER_PUBLISH, 1, 0);

    (void)state;
    publish->publish.batch = broker_batch_ref(batch);
    assert_int_equal(batch->refs, 2);
    broker_message_free(publish);
    assert_int_equal(batch->refs, 1);
    broker_batch_unref(batch);
}

static void results_are_the_messages_own(void **state)
{
    struct broker_message *message = broker_message_of_results(BROKER_DELIVERED, 1, 2);

    (void)state;
    assert_int_equal(message->results.count, 2);
    message->results.items[0].count = 3;
    message->results.items[1].reached = mem_zalloc(sizeof(uint32_t));
    message->results.items[1].acknowledging = mem_zalloc(sizeof(uint32_t));
    message->results.items[1].shown = mem_strdup("{}\n");
    broker_message_free(message);

    message = broker_message_of_results(BROKER_PUBLISHED, 1, 1);
    assert_ptr_equal(message->results.items, &message->results.only);
    message->results.status = -EBUSY;
    broker_message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_messages_own),
        cmocka_unit_test(what_a_message_owns_is_freed),
        cmocka_unit_test(lists_lie_in_the_message),
        cmocka_unit_test(a_message_can_be_kept),
        cmocka_unit_test(a_call_has_copies_of_its_texts),
        cmocka_unit_test(messages_hold_a_batch),
        cmocka_unit_test(results_are_the_messages_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
