/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come in pieces while they are sent. */
#include "http_env.h"

#define LARGE 3000000u

/* Makes the bytes of a body one piece at a time, as the other side takes them. */
struct producer {
    struct outcome outcome; /* first: it is the context of done */
    struct outbound_call *call;
    size_t total;
    size_t piece; /* at the most */
    size_t made;
    size_t env; /* what may be fed before more is taken */
};

static char byte_at(size_t offset)
{
    return (char)(offset * 7 + offset / 251);
}

static void produce(struct producer *producer)
{
    char piece[65536];

    while (producer->made < producer->total && producer->env > 0) {
        size_t length = producer->total - producer->made;

        if (length > producer->piece)
            length = producer->piece;
        if (length > producer->env)
            length = producer->env;
        for (size_t i = 0; i < length; i++)
            piece[i] = byte_at(producer->made + i);
        assert_int_equal(outbound_call_feed(producer->call, piece, length), 0);
        producer->made += length;
        producer->env -= length;
        if (producer->made == producer->total)
            outbound_call_end(producer->call);
    }
}

static void on_taken(void *context, size_t length)
{
    struct producer *producer = context;

    assert_true(length > 0);
    producer->outcome.taken += length;
    producer->env += length;
    produce(producer);
}

static void start(struct producer *producer, const char *path, int64_t length)
{
    struct outbound_request request = request_to(http_server_url(server, path), &producer->outcome);

    request.method = "POST";
    request.is_streamed = true;
    request.stream_length = length;
    request.on_taken = on_taken;
    request.answer_bytes = LARGE;
    producer->call = outbound_http_start(http, &request);
}

static void assert_echoed(struct producer *producer)
{
    struct outcome *outcome = &producer->outcome;

    assert_int_equal(outcome->error, 0);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->body.length, producer->total);
    for (size_t i = 0; i < producer->total; i++)
        assert_int_equal(outcome->body.data[i], byte_at(i));
    assert_true(outcome->taken <= producer->total);
    buf_release(&outcome->body);
}

/* With little room libcurl empties the buffer and pauses, with much of it hardly ever. */
static void test_pieces(void **state)
{
    static const struct {
        size_t total, piece, env;
    } cases[] = {
        {0, 1, 0},
        {1, 1, 1},
        {1000, 1, 1},
        {5000, 1000, 1},
        {LARGE, 65536, 65536},
        {LARGE, 10000, 30000},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct producer producer = {
            .total = cases[i / 2].total, .piece = cases[i / 2].piece, .env = cases[i / 2].env};
        bool is_known = i % 2 == 0;
        char *head;

        start(&producer, "/echo", is_known ? (int64_t)producer.total : -1);
        if (producer.total == 0)
            outbound_call_end(producer.call);
        produce(&producer);
        run_until_done(1);
        assert_echoed(&producer);
        head = http_server_latest_head(server);
        assert_int_equal(strcasestr(head, "\r\ncontent-length: ") != NULL, is_known);
        assert_int_equal(strcasestr(head, "\r\ntransfer-encoding: chunked") != NULL, !is_known);
        assert_null(strcasestr(head, "\r\nexpect:"));
        free(head);
    }
    assert_int_equal(http_server_connections(server), 1);
}

/* The producer is silent until another call, with the same limit, has run out of time. */
static void test_waiting_for_the_producer_has_no_limit(void **state)
{
    struct producer producer = {.total = 10, .piece = 10};
    struct outcome clock = {0};
    struct outbound_request request =
        request_to(http_server_url(server, "/echo"), &producer.outcome);

    (void)state;
    request.method = "POST";
    request.is_streamed = true;
    request.on_taken = on_taken;
    request.time_limit_ms = 100;
    producer.call = outbound_http_start(http, &request);
    request = request_to(http_server_url(server, "/silent"), &clock);
    request.time_limit_ms = 400;
    outbound_http_start(http, &request);
    run_until_done(1);
    assert_int_equal(clock.error, -ETIMEDOUT);
    assert_int_equal(producer.outcome.runs, 0);
    producer.env = 10;
    produce(&producer);
    run_until_done(1);
    assert_echoed(&producer);
}

static void test_nobody_takes(void **state)
{
    static const char piece[65536];
    struct outcome outcome = {0};
    struct outbound_request request = request_to(http_server_url(server, "/held"), &outcome);
    struct outbound_call *call;

    (void)state;
    request.method = "PUT";
    request.is_streamed = true;
    request.time_limit_ms = 100;
    call = outbound_http_start(http, &request);
    assert_int_equal(outbound_call_feed(call, piece, sizeof(piece)), 0);
    outbound_call_end(call);
    run_until_done(1);
    assert_int_equal(outcome.error, -ETIMEDOUT);
}

static void test_bounded(void **state)
{
    static const char piece[65537];
    struct producer producer = {0};

    (void)state;
    start(&producer, "/echo", -1);
    assert_int_equal(outbound_call_feed(producer.call, piece, 65537), -ENOBUFS);
    assert_int_equal(outbound_call_feed(producer.call, piece, 65535), 0);
    assert_int_equal(outbound_call_feed(producer.call, piece, 2), -ENOBUFS);
    assert_int_equal(outbound_call_feed(producer.call, piece, 1), 0);
    assert_int_equal(outbound_call_feed(producer.call, piece, 0), 0);
    outbound_call_end(producer.call);
    run_until_done(1);
    assert_int_equal(producer.outcome.body.length, 65536);
    buf_release(&producer.outcome.body);
}

static void test_other_length_than_said(void **state)
{
    struct producer producer = {0};

    (void)state;
    start(&producer, "/echo", 10);
    assert_int_equal(outbound_call_feed(producer.call, "0123456789a", 11), -EINVAL);
    assert_int_equal(outbound_call_feed(producer.call, "01234567", 8), 0);
    assert_int_equal(outbound_call_feed(producer.call, "89a", 3), -EINVAL);
    outbound_call_end(producer.call);
    run_until_done(1);
    assert_int_equal(producer.outcome.error, -EINVAL);
    assert_int_equal(outbound_http_counters(http)->invalid, 1);
}

/* The answer comes while the body is still being made; what is fed in its turn is dropped. */
static void test_early_answer(void **state)
{
    struct producer producer = {.total = LARGE, .piece = 1000, .env = 1000};

    (void)state;
    start(&producer, "/early", LARGE);
    produce(&producer);
    run_until_done(1);
    assert_int_equal(producer.outcome.error, 0);
    assert_int_equal(producer.outcome.status, 413);
}

/* And while the producer has nothing to send. */
static void test_early_answer_to_a_pause(void **state)
{
    static const char piece[1000];
    struct producer producer = {.total = 0};

    (void)state;
    start(&producer, "/early", LARGE);
    assert_int_equal(outbound_call_feed(producer.call, piece, sizeof(piece)), 0);
    run_until_done(1);
    assert_int_equal(producer.outcome.error, 0);
    assert_int_equal(producer.outcome.status, 413);
}

static void test_cancel(void **state)
{
    static const char piece[65536];
    struct producer producers[3] = {{.total = 0}};
    struct outcome other = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        start(&producers[i], i == 0 ? "/held" : "/echo", -1);
        assert_int_equal(outbound_call_feed(producers[i].call, piece, sizeof(piece)), 0);
    }
    outbound_call_cancel(producers[2].call); /* not sent yet */
    get("/echo", &other);
    run_until_done(1);
    outbound_call_cancel(producers[0].call);
    outbound_call_cancel(producers[1].call);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(producers[i].outcome.runs, 0);
}

static void test_fed_while_it_waits(void **state)
{
    struct outbound_http_settings settings = usual;
    struct producer producer = {.total = 20000, .piece = 1000, .env = 5000};
    struct outcome first = {0};

    (void)state;
    settings.in_flight = 1;
    open_http(&settings);
    get("/echo", &first);
    start(&producer, "/echo", -1);
    produce(&producer);
    run_until_done(2);
    assert_echoed(&producer);
}

static void test_free_while_streaming(void **state)
{
    struct producer producer = {.total = LARGE, .piece = 1000, .env = 65536};
    struct outcome other = {0};

    (void)state;
    start(&producer, "/held", -1);
    produce(&producer);
    get("/echo", &other);
    run_until_done(1);
    outbound_http_free(http);
    http = NULL;
    assert_int_equal(producer.outcome.error, -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_for_the_producer_has_no_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_takes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_length_than_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_early_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_early_answer_to_a_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fed_while_it_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_free_while_streaming, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
