/* SPDX-License-Identifier: Apache-2.0 */
#include <ev.h>
#include <string.h>

#include "api/qos/qos_posts.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "outbound/http.h"
#include "support/test.h"

#define NOBODY_THERE "http://127.0.0.1:1/"

struct fixture {
    struct loop *loop;
    struct outbound_http *http;
    struct qos_posts *posts;
    struct bytes *json;
};

static void begin(struct fixture *fixture, uint32_t most)
{
    const struct outbound_http_settings http = {.in_flight = 4, .waiting = 4, .connect_ms = 1000};

    fixture->loop = loop_new();
    fixture->http = outbound_http_new(fixture->loop, &http);
    fixture->posts = qos_posts_new(&(struct qos_posts_settings){
        .loop = fixture->loop, .http = fixture->http, .secret = "", .most = most});
    fixture->json = bytes_new("{}", strlen("{}"));
}

static void end(struct fixture *fixture)
{
    qos_posts_free(fixture->posts);
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
        qos_posts_add(fixture.posts, NOBODY_THERE, fixture.json);
    assert_int_equal(qos_posts_count(fixture.posts), 20);
    assert_int_equal(qos_posts_counters(fixture.posts)->dropped, 5);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 8); /* at a time */
    end(&fixture);
}

static void none_is_sent_where_none_may_wait(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 0);
    qos_posts_add(fixture.posts, NOBODY_THERE, fixture.json);
    assert_int_equal(qos_posts_counters(fixture.posts)->dropped, 1);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 0);
    end(&fixture);
}

static void a_stop_tries_each_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 20);
    for (size_t i = 0; i < 12; i++)
        qos_posts_add(fixture.posts, NOBODY_THERE, fixture.json);
    qos_posts_hurry(fixture.posts);
    while (qos_posts_count(fixture.posts) > 0)
        ev_run(loop_ev(fixture.loop), EVRUN_ONCE);
    assert_int_equal(qos_posts_counters(fixture.posts)->failed, 12);
    assert_int_equal(outbound_http_counters(fixture.http)->requests, 12);
    qos_posts_add(fixture.posts, NOBODY_THERE, fixture.json); /* comes behind that */
    while (qos_posts_count(fixture.posts) > 0)
        ev_run(loop_ev(fixture.loop), EVRUN_ONCE);
    assert_int_equal(qos_posts_counters(fixture.posts)->failed, 13);
    end(&fixture);
}

static int prepare(void **state)
{
    (void)state;
    return outbound_http_prepare();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_much_is_dropped),
        cmocka_unit_test(none_is_sent_where_none_may_wait),
        cmocka_unit_test(a_stop_tries_each_once),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
