/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl is loaded when a request is made, and not before. */
#include <sys/resource.h>

#include "base/file.h"
#include "base/thread_pool.h"
#include "http_env.h"
#include "outbound/libcurl.h"

/* No file can be opened any more: libcurl's cannot. The limit of before. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max}), 0);
    return before;
}

static void assert_not_loaded(struct outcome *outcome)
{
    assert_int_equal(outcome->runs, 1);
    assert_int_equal(outcome->error, -EIO);
    assert_string_equal(outcome->reason, "libcurl cannot be loaded");
    assert_false(libcurl_is_loaded());
}

static void is_not_loaded_by_settings(void **state)
{
    (void)state;
    outbound_http_change(http, &usual);
    open_http(&usual);
    assert_false(libcurl_is_loaded());
}

static void requests_fail_where_it_cannot_be_loaded(void **state)
{
    struct outcome outcome = {0};
    struct rlimit before;

    (void)state;
    before = take_descriptors();
    get("/echo", &outcome);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    run_until_done(1);
    assert_not_loaded(&outcome);
}

/* Two wait for the thread that loads, the second one behind the first. */
static void a_thread_loads_it(void **state)
{
    struct thread_pool *pool = thread_pool_new("loads", 1, 10);
    struct pool_client *client = pool_client_new(loop);
    struct outbound_http_settings settings = usual;
    struct outcome outcomes[2] = {{0}, {0}};
    struct rlimit before;

    (void)state;
    settings.files = (struct file_readers){.pool = pool, .client = client};
    open_http(&settings);
    http_server_stop(server); /* without descriptors it would stop to listen */
    before = take_descriptors();
    for (size_t i = 0; i < 2; i++)
        outbound_http_start(http, &(struct outbound_request){.url = "http://localhost/",
                                                             .stream_length = -1,
                                                             .time_limit_ms = PATIENT_MS,
                                                             .done = on_done,
                                                             .context = &outcomes[i]});
    run_until_done(2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    server = http_server_start();
    assert_not_loaded(&outcomes[0]);
    assert_not_loaded(&outcomes[1]);
    memset(outcomes, 0, sizeof(outcomes));

    get("/echo", &outcomes[0]);
    get("/echo", &outcomes[1]);
    assert_int_equal(outbound_http_counters(http)->waiting, 2);
    run_until_done(2);
    assert_true(libcurl_is_loaded());
    assert_int_equal(outcomes[0].status, 200);
    assert_int_equal(outcomes[1].status, 200);
    open_http(&usual);
    assert_true(pool_client_free(client, 10000));
    assert_true(thread_pool_free(pool, 10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_not_loaded_by_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_fail_where_it_cannot_be_loaded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_loads_it, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
