/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/call.h"
#include "broker/message.h"
#include "sse/message.h"
#include "support/message_print.h"
#include "support/test.h"

static void assert_prints(const struct broker_message *message, const char *text)
{
    struct buf line = BUF_INIT;

    broker_message_print(message, &line);
    assert_string_equal(buf_str(&line), text);
    buf_release(&line);
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

    message = broker_message_new(BROKER_QUERY, 1, 32);
    message->query.lists = 1u << BROKER_CHANNELS;
    message->query.filter.by[BROKER_BY_TOKEN] = broker_message_text(message, "secret");
    message->query.filter.by[BROKER_BY_ID] = broker_message_text(message, "secret");
    message->query.filter.by[BROKER_BY_USER] = broker_message_text(message, "ann");
    assert_prints(message, "query service=1 from=0 lists=0x8 user=ann");
    broker_message_free(message);

    message = broker_message_new(BROKER_SETTLE, 0, 8);
    message->outcome.key = broker_message_text(message, "secret");
    message->outcome.status = 200;
    message->outcome.body = bytes_new("body", 4);
    assert_prints(message, "settle service=0 from=0 status=200");
    broker_message_free(message);
}

/* Of an id no more than the handle in it. */
static void calls_are_printed_without_secrets(void **state)
{
    const char *names[] = {"a", "b"};
    struct broker_call call = {
        .operation = BROKER_LISTEN,
        .id = "0123456789abcdef01234567"
              "and what nobody may see",
        .names = {names, 2},
        .number = {.number = 4},
        .queue = CALL_QUEUE_CHANGES,
    };
    struct broker_message *message = broker_call_new(BROKER_CALL, 1, &call);

    (void)state;
    names[1] = "x";
    assert_string_equal(message->call.names.texts[1], "b");
    assert_prints(message, "call service=1 from=0 listen handle=0123456789abcdef01234567 "
                           "number=4 queue=2");
    broker_message_free(message);

    message = broker_message_new(BROKER_CALLED, 1, 0);
    message->called.outcome = BROKER_CALL_TOO_MANY;
    message->called.user = mem_strdup("secret");
    assert_prints(message, "called service=1 from=0 too-many");
    broker_message_free(message);
}

/* Nor names of revocations, nor what is written to a page, nor the rest of its connection's id. */
static void redelivery_is_printed_without_secrets(void **state)
{
    struct broker_message *message = broker_message_new(BROKER_JOIN_QUEUES, 1, 64);
    struct broker_subscriber *subscriber = &message->queues.subscriber;

    (void)state;
    memcpy(subscriber->client.id, "c1", 3);
    subscriber->identity.user_key = broker_message_text(message, "ann");
    subscriber->identity.token = broker_message_text(message, "secret");
    message->queues.scope = BROKER_EVERY_QUEUE;
    message->queues.last_id = broker_message_text(message, "m1");
    message->queues.is_paused = true;
    assert_prints(message, "join-queues service=1 from=0 handle=c1 user=ann last-id=m1 paused");
    broker_message_free(message);

    message = broker_message_new(BROKER_COUNT, 1, 0);
    message->count.recipient = (struct qos_recipient){SSE_BY_TOKEN, "secret", "e"};
    assert_prints(message, "count service=1 from=0 of=accessToken event=e");
    broker_message_free(message);

    message =
        broker_message_new(BROKER_REDELIVER, 1, broker_block_size(sizeof(struct broker_line)));
    memcpy(message->redeliver.handle, "c1", 3);
    message->redeliver.count = 1;
    message->redeliver.lines = broker_message_block(message, sizeof(struct broker_line));
    message->redeliver.lines[0] =
        (struct broker_line){.id = "m1", .event = "e", .wire = bytes_new("data: x\n\n", 9)};
    assert_prints(message, "redeliver service=1 from=0 handle=c1 id=m1");
    broker_message_free(message);

    message = broker_message_new(BROKER_KEEP, 1, 0);
    message->revocations.list = bytes_new("secret", 6);
    assert_prints(message, "keep service=1 from=0");
    broker_message_free(message);
}

/* Whoever is named, and by what, is not to be seen. */
static void what_is_published_can_be_printed(void **state)
{
    struct broker_batch *batch = broker_batch_new(2);
    struct sse_target target = {.dimension = SSE_ALL};
    struct broker_message *message;
    struct buf expected = BUF_INIT;

    (void)state;
    batch->items[0].message = sse_message_new("news", &target, "\"secret\"");
    batch->items[1].command = sse_command_new(SSE_RECORD_KICK);
    batch->items[1].command->text = mem_strdup("secret");
    message = broker_message_new(BROKER_PUBLISH, 1, 0);
    message->publish.batch = broker_batch_ref(batch);
    buf_printf(&expected, "publish service=1 from=0 message=%s command=%d",
               batch->items[0].message->id, SSE_RECORD_KICK);
    assert_prints(message, buf_str(&expected));
    broker_message_free(message);
    message = broker_message_new(BROKER_ADVANCE, 1, 0);
    message->advance = (struct broker_advance){.after = 41, .count = 2};
    assert_prints(message, "advance service=1 from=0 after=41 count=2");
    broker_message_free(message);
    assert_int_equal(batch->refs, 1);
    broker_batch_unref(batch);
    buf_release(&expected);
}

static void credentials_are_not_printed(void **state)
{
    static const struct sse_credential shown[] = {{true, "token"}, {false, "ann"}};
    struct broker_message *message = broker_message_new(BROKER_CREDENTIALS, 1, 0);

    (void)state;
    message->credentials = (struct broker_credentials){2, shown};
    assert_prints(message, "credentials service=1 from=0 count=2");
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
        cmocka_unit_test(messages_can_be_printed),
        cmocka_unit_test(calls_are_printed_without_secrets),
        cmocka_unit_test(redelivery_is_printed_without_secrets),
        cmocka_unit_test(what_is_published_can_be_printed),
        cmocka_unit_test(credentials_are_not_printed),
        cmocka_unit_test(every_kind_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
