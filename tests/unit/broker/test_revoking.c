/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "broker/publish.h"
#include "broker/revoking.h"
#include "sse/target.h"
#include "support/broker_team.h"

enum { WORKERS = 3, ORIGIN = 1 };

struct revoker {
    char text[20];
    bool is_token, keeps;
    unsigned count;
};

struct fixture {
    struct team team;
    struct revoker revokers[WORKERS];
    struct revoking revoking;
    unsigned done, stored;
    int status; /* of done */
};

static void revoke(void *context, const struct sse_credential *credential,
                   struct qos_revocations *kept)
{
    struct revoker *revoker = context;

    snprintf(revoker->text, sizeof(revoker->text), "%s", credential->text);
    revoker->is_token = credential->is_token;
    revoker->keeps = kept != NULL;
    revoker->count++;
}

static void on_publish(void *context, const struct broker_message *message)
{
    struct team_worker *worker = context;

    assert_int_equal(message->kind, BROKER_PUBLISH);
    publication_advance(publication_new(&worker->service.publisher, message), NULL, 0);
}

static void fail_to_publish(void *context, const struct broker_message *message)
{
    struct team_worker *worker = context;

    publication_fail(publication_new(&worker->service.publisher, message), -EIO, 0);
}

static void on_done(struct revoking *revoking, int status)
{
    struct fixture *f = container_of(revoking, struct fixture, revoking);

    f->done++;
    f->status = status;
}

static void on_stored(struct revoking *revoking, int status)
{
    assert_int_equal(status, 0);
    container_of(revoking, struct fixture, revoking)->stored++;
}

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.revoking = {.done = on_done, .stored = on_stored}};
    team_open(&f->team, WORKERS);
    f->team.worker[0].service.guest = (struct broker_receiver){on_publish, &f->team.worker[0]};
    for (size_t i = 0; i < WORKERS; i++)
        f->team.worker[i].service.revoker =
            (struct broker_revoker){.revoke = revoke, .context = &f->revokers[i]};
}

static void start(struct fixture *f, const char *user)
{
    char *values[] = {(char *)(uintptr_t)user};
    const struct sse_target target = {.dimension = SSE_BY_USER, .values = values, .count = 1};

    revoking_start(&f->revoking, &f->team.worker[ORIGIN].service, &target);
}

/* The origin at once, which keeps it, too; the others in the service's order. */
static void all_workers_revoke_it_once(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    start(&f, "ann");
    assert_int_equal(f.revokers[ORIGIN].count, 1);
    assert_int_equal(f.revokers[0].count, 0);
    assert_int_equal(f.done, 0);
    for (size_t i = 0; i < WORKERS; i++)
        team_turn(&f.team);
    assert_int_equal(f.done, 1);
    assert_int_equal(f.status, 0);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(f.revokers[i].count, 1);
        assert_string_equal(f.revokers[i].text, "ann");
        assert_false(f.revokers[i].is_token);
        assert_int_equal(f.revokers[i].keeps, i == ORIGIN);
    }
    revoking_keep(&f.revoking);
    assert_int_equal(f.stored, 1);
    team_close(&f.team);
}

/* Who asked is told, and asks again. */
static void the_others_cannot_be_told(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.team.worker[0].service.guest = (struct broker_receiver){fail_to_publish, &f.team.worker[0]};
    start(&f, "ann");
    for (size_t i = 0; i < WORKERS; i++)
        team_turn(&f.team);
    assert_int_equal(f.done, 1);
    assert_int_equal(f.status, -EIO);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(f.revokers[i].count, i == ORIGIN);
    assert_int_equal(f.revoking.kept.count, 0);
    team_close(&f.team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_workers_revoke_it_once),
                                       cmocka_unit_test(the_others_cannot_be_told)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
