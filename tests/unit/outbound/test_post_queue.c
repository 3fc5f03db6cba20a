/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "outbound/posts.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define RETRY_MS  3600000u
#define WAIT_MS   60000u /* the longest wait between two attempts */
#define MOST_SENT 64u

struct fixture {
    struct loop *loop;
    struct post_queue *queue;
    struct post *sending[MOST_SENT]; /* and not answered yet, in order */
    size_t count;
    char said[2048]; /* "a1 b1 " as they are sent, "!a1:0:404 " as they are lost */
    bool is_closed;
};

static void say(struct fixture *fixture, const char *text)
{
    const size_t used = strlen(fixture->said);

    snprintf(fixture->said + used, sizeof(fixture->said) - used, "%s ", text);
}

static bool on_send(void *context, struct post *post)
{
    struct fixture *fixture = context;

    if (fixture->is_closed)
        return false;
    assert_true(fixture->count < MOST_SENT);
    fixture->sending[fixture->count++] = post;
    say(fixture, post->id);
    return true;
}

static void on_lost(void *context, const struct post *post, enum post_loss loss, int status)
{
    char text[64];

    snprintf(text, sizeof(text), "!%s:%d:%d", post->id, (int)loss, status);
    say(context, text);
}

static void open_fixture(struct fixture *fixture, uint32_t most, uint32_t in_flight)
{
    const struct post_queue_settings settings = {
        .most = most, .most_bytes = 1000, .in_flight = in_flight, .retry_ms = RETRY_MS};
    const struct post_sender sender = {on_send, on_lost, fixture};

    *fixture = (struct fixture){.loop = loop_new()};
    fixture->queue = post_queue_new(fixture->loop, &settings, &sender);
}

static void close_fixture(struct fixture *fixture)
{
    post_queue_free(fixture->queue);
    loop_free(fixture->loop);
}

/* "a1": the user is a. */
static void push(struct fixture *fixture, const char *id)
{
    const char user_id[2] = {id[0], '\0'};
    struct bytes *json = bytes_new(id, strlen(id));

    post_queue_push(fixture->queue, user_id, id, &(struct post_target){"", ""}, json);
    bytes_unref(json);
}

static void answer_with(struct fixture *fixture, const char *id, int status, int64_t retry_after_s)
{
    const struct post_answer answer = {.status = status, .retry_after_s = retry_after_s};

    for (size_t i = 0; i < fixture->count; i++) {
        struct post *post = fixture->sending[i];

        if (strcmp(post->id, id) != 0)
            continue;
        fixture->count--;
        memmove(&fixture->sending[i], &fixture->sending[i + 1],
                (fixture->count - i) * sizeof(fixture->sending[0]));
        post_queue_answered(post, &answer);
        return;
    }
    fail_msg("%s is not being sent", id);
}

static void answer(struct fixture *fixture, const char *id, int status)
{
    answer_with(fixture, id, status, 0);
}

static void expect(struct fixture *fixture, const char *said)
{
    assert_string_equal(fixture->said, said);
    fixture->said[0] = '\0';
}

static void test_in_order_for_each_user(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    push(&fixture, "a2");
    push(&fixture, "b1");
    push(&fixture, "a3");
    expect(&fixture, "a1 b1 ");
    answer(&fixture, "b1", 200);
    expect(&fixture, "");
    answer(&fixture, "a1", 204);
    expect(&fixture, "a2 ");
    answer(&fixture, "a2", 299);
    answer(&fixture, "a3", 200);
    assert_int_equal(post_queue_count(fixture.queue), 0);
    assert_int_equal(post_queue_bytes(fixture.queue), 0);
    assert_int_equal(post_queue_counters(fixture.queue)->sent, 4);
    push(&fixture, "a4");
    expect(&fixture, "a3 a4 ");
    answer(&fixture, "a4", 200);
    close_fixture(&fixture);
}

static void test_so_many_users_at_a_time(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 2);
    push(&fixture, "a1");
    push(&fixture, "b1");
    push(&fixture, "c1");
    push(&fixture, "a2");
    expect(&fixture, "a1 b1 ");
    answer(&fixture, "a1", 200);
    expect(&fixture, "c1 ");
    answer(&fixture, "b1", 200);
    expect(&fixture, "a2 ");
    close_fixture(&fixture);
}

/* What ails one post holds up its user, and nobody else. */
static void test_one_that_fails_is_sent_again(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    push(&fixture, "a2");
    answer(&fixture, "a1", 500);
    push(&fixture, "b1");
    expect(&fixture, "a1 b1 ");
    fake_loop_advance(fixture.loop, 249);
    expect(&fixture, "");
    fake_loop_advance(fixture.loop, 251);
    expect(&fixture, "a1 ");
    answer(&fixture, "a1", 408);
    fake_loop_advance(fixture.loop, 499);
    expect(&fixture, "");
    fake_loop_advance(fixture.loop, 501);
    expect(&fixture, "a1 ");
    answer(&fixture, "a1", 200);
    expect(&fixture, "a2 ");
    assert_int_equal(post_queue_counters(fixture.queue)->failed, 2);
    assert_int_equal(post_queue_counters(fixture.queue)->retried, 2);
    close_fixture(&fixture);
}

static void test_one_that_is_refused_is_lost(void **state)
{
    static const int statuses[] = {301, 400, 403, 404, 410, 422};
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    push(&fixture, "a2");
    answer(&fixture, "a1", 404);
    expect(&fixture, "a1 !a1:1:404 a2 ");
    answer(&fixture, "a2", 200);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        push(&fixture, "a3");
        answer(&fixture, "a3", statuses[i]);
        assert_int_equal(post_queue_count(fixture.queue), 0);
    }
    close_fixture(&fixture);
}

/* One asks whether it is back, a different one each time; then all follow. */
static void test_a_target_that_is_down(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    push(&fixture, "b1");
    answer(&fixture, "a1", 0);
    answer(&fixture, "b1", 0); /* was under way: no news */
    push(&fixture, "c1");
    push(&fixture, "a2");
    push(&fixture, "d1");
    expect(&fixture, "a1 b1 ");
    fake_loop_advance(fixture.loop, 500);
    expect(&fixture, "c1 ");
    fake_loop_advance(fixture.loop, WAIT_MS);
    expect(&fixture, "");
    answer(&fixture, "c1", 503);
    fake_loop_advance(fixture.loop, 1000);
    expect(&fixture, "d1 ");
    answer(&fixture, "d1", 200);
    assert_int_equal(fixture.count, 3);
    fixture.said[0] = '\0';
    answer(&fixture, "b1", 200);
    answer(&fixture, "c1", 200);
    answer(&fixture, "a1", 200);
    expect(&fixture, "a2 ");
    close_fixture(&fixture);
}

static void test_the_waits_grow_to_a_minute(void **state)
{
    struct fixture fixture;
    uint64_t longest = 0;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    for (unsigned i = 0; i < 20; i++) {
        const uint64_t failed_at = loop_now_ms(fixture.loop);
        const uint64_t most = i < 7 ? (uint64_t)500 << i : WAIT_MS;

        answer(&fixture, "a1", 0);
        while (fixture.count == 0)
            fake_loop_advance(fixture.loop, 10);
        longest = loop_now_ms(fixture.loop) - failed_at;
        assert_in_range(longest, most / 2, most + 10);
    }
    close_fixture(&fixture);
}

static void test_retry_after(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    answer_with(&fixture, "a1", 429, 100);
    push(&fixture, "b1");
    expect(&fixture, "a1 ");
    fake_loop_advance(fixture.loop, 99999);
    expect(&fixture, "");
    fake_loop_advance(fixture.loop, 1);
    assert_int_equal(fixture.count, 1);
    /* Longer than anything is tried makes no sense. */
    answer_with(&fixture, fixture.sending[0]->id, 429, INT64_MAX / 1000);
    fixture.said[0] = '\0';
    fake_loop_advance(fixture.loop, RETRY_MS);
    assert_int_equal(fixture.count, 1);
    close_fixture(&fixture);
}

static void test_given_up_when_too_old(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    fake_loop_advance(fixture.loop, RETRY_MS - 1);
    push(&fixture, "a2");
    answer(&fixture, "a1", 500);
    fake_loop_advance(fixture.loop, 500);
    expect(&fixture, "a1 a1 ");
    assert_int_equal(post_queue_age_ms(fixture.queue), RETRY_MS + 499);
    answer(&fixture, "a1", 500);
    expect(&fixture, "!a1:2:500 a2 ");
    close_fixture(&fixture);
}

/* The oldest goes, but for those that are being sent. */
static void test_the_bounds(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 4, 1);
    push(&fixture, "a1");
    push(&fixture, "a2");
    push(&fixture, "b1");
    push(&fixture, "c1");
    push(&fixture, "c2");
    expect(&fixture, "a1 !a2:0:0 ");
    push(&fixture, "c3");
    expect(&fixture, "!b1:0:0 ");
    answer(&fixture, "a1", 200);
    expect(&fixture, "c1 ");
    answer(&fixture, "c1", 200);
    answer(&fixture, "c2", 200);
    answer(&fixture, "c3", 200);
    expect(&fixture, "c2 c3 ");
    assert_int_equal(post_queue_counters(fixture.queue)->lost[POST_DROPPED], 2);
    close_fixture(&fixture);
}

static void test_the_bound_of_bytes(void **state)
{
    struct fixture fixture;
    char id[400];

    (void)state;
    open_fixture(&fixture, 100, 1);
    for (char user = 'a'; user < 'f'; user++) {
        memset(id, user, sizeof(id) - 1);
        id[sizeof(id) - 1] = '\0';
        push(&fixture, id);
        assert_true(post_queue_bytes(fixture.queue) <= 1000);
    }
    assert_int_equal(post_queue_count(fixture.queue), 2);
    assert_int_equal(post_queue_counters(fixture.queue)->lost[POST_DROPPED], 3);
    close_fixture(&fixture);
}

/* At the end, all that waits goes out at once, and once. */
static void test_hurrying(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    push(&fixture, "a2");
    answer(&fixture, "a1", 0);
    push(&fixture, "b1");
    expect(&fixture, "a1 ");
    post_queue_hurry(fixture.queue);
    expect(&fixture, "b1 a1 ");
    answer(&fixture, "a1", 503);
    expect(&fixture, "!a1:3:503 a2 ");
    answer(&fixture, "a2", 200);
    answer(&fixture, "b1", 0);
    expect(&fixture, "!b1:3:0 ");
    push(&fixture, "c1");
    answer(&fixture, "c1", 200);
    assert_int_equal(post_queue_count(fixture.queue), 0);
    close_fixture(&fixture);
}

static void test_a_sender_that_can_send_no_more(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 16);
    push(&fixture, "a1");
    fixture.is_closed = true;
    push(&fixture, "a2");
    push(&fixture, "b1");
    answer(&fixture, "a1", 0);
    fake_loop_advance(fixture.loop, WAIT_MS);
    expect(&fixture, "a1 ");
    assert_int_equal(post_queue_count(fixture.queue), 3);
    close_fixture(&fixture);
}

/* Whatever happens, each user's are accepted in the order in which they came. */
static void test_any_order_of_events(void **state)
{
    static const int statuses[] = {200, 200, 0, 500, 503, 429, 408};
    uint32_t seed = 1;
    char next[4] = {'1', '1', '1', '1'};
    char pushed[4] = {'1', '1', '1', '1'};
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 1000, 3);
    for (unsigned turn = 0; turn < 20000; turn++) {
        seed = seed * 1664525u + 1013904223u;
        const unsigned dice = seed >> 16;

        if (dice % 3 == 0 && pushed[dice / 3 % 4] < 'z') {
            const char id[3] = {(char)('a' + dice / 3 % 4), pushed[dice / 3 % 4]++, '\0'};

            push(&fixture, id);
        } else if (dice % 3 == 1 && fixture.count > 0) {
            const char *sent = fixture.sending[dice / 3 % fixture.count]->id;
            const char id[3] = {sent[0], sent[1], '\0'};
            const int status = statuses[dice / 16 % (sizeof(statuses) / sizeof(statuses[0]))];

            if (status == 200)
                assert_int_equal(id[1], next[id[0] - 'a']++);
            answer(&fixture, id, status);
        } else {
            fake_loop_advance(fixture.loop, dice % 1000);
        }
        assert_true(fixture.count <= 3);
        fixture.said[0] = '\0';
    }
    assert_true(next[0] > 'A');
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_for_each_user),
        cmocka_unit_test(test_so_many_users_at_a_time),
        cmocka_unit_test(test_one_that_fails_is_sent_again),
        cmocka_unit_test(test_one_that_is_refused_is_lost),
        cmocka_unit_test(test_a_target_that_is_down),
        cmocka_unit_test(test_the_waits_grow_to_a_minute),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_given_up_when_too_old),
        cmocka_unit_test(test_the_bounds),
        cmocka_unit_test(test_the_bound_of_bytes),
        cmocka_unit_test(test_hurrying),
        cmocka_unit_test(test_a_sender_that_can_send_no_more),
        cmocka_unit_test(test_any_order_of_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
