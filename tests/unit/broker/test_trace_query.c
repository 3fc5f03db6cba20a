/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/trace_query.h"
#include "support/broker_team.h"

enum { WORKERS = 3, ASKING = 1 };

struct fixture {
    struct team team;
    struct trace_asking asking;
    struct trace_mark marks[WORKERS];
    unsigned answers;
    uint64_t first, last; /* positions */
    size_t count;
    uint64_t passed, lost;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.answers = 0};
    team_open(&f->team, WORKERS);
}

/* Each is decided by another worker than the one before. */
static void write_records(struct fixture *f, uint64_t from, uint64_t to)
{
    for (uint64_t position = from; position <= to; position++) {
        struct trace *trace = &f->team.worker[position % WORKERS].service.tracing.trace;

        assert_true(trace_begin(trace, position % 2 ? TRACE_SENT : TRACE_OPENED, position));
        trace_text(trace, TRACE_USER, position % 5 ? "ann" : "bob");
        trace_end(trace);
    }
}

static void on_done(struct trace_asking *asking)
{
    struct fixture *f = container_of(asking, struct fixture, asking);

    f->answers++;
    f->count = asking->count;
    f->passed = asking->passed;
    f->lost = asking->lost;
    for (size_t i = 1; i < asking->count; i++)
        assert_true(asking->records[i]->position > asking->records[i - 1]->position);
    f->first = f->count > 0 ? asking->records[0]->position : 0;
    f->last = f->count > 0 ? asking->records[f->count - 1]->position : 0;
}

static void ask(struct fixture *f, enum trace_asking_kind kind, const char *user_id, size_t most)
{
    f->asking = (struct trace_asking){
        .kind = kind,
        .filter.by[TRACE_BY_USER_ID] = user_id,
        .most = most,
        .marks = kind == TRACE_ASK_PAST ? NULL : f->marks,
        .done = on_done,
    };
    f->answers = 0;
    trace_asking_start(&f->asking, &f->team.worker[ASKING].service);
    for (unsigned i = 0; i < 100 && f->answers == 0; i++)
        team_turn(&f->team);
    assert_int_equal(f->answers, 1);
}

static void the_latest_of_all_workers_come_in_order(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    write_records(&f, 1, 100);
    ask(&f, TRACE_ASK_PAST, NULL, 7);
    assert_int_equal(f.count, 7);
    assert_int_equal(f.first, 94);
    assert_int_equal(f.last, 100);
    assert_int_equal(f.passed, 100);
    ask(&f, TRACE_ASK_PAST, NULL, 1000);
    assert_int_equal(f.count, 100);
    team_close(&f.team);
}

static void the_filter_is_looked_at_everywhere(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    write_records(&f, 1, 100);
    ask(&f, TRACE_ASK_PAST, "bob", 3);
    assert_int_equal(f.count, 3);
    assert_int_equal(f.first, 90);
    assert_int_equal(f.passed, 20);
    ask(&f, TRACE_ASK_PAST, "cid", 3);
    assert_int_equal(f.count, 0);
    team_close(&f.team);
}

static void who_watches_gets_each_once(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    write_records(&f, 1, 20);
    ask(&f, TRACE_ASK_END, NULL, 0);
    assert_int_equal(f.count, 0);
    ask(&f, TRACE_ASK_SINCE, NULL, 65536);
    assert_int_equal(f.count, 0);
    write_records(&f, 21, 30);
    ask(&f, TRACE_ASK_SINCE, NULL, 65536);
    assert_int_equal(f.count, 10);
    assert_int_equal(f.first, 21);
    ask(&f, TRACE_ASK_SINCE, NULL, 65536);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.lost, 0);
    team_close(&f.team);
}

static void what_is_too_much_is_counted(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    ask(&f, TRACE_ASK_END, NULL, 0);
    write_records(&f, 1, 1000);
    ask(&f, TRACE_ASK_SINCE, NULL, 4096);
    assert_in_range(f.count, 1, 999);
    assert_int_equal(f.count + f.lost, 1000);
    ask(&f, TRACE_ASK_SINCE, NULL, 4096); /* and is not told again */
    assert_int_equal(f.count + f.lost, 0);
    write_records(&f, 1001, 1010);
    ask(&f, TRACE_ASK_SINCE, NULL, 0); /* no room at all */
    assert_int_equal(f.count, 0);
    assert_int_equal(f.lost, 10);
    team_close(&f.team);
}

static void what_was_overwritten_is_counted(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    ask(&f, TRACE_ASK_END, NULL, 0);
    write_records(&f, 1, 200000);
    ask(&f, TRACE_ASK_SINCE, NULL, SIZE_MAX);
    assert_in_range(f.count, 1000, 199999);
    assert_int_equal(f.count + f.lost, 200000);
    assert_int_equal(f.last, 200000);
    team_close(&f.team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_of_all_workers_come_in_order),
        cmocka_unit_test(the_filter_is_looked_at_everywhere),
        cmocka_unit_test(who_watches_gets_each_once),
        cmocka_unit_test(what_is_too_much_is_counted),
        cmocka_unit_test(what_was_overwritten_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
