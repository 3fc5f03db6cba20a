/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/attach.h"
#include "broker/publish.h"
#include "broker/publishing.h"
#include "sse/message.h"
#include "support/broker_team.h"

enum { MOST = 20, SENT = 8 };

/* A page with the second of two workers, which may be slow, and the first one sends. */
struct fixture {
    struct team team;
    struct sse_observer observer;
    struct recording_sink sink;
    struct sending {
        struct broker_publishing publishing;
        unsigned answers;
        int status;
        size_t count;
    } sendings[MOST];
    size_t next;
};

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    struct sending *sending = container_of(publishing, struct sending, publishing);

    sending->answers++;
    sending->status = published->status;
    sending->count = published->items[0].count;
}

static void on_publish(void *context, const struct broker_message *message)
{
    struct team_worker *worker = context;

    assert_int_equal(message->kind, BROKER_PUBLISH);
    publication_advance(publication_new(&worker->service.publisher, message), NULL, 0);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct fixture *f = container_of(observer, struct fixture, observer);
    const struct broker_service *service = &f->team.worker[1].service;

    broker_tell_owner(service, broker_opened_new(service, &(struct broker_keys){0}, connection));
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct fixture *f = container_of(observer, struct fixture, observer);
    const struct broker_service *service = &f->team.worker[1].service;

    (void)reason;
    (void)text;
    broker_tell_owner(service, broker_ended_new(service, &(struct broker_keys){0}, connection));
}

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.observer = {.on_connect = on_connect, .on_disconnect = on_disconnect}};
    team_open(&f->team, 2);
    f->team.worker[0].service.guest = (struct broker_receiver){on_publish, &f->team.worker[0]};
    f->team.worker[0].env.settings.log_lag = 3000;
    list_append(&f->team.worker[1].env.service->observers, &f->observer.node);
    f->sink.is_eager = true;
    sse_env_connect(&f->team.worker[1].env, &f->sink, &(struct sse_guest){.user = "ann"});
    team_turn(&f->team);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->sink);
    team_turn(&f->team);
    list_remove(&f->observer.node);
    team_close(&f->team);
}

static struct sending *publish(struct fixture *f, const char *user, bool is_kick)
{
    const struct broker_service *service = &f->team.worker[0].service;
    struct broker_batch *batch = broker_batch_new(1);
    struct sending *sending = &f->sendings[f->next++];
    struct sse_target target;
    char data[1001] = "", fault[100];
    json_t *object = json_pack("{s:s}", "userId", user);

    assert_int_equal(
        sse_target_from_json(&target, object, (1u << SSE_DIMENSIONS) - 1, fault, sizeof(fault)), 0);
    json_decref(object);
    memset(data, '7', sizeof(data) - 1);
    if (is_kick) {
        batch->items[0].command = sse_command_new(SSE_RECORD_KICK);
        batch->items[0].command->target = target;
    } else {
        batch->items[0].message = sse_message_new("e", &target, data);
    }
    sending->publishing.done = on_published;
    broker_publish(service, &sending->publishing, batch, 0, false);
    broker_batch_unref(batch);
    return sending;
}

/* Each of them takes more than 1000 bytes: the first three are told to the shard. */
static void what_is_too_far_behind_waits_and_is_refused(void **state)
{
    struct fixture f;
    size_t waiting = 0, refused = 0;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < SENT; i++) {
        const struct sending *sending = publish(&f, "ann", false);

        assert_int_equal(sending->answers, sending->status < 0);
        assert_true(sending->status == 0 || sending->status == -ENOBUFS);
        waiting += sending->answers == 0;
        refused += sending->answers;
    }
    assert_in_range(waiting, 4, 6);
    assert_int_equal(f.team.worker[0].service.lag.refused, refused);
    assert_true(f.team.worker[0].service.lag.waiting_bytes > 0);
    team_turn(&f.team);
    team_turn(&f.team);
    for (size_t i = 0; i < SENT; i++) {
        assert_int_equal(f.sendings[i].answers, 1);
        assert_int_equal(f.sendings[i].count, i < waiting ? 1 : 0);
    }
    assert_int_equal(f.team.worker[0].service.lag.waiting_bytes, 0);
    assert_int_equal(publish(&f, "nobody", false)->answers, 1);
    close_fixture(&f);
}

/* It would come before what its back end has sent. */
static void what_is_for_nobody_waits_behind_others(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    while (!f.team.worker[0].service.lag.waiting)
        (void)publish(&f, "ann", false);
    assert_int_equal(publish(&f, "nobody", false)->answers, 0);
    team_turn(&f.team);
    team_turn(&f.team);
    for (size_t i = 0; i < f.next; i++)
        assert_int_equal(f.sendings[i].answers, 1);
    close_fixture(&f);
}

static void who_is_closed_is_not_refused(void **state)
{
    const struct sending *kick;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < SENT; i++)
        (void)publish(&f, "ann", false);
    kick = publish(&f, "ann", true);
    assert_int_equal(kick->answers, 0);
    team_turn(&f.team);
    team_turn(&f.team);
    assert_int_equal(kick->answers, 1);
    assert_int_equal(kick->count, 1);
    assert_true(f.sink.is_ended);
    close_fixture(&f);
}

/* A token that leaked does not stay good because a worker is busy. */
static void who_is_revoked_waits_for_nobody(void **state)
{
    struct broker_batch *batch = broker_batch_new(1);
    struct sending *revocation;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    while (!f.team.worker[0].service.lag.waiting)
        (void)publish(&f, "ann", false);
    batch->items[0].command = sse_command_new(SSE_RECORD_REVOCATION); /* of none */
    revocation = &f.sendings[f.next++];
    revocation->publishing.done = on_published;
    broker_publish(&f.team.worker[0].service, &revocation->publishing, batch, 0, false);
    broker_batch_unref(batch);
    assert_non_null(f.team.worker[0].service.lag.waiting);
    team_turn(&f.team);
    assert_int_equal(revocation->answers, 1);
    team_turn(&f.team);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_far_behind_waits_and_is_refused),
        cmocka_unit_test(what_is_for_nobody_waits_behind_others),
        cmocka_unit_test(who_is_closed_is_not_refused),
        cmocka_unit_test(who_is_revoked_waits_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
