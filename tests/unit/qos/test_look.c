/* SPDX-License-Identifier: Apache-2.0 */
#include "job_room.h"
#include "qos/look.h"

static const struct qos_filter everything;

/* Reads the next of anna's queue, from where the last one was. */
static void assert_read(struct job_room *room, uint64_t after, size_t limit, const char *expected,
                        bool is_all)
{
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    struct qos_read read = {.after = after, .limit = limit};

    qos_read_init(&read, &anna);
    assert_int_equal(room_run(room, &read.job), 0);
    assert_copies(&read.copies, expected);
    assert_int_equal(read.is_all, is_all);
    qos_read_release(&read);
}

static void a_queue_is_read_in_order(void **state)
{
    struct job_room *room = *state;

    room->json = READABLE;
    assert_read(room, 0, 2, "", true);
    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", (char *)"chat");
    room_put_for(room, "o", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "p", SSE_BY_USER, "anna", NULL);
    assert_read(room, 0, 2, "m:anna=stored o:anna=stored", false);
    assert_read(room, 0, 3, "m:anna=stored o:anna=stored p:anna=stored", true);
    assert_read(room, room_number(room, "m"), 2, "o:anna=stored p:anna=stored", true);
    assert_read(room, room_number(room, "p"), 2, "", true);
}

static void queues_show_their_first_copies(void **state)
{
    struct job_room *room = *state;
    const struct qos_recipient recipients[] = {
        {SSE_BY_USER, "bert", "chat"},
        {SSE_BY_USER, "anna", ""},
        {SSE_BY_USER, "nobody", NULL},
        {SSE_BY_TENANT, "acme", NULL},
    };
    struct qos_queues queues = {.recipients = recipients, .count = 4};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna,bert", (char *)"chat");
    room_put_for(room, "o", SSE_BY_USER, "anna,bert", (char *)"chat");
    room_put_for(room, "p", SSE_BY_TENANT, "acme", (char *)"chat");
    qos_queues_init(&queues);
    assert_int_equal(room_run(room, &queues.job), 0);
    assert_copies(&queues.copies, "n:bert=stored m:anna=stored p:acme=stored");
    qos_queues_release(&queues);
}

static void without_a_listening_all_queues_of_a_value_are_shown(void **state)
{
    struct job_room *room = *state;
    const struct qos_recipient anna = {SSE_BY_USER, "anna", NULL};
    struct qos_queues queues = {.recipients = &anna, .count = 1};

    room_put_for(room, "m", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", (char *)"chat");
    qos_queues_init(&queues);
    assert_int_equal(room_run(room, &queues.job), 0);
    assert_int_equal(queues.copies.count, 2);
    qos_queues_release(&queues);
}

static void all_copies_of_a_message_are_inspected(void **state)
{
    struct job_room *room = *state;
    const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};
    struct qos_inspect inspect = {.id = "m"};

    qos_inspect_init(&inspect);
    assert_int_equal(room_run(room, &inspect.job), -ENOENT);
    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    assert_int_equal(room->ops.end(room->repository, room_number(room, "m"), &anna,
                                   QOS_ACKNOWLEDGED, room->now, 1),
                     0);
    assert_int_equal(room_run(room, &inspect.job), 0);
    assert_copies(&inspect.copies, "m:anna=acknowledged m:bert=stored");
    qos_inspect_release(&inspect);
}

static void run_list(struct job_room *room, struct qos_list *list)
{
    qos_list_init(list);
    assert_int_equal(room_run(room, &list->job), 0);
}

static void a_list_is_made_in_slices(void **state)
{
    struct job_room *room = *state;
    struct qos_list list = {.filter = &everything, .limit = 2, .most = 100};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_TENANT, "acme", NULL);
    room_put_for(room, "o", SSE_ALL, "", NULL);
    run_list(room, &list);
    assert_copies(&list.copies, "m:anna=stored m:bert=stored n:acme=stored");
    assert_int_equal(list.passed, 3);
    assert_false(list.is_all);
    assert_int_equal(list.after, room_number(room, "n"));
    qos_list_release(&list);
    list = (struct qos_list){
        .filter = &everything, .after = room_number(room, "n"), .limit = 2, .most = 100};
    run_list(room, &list);
    assert_copies(&list.copies, "o:=stored");
    assert_true(list.is_all);
    qos_list_release(&list);
}

static void the_end_of_a_slice_may_be_the_end_of_all(void **state)
{
    struct job_room *room = *state;
    struct qos_list list = {.filter = &everything, .limit = 1, .most = 100};

    run_list(room, &list);
    assert_true(list.is_all);
    assert_int_equal(list.after, 0);
    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    run_list(room, &list);
    assert_true(list.is_all);
    assert_int_equal(list.passed, 2);
    qos_list_release(&list);
}

static void a_page_of_a_list_counts_the_rest(void **state)
{
    struct job_room *room = *state;
    struct qos_list list = {.filter = &everything, .limit = 10, .skip = 1, .most = 2};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna,bert,carl", NULL);
    run_list(room, &list);
    assert_copies(&list.copies, "m:bert=stored n:anna=stored");
    assert_int_equal(list.passed, 5);
    qos_list_release(&list);
}

static void a_filter_counts_only_what_passes(void **state)
{
    struct job_room *room = *state;
    const struct qos_filter bert = {.user_id = "bert"};
    struct qos_list list = {.filter = &bert, .limit = 3, .skip = 1, .most = 10};

    room_put_for(room, "m", SSE_BY_USER, "anna,bert", NULL);
    room_put_for(room, "n", SSE_BY_USER, "anna", NULL);
    room_put_for(room, "o", SSE_BY_USER, "bert", NULL);
    room_put_for(room, "p", SSE_BY_USER, "bert", NULL);
    run_list(room, &list);
    assert_copies(&list.copies, "o:bert=stored");
    assert_int_equal(list.passed, 2);
    assert_false(list.is_all);
    qos_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(a_queue_is_read_in_order),
        ROOM_TEST(queues_show_their_first_copies),
        ROOM_TEST(without_a_listening_all_queues_of_a_value_are_shown),
        ROOM_TEST(all_copies_of_a_message_are_inspected),
        ROOM_TEST(a_list_is_made_in_slices),
        ROOM_TEST(the_end_of_a_slice_may_be_the_end_of_all),
        ROOM_TEST(a_page_of_a_list_counts_the_rest),
        ROOM_TEST(a_filter_counts_only_what_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
