/* SPDX-License-Identifier: Apache-2.0 */
#include "job_room.h"
#include "qos/end.h"

enum { REMEMBER_MS = 5000 };

static const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};

static void a_mark_notes_how_often_a_copy_was_written(void **state)
{
    struct job_room *room = *state;
    struct qos_mark mark = {.state = QOS_STORED, .written = 4, .now = room->now};
    struct qos_copies copies = {0};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    mark.number = room_number(room, "m");
    qos_mark_init(&mark, &anna);
    assert_int_equal(room_run(room, &mark.job), 0);
    assert_int_equal(mark.ended.count, 0);
    qos_mark_release(&mark);
    assert_int_equal(room->ops.read(room->repository, &anna, 0, 1, qos_copies_visit, &copies), 0);
    assert_int_equal(copies.items[0].written, 4);
    qos_copies_release(&copies);
    assert_stored(room, "m:anna=stored m:bert=stored");
}

static void a_mark_ends_a_copy(void **state)
{
    struct job_room *room = *state;
    struct qos_mark mark = {.state = QOS_ACKNOWLEDGED, .written = 4, .now = 1234};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    mark.number = room_number(room, "m");
    qos_mark_init(&mark, &anna);
    assert_int_equal(room_run(room, &mark.job), 0);
    assert_copies(&mark.ended, "m:anna=acknowledged");
    assert_int_equal(mark.ended.items[0].written, 4);
    assert_int_equal(mark.ended.items[0].ended, 1234);
    assert_string_equal(mark.ended.items[0].message->json, "m");
    qos_mark_release(&mark);
    assert_stored(room, "m:bert=stored");
}

static void what_is_not_stored_cannot_be_marked(void **state)
{
    struct job_room *room = *state;
    const struct qos_recipient bert = {SSE_BY_USER, "bert", ""};
    struct qos_mark note = {.state = QOS_STORED, .written = 1};
    struct qos_mark end = {.state = QOS_ACKNOWLEDGED, .written = 1, .now = room->now};

    room_put_for(room, "m", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "n", SSE_BY_USER, "bert", NULL);
    note.number = end.number = room_number(room, "m");
    qos_mark_init(&note, &bert);
    assert_int_equal(room_run(room, &note.job), -ENOENT);
    qos_mark_release(&note);
    qos_mark_init(&end, &bert);
    assert_int_equal(room_run(room, &end.job), -ENOENT);
    assert_int_equal(end.ended.count, 0);
    qos_mark_release(&end);
    assert_stored(room, "m:anna=stored n:bert=stored");
}

static void a_message_is_deleted_by_its_id(void **state)
{
    struct job_room *room = *state;
    struct qos_delete delete = {.id = "m", .now = room->now};

    qos_delete_init(&delete);
    assert_int_equal(room_run(room, &delete.job), -ENOENT);
    room_put_for(room, "m", SSE_BY_USER, "anna,bert,carl", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", NULL);
    assert_int_equal(room->ops.end(room->repository, room_number(room, "m"), &anna,
                                   QOS_ACKNOWLEDGED, room->now, 1),
                     0);
    assert_int_equal(room_run(room, &delete.job), 0);
    assert_copies(&delete.ended, "m:bert=deleted m:carl=deleted");
    assert_true(delete.is_all);
    qos_delete_release(&delete);
    assert_stored(room, "n:anna=stored");
    assert_int_equal(room_run(room, &delete.job), 0); /* known, and nothing is left of it */
    assert_int_equal(delete.ended.count, 0);
    qos_delete_release(&delete);
}

static void a_filter_deletes_in_slices(void **state)
{
    struct job_room *room = *state;
    const struct qos_filter filter = {.user_id = "anna"};
    struct qos_delete delete = {.filter = &filter, .limit = 2, .now = room->now};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_USER, "bert", NULL);
    room_put_for(room, "o", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "p", SSE_BY_TENANT, "anna", NULL);
    qos_delete_init(&delete);
    assert_int_equal(delete.job.weight, 2);
    assert_int_equal(room_run(room, &delete.job), 0);
    assert_copies(&delete.ended, "m:anna=deleted");
    assert_false(delete.is_all);
    qos_delete_release(&delete);
    assert_int_equal(room_run(room, &delete.job), 0); /* goes on where it was */
    assert_copies(&delete.ended, "o:anna=deleted");
    assert_true(delete.is_all);
    qos_delete_release(&delete);
    assert_stored(room, "m:bert=stored n:bert=stored p:anna=stored");
}

static struct qos_sweep sweep_of(int64_t now, size_t limit)
{
    return (struct qos_sweep){
        .now = now, .limit = limit, .remember_ms = REMEMBER_MS, .remembered_most = 100};
}

static void assert_sweeps(struct job_room *room, struct qos_sweep sweep, const char *expired,
                          size_t forgotten, bool is_all)
{
    qos_sweep_init(&sweep);
    assert_int_equal(room_run(room, &sweep.job), 0);
    assert_copies(&sweep.ended, expired);
    assert_int_equal(sweep.forgotten, forgotten);
    assert_int_equal(sweep.is_all, is_all);
    qos_sweep_release(&sweep);
}

/* Messages live for 1000 ms in this room. */
static void what_has_outlived_its_time_expires(void **state)
{
    struct job_room *room = *state;

    room->now = 1000;
    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room->now = 1500;
    room_put_for(room, "n", SSE_BY_USER, "anna", NULL);
    assert_sweeps(room, sweep_of(1999, 10), "", 0, true);
    assert_sweeps(room, sweep_of(2000, 10), "m:anna=expired m:bert=expired", 0, true);
    assert_stored(room, "n:anna=stored");
    assert_sweeps(room, sweep_of(2500, 10), "n:anna=expired", 0, true);
}

static void what_has_ended_is_forgotten_later(void **state)
{
    struct job_room *room = *state;
    struct qos_message message;

    room_put_for(room, "m", SSE_BY_USER, "anna", NULL);
    assert_sweeps(room, sweep_of(2000, 10), "m:anna=expired", 0, true);
    assert_sweeps(room, sweep_of(2000 + REMEMBER_MS, 10), "", 0, true);
    assert_int_equal(room->ops.find(room->repository, "m", &message), 0);
    assert_sweeps(room, sweep_of(2001 + REMEMBER_MS, 10), "", 1, true);
    assert_int_equal(room->ops.find(room->repository, "m", &message), -ENOENT);
}

static void only_so_many_are_remembered(void **state)
{
    struct job_room *room = *state;
    struct qos_sweep sweep = sweep_of(2000, 10);

    sweep.remembered_most = 2;
    room_put_for(room, "m", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "o", SSE_BY_USER, "anna", NULL);
    assert_sweeps(room, sweep, "m:anna=expired n:anna=expired o:anna=expired", 1, true);
}

static void a_sweep_has_a_limit_for_both(void **state)
{
    struct job_room *room = *state;
    struct qos_sweep sweep = sweep_of(2000, 2);

    sweep.remembered_most = 0;
    room_put_for(room, "m", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "o", SSE_BY_USER, "anna", NULL);
    assert_sweeps(room, sweep, "m:anna=expired n:anna=expired", 0, false);
    assert_sweeps(room, sweep, "o:anna=expired", 1, false);
    assert_sweeps(room, sweep, "", 2, false);
    assert_sweeps(room, sweep, "", 0, true);
}

static void end_for_anna(struct job_room *room, const char *id)
{
    struct qos_mark mark = {
        .number = room_number(room, id), .state = QOS_ACKNOWLEDGED, .now = 1500};

    qos_mark_init(&mark, &anna);
    assert_int_equal(room_run(room, &mark.job), 0);
    qos_mark_release(&mark);
}

static void a_transaction_forgets_what_it_ends_too_many(void **state)
{
    struct job_room *room = *state;
    struct qos_sweep sweep = sweep_of(1500, 10);
    const struct qos_totals *totals = &room->repository->totals;
    static const char *const ids[] = {"m", "n", "o", "p", "q"};

    for (size_t i = 0; i < 5; i++) {
        room_put_for(room, ids[i], SSE_BY_USER, "anna", NULL);
        end_for_anna(room, ids[i]);
    }
    /* Nobody has said yet how many are remembered. */
    qos_forget_surplus(room->repository, 0);
    assert_int_equal(totals->ended, 5);
    sweep.limit = 2;
    sweep.remembered_most = 1;
    assert_sweeps(room, sweep, "", 2, false);
    /* One that has ended none leaves it to the sweeps; others do twice what they have ended. */
    qos_forget_surplus(room->repository, 3);
    assert_int_equal(totals->ended, 3);
    room_put_for(room, "r", SSE_BY_USER, "anna", NULL);
    end_for_anna(room, "r");
    qos_forget_surplus(room->repository, 3);
    assert_int_equal(totals->ended, 2);
    room_put_for(room, "s", SSE_BY_USER, "anna", NULL);
    end_for_anna(room, "s");
    qos_forget_surplus(room->repository, 2);
    assert_int_equal(totals->ended, 1);
    assert_true(room_number(room, "s") > 0);
    /* And what is too old, by the time of the last sweep. */
    room->now = 1501 + REMEMBER_MS;
    sweep = sweep_of(room->now, 10);
    room_put_for(room, "t", SSE_BY_USER, "anna", NULL);
    assert_sweeps(room, sweep, "", 1, true);
    end_for_anna(room, "t");
    qos_forget_surplus(room->repository, 0);
    assert_int_equal(totals->ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(a_mark_notes_how_often_a_copy_was_written),
        ROOM_TEST(a_mark_ends_a_copy),
        ROOM_TEST(what_is_not_stored_cannot_be_marked),
        ROOM_TEST(a_message_is_deleted_by_its_id),
        ROOM_TEST(a_filter_deletes_in_slices),
        ROOM_TEST(what_has_outlived_its_time_expires),
        ROOM_TEST(what_has_ended_is_forgotten_later),
        ROOM_TEST(only_so_many_are_remembered),
        ROOM_TEST(a_sweep_has_a_limit_for_both),
        ROOM_TEST(a_transaction_forgets_what_it_ends_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
