/* SPDX-License-Identifier: Apache-2.0 */
#include <ev.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/loop.h"
#include "outbound/http.h"
#include "outbound/posts.h"
#include "support/test.h"

#define NOBODY_THERE "http://127.0.0.1:1/"

struct fixture {
    struct loop *loop;
    struct outbound_http *http;
    struct posts *posts;
    struct bytes *json;
    size_t added;
};

static void begin(struct fixture *fixture, uint32_t most)
{
    const struct outbound_http_settings http = {.in_flight = 4, .waiting = 4, .connect_ms = 1000};

    fixture->added = 0;
    fixture->loop = loop_new();
    fixture->http = outbound_http_new(fixture->loop, &http);
    fixture->posts =
        posts_new(fixture->loop, fixture->http,
                  &(struct posts_settings){
                      .webhook = {.secret = "", .time_limit_ms = 10000},
                      .queue = {.most = most, .most_bytes = SIZE_MAX, .in_flight = 8, .tries = 3},
                      .purpose = OUTBOUND_RECEIPT});
    fixture->json = bytes_new("{}", strlen("{}"));
}

static void add(struct fixture *fixture)
{
    char id[16];

    snprintf(id, sizeof(id), "%zu", fixture->added++);
    posts_add_to(fixture->posts, &(struct post_target){NOBODY_THERE, ""}, id, fixture->json);
}

static uint64_t lost(const struct fixture *fixture, enum post_loss loss)
{
    return post_queue_counters(posts_queue(fixture->posts))->lost[loss];
}

static size_t count(const struct fixture *fixture)
{
    return post_queue_count(posts_queue(fixture->posts));
}

static void end(struct fixture *fixture)
{
    posts_free(fixture->posts);
    outbound_http_free(fixture->http);
    bytes_unref(fixture->json);
    loop_free(fixture->loop);
}

static void what_is_too_much_is_dropped(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 20);
    for (size_t i = 0; i < 25; i++)
        add(&fixture);
    assert_int_equal(count(&fixture), 20);
    assert_int_equal(lost(&fixture, POST_DROPPED), 5);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 8); /* at a time */
    end(&fixture);
}

static void none_is_sent_where_none_may_wait(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 0);
    add(&fixture);
    assert_int_equal(lost(&fixture, POST_DROPPED), 1);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 0);
    end(&fixture);
}

static void a_stop_tries_each_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 20);
    for (size_t i = 0; i < 12; i++)
        add(&fixture);
    post_queue_hurry(posts_queue(fixture.posts));
    while (count(&fixture) > 0)
        ev_run(loop_ev(fixture.loop), EVRUN_NOWAIT);
    assert_int_equal(lost(&fixture, POST_LAST), 12);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 12);
    add(&fixture); /* comes behind that */
    while (count(&fixture) > 0)
        ev_run(loop_ev(fixture.loop), EVRUN_NOWAIT);
    assert_int_equal(lost(&fixture, POST_LAST), 13);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_much_is_dropped),
        cmocka_unit_test(none_is_sent_where_none_may_wait),
        cmocka_unit_test(a_stop_tries_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
