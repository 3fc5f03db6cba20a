/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent is written when the engine says that it is next, and refused when that fails. */
#include <errno.h>
#include <string.h>

#include "broker/publishing.h"
#include "broker/stored/settings.h"
#include "broker/stored/stored.h"
#include "support/broker_team.h"
#include "support/slow_engine.h"
#include "support/sse_message.h"

struct fixture {
    struct team team;
    struct stored_shared shared;
    struct stored_settings settings;
    struct recording_sink page;
};

struct sending {
    struct broker_publishing publishing;
    unsigned answers;
    int status;
};

static void ignore_put(void *context, const struct qos_put *put)
{
    (void)context;
    (void)put;
}

static void open_fixture(struct fixture *f)
{
    const struct stored_place place = {.make_engine = slow_engine_new, .shared = &f->shared};
    struct broker_service *owner = &f->team.worker[0].service;
    const struct sse_guest guest = {.user = "ann"};

    *f = (struct fixture){.settings = {.file = "",
                                       .ttl_ms = 1000000,
                                       .waiting_bytes = 1000000,
                                       .queue = 10,
                                       .messages = 10,
                                       .bytes = 100000,
                                       .receipt_hosts = "",
                                       .receipt_secret = "",
                                       .redelivery = {.window = 1, .ack_ms = 30000, .batch = 1}}};
    team_open(&f->team, 1);
    stored_shared_init(&f->shared, "hr", true);
    owner->stored = stored_new(owner, &f->settings, &place);
    slow_engine.on_put = ignore_put;
    f->page.is_eager = true;
    sse_env_connect(&f->team.worker[0].env, &f->page, &guest);
    recording_sink_drain(&f->page, 0);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->page);
    team_turn(&f->team);
    while (slow_engine_settle())
        team_turn(&f->team);
    stored_free(f->team.worker[0].service.stored);
    stored_shared_release(&f->shared);
    team_close(&f->team);
}

static struct broker_batch *batch_of(const char *json)
{
    struct broker_batch *batch = broker_batch_new(1);

    batch->items[0].message = sse_message_of(json);
    batch->items[0].wants_reached = true;
    if (batch->items[0].message->is_stored)
        batch->items[0].stored_as.json =
            sse_message_to_json(batch->items[0].message, &batch->items[0].stored_as.length,
                                &batch->items[0].stored_as.digest);
    return batch;
}

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);

    sending->answers++;
    sending->status = published->status;
}

static void send(struct fixture *f, struct sending *sending, const char *json)
{
    struct broker_batch *batch = batch_of(json);

    *sending = (struct sending){.publishing.done = on_published};
    broker_publish(&f->team.worker[0].service, &sending->publishing, batch, 1,
                   batch->items[0].message->is_stored);
    broker_batch_unref(batch);
    team_turn(&f->team);
}

static bool has(const struct fixture *f, const char *data)
{
    return strstr(buf_str(&f->page.received), data) != NULL;
}

#define LIVE   "\"userId\":\"ann\",\"event\":\"e\",\"data\":\"live\""
#define STORED "\"userId\":\"ann\",\"event\":\"e\",\"data\":\"stored\",\"qos\":1"

static void it_is_written_when_it_is_next(void **state)
{
    struct fixture f;
    struct sending sending;

    (void)state;
    open_fixture(&f);
    send(&f, &sending, LIVE);
    assert_int_equal(sending.answers, 0);
    assert_false(has(&f, "live"));
    (void)slow_engine_settle();
    assert_int_equal(sending.answers, 1);
    assert_int_equal(sending.status, 0);
    assert_true(has(&f, "live"));
    close_fixture(&f);
}

/* What is on its way counts as what shards have yet to write. */
static void it_waits_for_what_is_not_next_yet(void **state)
{
    struct fixture f;
    struct sending sendings[2];
    const struct lag *lag = &f.team.worker[0].service.lag;

    (void)state;
    open_fixture(&f);
    send(&f, &sendings[0],
         "\"userId\":\"ann\",\"event\":\"e\",\"data\":\"longer than the other one\"");
    f.team.worker[0].env.settings.log_lag = lag->appending - 1;
    assert_null(lag->waiting);
    send(&f, &sendings[1], LIVE);
    assert_null(slow_engine.waiting.first->next);
    assert_non_null(lag->waiting);
    slow_engine_work(1, SLOW_IS_CLOSED);
    while (slow_engine_settle())
        team_turn(&f.team);
    assert_int_equal(sendings[0].status, -EIO);
    assert_int_equal(sendings[1].answers, 1);
    assert_int_equal(sendings[1].status, 0);
    assert_true(has(&f, "live"));
    assert_int_equal(lag->appending, 0);
    assert_null(lag->waiting);
    close_fixture(&f);
}

static void it_is_refused_when_that_fails(void **state)
{
    struct fixture f;
    struct sending sending;

    (void)state;
    open_fixture(&f);
    send(&f, &sending, LIVE);
    slow_engine_work(1, SLOW_IS_CLOSED);
    (void)slow_engine_settle();
    assert_int_equal(sending.answers, 1);
    assert_int_equal(sending.status, -EIO);
    assert_false(has(&f, "live"));
    close_fixture(&f);
}

static void a_sender_keeps_its_order(void **state)
{
    struct fixture f;
    struct sending first, second;
    const char *stored;

    (void)state;
    open_fixture(&f);
    send(&f, &first, STORED);
    send(&f, &second, LIVE);
    assert_true(
        container_of(slow_engine.waiting.first->next, struct engine_append, job)->is_behind_puts);
    (void)slow_engine_settle();
    stored = strstr(buf_str(&f.page.received), "stored");
    assert_non_null(stored);
    assert_non_null(strstr(stored, "live"));
    close_fixture(&f);
}

static void what_another_node_sends_comes_too(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    slow_engine.events.appended(slow_engine.events.context, batch_of(LIVE));
    assert_true(has(&f, "live"));
    assert_int_equal(sse_log_last(f.team.worker[0].env.service->log), 1);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_written_when_it_is_next),
        cmocka_unit_test(it_waits_for_what_is_not_next_yet),
        cmocka_unit_test(it_is_refused_when_that_fails),
        cmocka_unit_test(a_sender_keeps_its_order),
        cmocka_unit_test(what_another_node_sends_comes_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
