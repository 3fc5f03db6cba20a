/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that take for ever to resolve. getaddrinfo() is this program's: it holds the thread that
 * asks until the test lets it go. Were the loop held by it too, no test here would end.
 */
#include <netdb.h>
#include <semaphore.h>

#include "http_env.h"

static sem_t asked, answered, gone;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): reserved names there */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **addresses)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)addresses;
    sem_post(&asked);
    while (sem_wait(&answered) != 0)
        continue;
    sem_post(&gone);
    return EAI_NONAME;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

static struct outbound_call *start(struct outcome *outcome, unsigned time_limit_ms)
{
    struct outbound_request request = request_to("http://back-end.test/", outcome);

    request.time_limit_ms = time_limit_ms;
    return outbound_http_start(http, &request);
}

/* A turn of the loop, so that libcurl begins. */
static void run_one_call(void)
{
    struct outcome other = {0};

    get("/echo", &other);
    run_until_done(1);
    assert_int_equal(other.status, 200);
}

static void test_no_such_name(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    sem_post(&answered);
    start(&outcome, PATIENT_MS);
    run_until_done(1);
    assert_int_equal(outcome.error, -EHOSTUNREACH);
    assert_int_equal(outbound_http_counters(http)->unreachable, 1);
    wait_for(&asked);
    wait_for(&gone);
}

static void test_limit(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    start(&outcome, 100);
    run_until_done(1);
    assert_int_equal(outcome.error, -ETIMEDOUT);
    wait_for(&asked);
    sem_post(&answered);
    wait_for(&gone);
}

static void test_cancel(void **state)
{
    struct outcome outcome = {0};
    struct outbound_call *call = start(&outcome, PATIENT_MS);

    (void)state;
    run_one_call();
    wait_for(&asked);
    outbound_call_cancel(call);
    run_one_call();
    assert_int_equal(outcome.runs, 0);
    sem_post(&answered);
    wait_for(&gone);
}

static void test_end_of_all(void **state)
{
    struct outcome outcome = {0};

    (void)state;
    start(&outcome, PATIENT_MS);
    run_one_call();
    wait_for(&asked);
    outbound_http_free(http);
    http = NULL;
    assert_int_equal(outcome.error, -ECANCELED);
    sem_post(&answered);
    wait_for(&gone);
}

static int prepare_names(void **state)
{
    if (sem_init(&asked, 0, 0) != 0 || sem_init(&answered, 0, 0) != 0 || sem_init(&gone, 0, 0) != 0)
        return -1;
    return prepare(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_such_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end_of_all, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare_names, NULL);
}
