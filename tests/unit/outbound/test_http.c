/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_env.h"

static const struct outbound_http_counters *counters(void)
{
    return outbound_http_counters(http);
}

/* How many of this purpose were timed. */
static uint64_t timed(enum outbound_purpose purpose)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        count += counters()->durations[purpose].counts[i];
    return count;
}

static void test_get(void **state)
{
    struct outcome outcome = {0};
    char *head;

    (void)state;
    get("/echo?a=1", &outcome);
    assert_int_equal(outcome.runs, 0);
    run_until_done(1);
    assert_int_equal(outcome.runs, 1);
    assert_int_equal(outcome.error, 0);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(outcome.retry_after_s, 0);
    assert_string_equal(outcome.content_type, "text/plain");
    assert_int_equal(outcome.body.length, 0);
    head = http_server_latest_head(server);
    assert_non_null(strstr(head, "GET /echo?a=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "\r\nUser-Agent: sse-server/test"));
    free(head);
    assert_int_equal(counters()->requests, 1);
    assert_int_equal(counters()->answered, 1);
    assert_int_equal(timed(OUTBOUND_HANDLER), 1);
    assert_int_equal(counters()->connections, 1);
    assert_int_equal(counters()->in_flight, 0);
}

static void post(const char *method, struct bytes *body, struct outcome *outcome)
{
    const struct outbound_field fields[] = {
        {"content-type", "application/json"}, {"x-empty", ""}, {"x-tab", "a\tb"}};
    struct outbound_request request = request_to(http_server_url(server, "/echo"), outcome);

    request.purpose = OUTBOUND_KEYS;
    request.method = method;
    request.body = body;
    request.fields = fields;
    request.field_count = sizeof(fields) / sizeof(fields[0]);
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome->status, 200);
}

static void test_body_and_fields(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE"};
    struct bytes *body = bytes_new("{\"a\":\0}", 7);

    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct outcome outcome = {0};
        char *head;

        post(methods[i], body, &outcome);
        assert_int_equal(outcome.body.length, 7);
        assert_memory_equal(outcome.body.data, "{\"a\":\0}", 7);
        head = http_server_latest_head(server);
        assert_int_equal(strncmp(head, methods[i], strlen(methods[i])), 0);
        assert_non_null(strcasestr(head, "\r\ncontent-type: application/json"));
        assert_non_null(strcasestr(head, "\r\nx-empty:"));
        assert_non_null(strcasestr(head, "\r\nx-tab: a\tb"));
        assert_null(strcasestr(head, "\r\nexpect:"));
        free(head);
        buf_release(&outcome.body);
    }
    assert_int_equal(timed(OUTBOUND_KEYS), 3);
    assert_int_equal(timed(OUTBOUND_HANDLER), 0);
    assert_int_equal(atomic_load(&body->refs), 1);
    bytes_unref(body);
}

/* A body without a type has none; nor does libcurl wait for "100 Continue" where it is large. */
static void test_large_body(void **state)
{
    struct outcome outcome = {0};
    struct outbound_request request = request_to(http_server_url(server, "/echo"), &outcome);
    char *text = mem_zalloc(2000000);
    char *head;

    (void)state;
    request.method = "POST";
    request.body = bytes_new(text, 2000000);
    outbound_http_start(http, &request);
    bytes_unref(request.body);
    run_until_done(1);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(outcome.body.length, 2000000);
    assert_memory_equal(outcome.body.data, text, 2000000);
    head = http_server_latest_head(server);
    assert_null(strcasestr(head, "\r\nexpect:"));
    assert_null(strcasestr(head, "\r\ncontent-type:"));
    free(head);
    free(text);
    buf_release(&outcome.body);
}

static void test_retry_after(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    get("/busy", &outcome);
    run_until_done(1);
    assert_int_equal(outcome.error, 0);
    assert_int_equal(outcome.status, 503);
    assert_int_equal(outcome.retry_after_s, 7);
}

static void test_too_slow(void **state)
{
    struct outcome outcome = {0};
    struct outbound_request request = request_to(http_server_url(server, "/silent"), &outcome);

    (void)state;
    request.time_limit_ms = 50;
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome.error, -ETIMEDOUT);
    assert_true(outcome.reason[0] != '\0');
    assert_int_equal(outcome.status, 0);
    assert_int_equal(counters()->timeouts, 1);
    assert_int_equal(timed(OUTBOUND_HANDLER), 1); /* the slowest are not left out */
    assert_int_equal(counters()->in_flight, 0);
}

static struct outbound_request hasty;

static void start_and_block(struct loop_task *task)
{
    const struct timespec block = {.tv_nsec = 900000000};

    (void)task;
    outbound_http_start(http, &hasty);
    (void)nanosleep(&block, NULL);
}

/* It was we who did nothing for longer than the limit. */
static void test_slow_because_of_us(void **state)
{
    struct outcome outcome = {0};
    struct loop_task task = {.run = start_and_block};

    (void)state;
    hasty = request_to(http_server_url(server, "/echo"), &outcome);
    hasty.time_limit_ms = 600;
    loop_defer(loop, &task);
    run_until_done(1);
    assert_int_equal(outcome.error, 0);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(counters()->timeouts, 0);
}

/* The limit goes on while a call waits for its turn. */
static void test_too_slow_in_the_queue(void **state)
{
    struct outbound_http_settings settings = usual;
    struct outcome first = {0};
    struct outcome second = {0};
    struct outbound_request request;

    (void)state;
    settings.in_flight = 1;
    open_http(&settings);
    struct outbound_call *silent = get("/silent", &first);
    request = request_to(http_server_url(server, "/echo"), &second);
    request.time_limit_ms = 50;
    outbound_http_start(http, &request);
    assert_int_equal(counters()->waiting, 1);
    run_until_done(1);
    assert_int_equal(second.error, -ETIMEDOUT);
    assert_int_equal(counters()->waiting, 0);
    outbound_call_cancel(silent);
    assert_int_equal(first.runs, 0);
}

/* A port that was free a moment ago. */
static unsigned closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void test_refused(void **state)
{
    struct outcome outcome = {0};
    struct outbound_request request;
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", closed_port());
    request = request_to(url, &outcome);
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome.error, -ECONNREFUSED);
    assert_int_equal(counters()->unreachable, 1);
    assert_int_equal(timed(OUTBOUND_HANDLER), 0);
}

static void test_broken_answers(void **state)
{
    static const char *const paths[] = {"/broken", "/cut"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct outcome outcome = {0};

        get(paths[i], &outcome);
        run_until_done(1);
        assert_int_equal(outcome.error, -EPROTO);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.body.length, 0);
        assert_int_equal(counters()->broken, i + 1);
    }
}

static void test_too_large(void **state)
{
    struct outcome outcome = {0};
    struct outbound_request request = request_to(http_server_url(server, "/large"), &outcome);

    (void)state;
    request.answer_bytes = 1048575;
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome.error, -EMSGSIZE);
    assert_int_equal(counters()->too_large, 1);

    request = request_to(http_server_url(server, "/large"), &outcome);
    request.answer_bytes = 1048576;
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome.error, 0);
    assert_int_equal(outcome.body.length, 1048576);
    buf_release(&outcome.body);
}

static void test_invalid(void **state)
{
    static const char *const urls[] = {
        "",        "ftp://127.0.0.1/",    "127.0.0.1",   "file:///x",
        "http://", "http://127.0.0.1:x/", "http://a b/", "http://127.0.0.1/\r\nx: y"};
    static const struct outbound_field fields[] = {
        {"x", "a\r\nb: c"}, {"x: y\r\nz", "a"}, {"", "a"}, {"x y", "a"}, {"x", "a\nb"}, {"x;", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct outcome outcome = {0};
        struct outbound_request request = request_to(urls[i], &outcome);

        outbound_http_start(http, &request);
        assert_int_equal(outcome.runs, 0);
        run_until_done(1);
        assert_int_equal(outcome.error, -EINVAL);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct outcome outcome = {0};
        struct outbound_request request = request_to(http_server_url(server, "/echo"), &outcome);

        request.fields = &fields[i];
        request.field_count = 1;
        outbound_http_start(http, &request);
        run_until_done(1);
        assert_int_equal(outcome.error, -EINVAL);
    }
    assert_int_equal(http_server_connections(server), 0);
}

static void test_busy(void **state)
{
    struct outbound_http_settings settings = usual;
    struct outcome outcomes[3] = {{0}};
    struct outbound_call *calls[3];

    (void)state;
    settings.in_flight = 1;
    settings.waiting = 1;
    open_http(&settings);
    for (size_t i = 0; i < 3; i++)
        calls[i] = get(i == 0 ? "/silent" : "/echo", &outcomes[i]);
    assert_int_equal(counters()->in_flight, 1);
    assert_int_equal(counters()->waiting, 1);
    assert_int_equal(outcomes[2].runs, 0);
    run_until_done(1);
    assert_int_equal(outcomes[2].error, -EBUSY);
    assert_int_equal(counters()->refused, 1);

    /* The one that waits is sent when the one before it goes. */
    outbound_call_cancel(calls[0]);
    run_until_done(1);
    assert_int_equal(outcomes[0].runs, 0);
    assert_int_equal(outcomes[1].status, 200);
}

static void test_cancel(void **state)
{
    struct outcome canceled = {0};
    struct outcome other = {0};

    (void)state;
    outbound_call_cancel(NULL);
    outbound_call_cancel(get("/silent", &canceled)); /* at once */
    struct outbound_call *call = get("/silent", &canceled);
    get("/echo", &other);
    run_until_done(1);
    outbound_call_cancel(call); /* when it is under way */
    get("/echo", &other);
    run_until_done(1);
    assert_int_equal(canceled.runs, 0);
    assert_int_equal(counters()->canceled, 2);
    assert_int_equal(counters()->in_flight, 0);
}

static struct outbound_call *doomed;

static void cancel_doomed(void *context, const struct outbound_answer *answer)
{
    assert_int_equal(answer->error, -EINVAL);
    outbound_call_cancel(doomed);
    get("/echo", context);
}

/* A callback may cancel a call whose end is to be told in the same turn, and start others. */
static void test_cancel_and_start_in_a_callback(void **state)
{
    struct outcome never = {0};
    struct outcome outcome = {0};
    struct outbound_request request = request_to("", &outcome);

    (void)state;
    request.done = cancel_doomed;
    outbound_http_start(http, &request);
    request = request_to("", &never);
    doomed = outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(never.runs, 0);
    assert_int_equal(counters()->invalid, 2); /* it had ended */
    assert_int_equal(counters()->canceled, 0);
}

static void test_many(void **state)
{
    static struct outcome outcomes[500];

    (void)state;
    memset(outcomes, 0, sizeof(outcomes));
    for (size_t i = 0; i < 500; i++)
        get("/echo", &outcomes[i]);
    assert_int_equal(counters()->in_flight, 16);
    assert_int_equal(counters()->waiting, 484);
    run_until_done(500);
    for (size_t i = 0; i < 500; i++) {
        assert_int_equal(outcomes[i].runs, 1);
        assert_int_equal(outcomes[i].status, 200);
    }
    assert_true(http_server_connections(server) <= 16);
    assert_int_equal(counters()->connections, http_server_connections(server));
    assert_int_equal(counters()->answered, 500);
}

static void test_connections_per_host(void **state)
{
    struct outbound_http_settings settings = usual;
    static struct outcome outcomes[100];

    (void)state;
    memset(outcomes, 0, sizeof(outcomes));
    settings.host_connections = 2;
    open_http(&settings);
    for (size_t i = 0; i < 100; i++)
        get("/echo", &outcomes[i]);
    run_until_done(100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(outcomes[i].status, 200);
    assert_true(http_server_connections(server) <= 2);
}

static void test_proxy(void **state)
{
    struct outbound_http_settings settings = usual;
    struct outcome outcome = {0};
    struct outbound_request request = request_to("http://back-end.invalid/echo", &outcome);
    char *proxy = mem_strdup(http_server_url(server, ""));
    char *head;

    (void)state;
    settings.proxy = proxy;
    open_http(&settings);
    outbound_http_start(http, &request);
    run_until_done(1);
    head = http_server_latest_head(server);
    assert_non_null(strstr(head, "GET http://back-end.invalid/echo HTTP/1.1"));
    free(head);
    outbound_http_free(http);
    http = NULL;
    free(proxy);
}

/* What a proxy of the environment would be told is not for it. */
static void test_no_proxy_of_the_environment(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    get("/echo", &outcome);
    run_until_done(1);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void start_another(void *context, const struct outbound_answer *answer)
{
    const struct outbound_request request = request_to(http_server_url(server, "/echo"), NULL);
    unsigned *runs = context;

    assert_int_equal(answer->error, -ECANCELED);
    assert_null(outbound_http_start(http, &request));
    ++*runs;
}

static void test_free_while_in_flight(void **state)
{
    struct outbound_http_settings settings = usual;
    struct outbound_request request = request_to(http_server_url(server, "/silent"), NULL);
    unsigned runs = 0;

    (void)state;
    settings.in_flight = 3;
    open_http(&settings);
    request.done = start_another;
    request.context = &runs;
    for (size_t i = 0; i < 10; i++)
        outbound_http_start(http, &request);
    struct outcome outcome = {0};
    request = request_to("", &outcome);
    outbound_http_start(http, &request);
    run_until_done(1);
    outbound_http_free(http);
    http = NULL;
    assert_int_equal(runs, 10);
}

static void test_abandon(void **state)
{
    struct outbound_http_settings settings = usual;
    struct outcome outcomes[4] = {{0}};

    (void)state;
    settings.in_flight = 1;
    open_http(&settings);
    for (size_t i = 0; i < 3; i++)
        get("/silent", &outcomes[i]);
    outbound_http_abandon(http);
    outbound_http_abandon(http);
    get("/echo", &outcomes[3]);
    assert_int_equal(outcomes[0].runs, 0); /* in a turn of the loop, as ever */
    run_until_done(4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(outcomes[i].error, -ECANCELED);
    assert_int_equal(counters()->canceled, 4);
    assert_int_equal(counters()->in_flight + counters()->waiting, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_body_and_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retry_after, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_slow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_because_of_us, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_slow_in_the_queue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_invalid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel_and_start_in_a_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connections_per_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proxy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_proxy_of_the_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_free_while_in_flight, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abandon, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
