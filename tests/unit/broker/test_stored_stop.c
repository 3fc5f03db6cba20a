/* SPDX-License-Identifier: Apache-2.0 */
/* The server stops while the store is at work: what that hands back late leads to nothing. */
#include <stdio.h>

#include "broker/publishing.h"
#include "broker/stored/settings.h"
#include "broker/stored/stored.h"
#include "support/broker_team.h"
#include "support/slow_engine.h"
#include "support/sse_message.h"

enum { LONG = 1000 }; /* copies of a put that is done in rounds */

struct stopping {
    struct team team;
    struct stored_shared shared;
    struct stored_settings settings;
    struct stored_messages *stored;
};

static struct engine_ops stopping_ops; /* those of the slow engine, with: */

static void answer_all(void)
{
    struct qos_job *job;

    while ((job = slow_take(&slow_engine.done))) /* whether it is held or not */
        job->done(job);
}

static void finish_and_free(struct engine *engine)
{
    slow_engine_work(SIZE_MAX, SLOW_WORKS);
    answer_all();
    slow_free(engine);
}

static void abandon(struct engine *engine)
{
    struct qos_job *job;

    (void)engine;
    while ((job = slow_take(&slow_engine.waiting))) {
        job->status = -ESHUTDOWN;
        slow_append(&slow_engine.done, job);
    }
}

static struct engine *stopping_engine_new(struct loop *loop, const struct engine_settings *settings,
                                          const struct engine_events *events)
{
    struct engine *engine = slow_engine_new(loop, settings, events);

    stopping_ops = slow_ops;
    stopping_ops.free = finish_and_free;
    stopping_ops.abandon = abandon;
    engine->ops = &stopping_ops;
    return engine;
}

static void ignore_put(void *context, const struct qos_put *put)
{
    (void)context;
    (void)put;
}

static void open_stopping(struct stopping *stopping)
{
    struct stored_place place = {.make_engine = stopping_engine_new, .shared = &stopping->shared};
    struct broker_service *owner = &stopping->team.worker[0].service;

    team_open(&stopping->team, 1);
    stored_shared_init(&stopping->shared, "hr", true);
    stopping->settings = (struct stored_settings){
        .file = "",
        .ttl_ms = 1000000000,
        .queue = 10000,
        .messages = 10000,
        .bytes = 1000000,
        .waiting_bytes = 1000000,
        .receipt_hosts = "",
        .receipt_secret = "",
        .redelivery = {.window = 1, .ack_ms = 30000, .ack_ms_most = 600000, .batch = 1},
    };
    stopping->stored = owner->stored = stored_new(owner, &stopping->settings, &place);
    slow_engine.on_put = ignore_put;
}

static void close_stopping(struct stopping *stopping)
{
    struct team_worker *worker = &stopping->team.worker[0];

    stored_free(stopping->stored);
    worker->service.stored = NULL;
    team_read(worker);
    assert_false(fake_loop_turn(worker->env.loop));
    stored_shared_release(&stopping->shared);
    team_close(&stopping->team);
}

/* ---- a page comes back ---- */

static void join(struct stopping *stopping, const char *last_id)
{
    const struct broker_service *service = &stopping->team.worker[0].service;
    struct broker_message *message =
        broker_message_new(BROKER_JOIN_QUEUES, 0, broker_text_size(last_id));
    struct broker_queues *queues = &message->queues;

    snprintf(queues->subscriber.client.id, sizeof(queues->subscriber.client.id), "page");
    queues->subscriber.client.joined = UINT64_MAX;
    queues->subscriber.identity = (struct qos_identity){"ann", "ann", "", "", "", NULL, 0};
    queues->scope = BROKER_EVERY_QUEUE;
    queues->last_id = broker_message_text(message, last_id);
    broker_tell_owner(service, message);
    team_read(&stopping->team.worker[0]);
}

static size_t joining(const struct stopping *stopping)
{
    struct stored_report report;

    stored_report(stopping->stored, &report);
    return report.joining;
}

/* The store is at what the page has seen when the service stops, and has answered all else. */
static void stop_before_seen(struct stopping *stopping)
{
    struct qos_job *seen;

    open_stopping(stopping);
    join(stopping, "seen-last");
    seen = slow_take(&slow_engine.waiting);
    assert_non_null(seen);
    assert_non_null(slow_engine.waiting.first);
    stored_abandon(stopping->stored);
    answer_all();
    slow_append(&slow_engine.waiting, seen);
}

static void what_is_seen_outlives_a_stop(void **state)
{
    struct stopping stopping;

    (void)state;
    stop_before_seen(&stopping);
    slow_engine_work(1, SLOW_WORKS);
    assert_true(slow_engine_answer());
    assert_int_equal(joining(&stopping), 0);
    close_stopping(&stopping);
}

static void what_is_seen_may_come_back_at_the_very_end(void **state)
{
    struct stopping stopping;

    (void)state;
    stop_before_seen(&stopping);
    close_stopping(&stopping);
}

/* ---- a long put ---- */

struct sending {
    struct broker_publishing publishing;
    unsigned answers;
    int status;
};

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);

    sending->answers++;
    sending->status = published->status;
}

static void publish(struct stopping *stopping, struct sending *sending, size_t count)
{
    struct broker_batch *batch = broker_batch_new(count);

    for (size_t i = 0; i < count; i++) {
        struct broker_item *item = &batch->items[i];

        item->message = sse_message_of("\"userId\":\"ann\",\"event\":\"e\",\"data\":1,\"qos\":1");
        item->wants_reached = true;
        item->stored_as.json =
            sse_message_to_json(item->message, &item->stored_as.length, &item->stored_as.digest);
    }
    *sending = (struct sending){.publishing.done = on_published};
    broker_publish(&stopping->team.worker[0].service, &sending->publishing, batch, 1, true);
    broker_batch_unref(batch);
    team_read(&stopping->team.worker[0]);
}

/* A page that comes behind it is not forgotten, either. */
static void a_put_that_comes_back_at_the_very_end_is_refused(void **state)
{
    static const size_t counts[] = {1, LONG};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stopping stopping;
        struct sending sending;

        open_stopping(&stopping);
        publish(&stopping, &sending, counts[i]);
        join(&stopping, "seen-last");
        close_stopping(&stopping);
        assert_int_equal(sending.answers, 1);
        assert_int_equal(sending.status, -ESHUTDOWN);
    }
}

/* The server still waits for some, and this one has been stored. */
static void a_put_that_comes_back_before_is_answered(void **state)
{
    struct stopping stopping;
    struct sending sending;

    (void)state;
    open_stopping(&stopping);
    publish(&stopping, &sending, LONG);
    slow_engine_work(SIZE_MAX, SLOW_WORKS);
    stored_abandon(stopping.stored);
    answer_all();
    for (unsigned i = 0; i < 10000 && sending.answers == 0; i++)
        team_turn(&stopping.team);
    assert_int_equal(sending.answers, 1);
    assert_int_equal(sending.status, 0);
    close_stopping(&stopping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_outlives_a_stop),
        cmocka_unit_test(what_is_seen_may_come_back_at_the_very_end),
        cmocka_unit_test(a_put_that_comes_back_at_the_very_end_is_refused),
        cmocka_unit_test(a_put_that_comes_back_before_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
