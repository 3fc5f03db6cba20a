/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/jwks.h"
#include "auth/jwt_key.h"
#include "fake_http.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define URL       "https://idp.example/jwks"
#define REFRESH   600000u
#define SET(kids) "{\"keys\":[" kids "]}"
#define KEY(kid)                                                                                   \
    "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"

struct counting_request {
    struct auth_jwks_request request;
    unsigned runs;
};

static void count_run(struct auth_jwks_request *request)
{
    container_of(request, struct counting_request, request)->runs++;
}

static struct auth_jwks *open_set(struct loop *loop, const char *place)
{
    const struct auth_jwks_settings settings = {.place = place, .refresh_ms = REFRESH};

    fake_calls = 0;
    return auth_jwks_new(&settings, loop, NULL);
}

static void test_a_url_is_read_at_once_and_again(void **state)
{
    struct loop *loop = loop_new();
    struct auth_jwks *jwks = open_set(loop, URL);

    (void)state;
    assert_string_equal(fake_call.url, URL);
    assert_null(jwks->keys);
    fake_http_answer(200, SET(KEY("a")));
    assert_int_equal(jwks->keys->count, 1);
    fake_loop_advance(loop, REFRESH - 1);
    assert_int_equal(fake_calls, 1);
    fake_loop_advance(loop, 1);
    assert_int_equal(fake_calls, 2);
    fake_http_answer(200, SET(KEY("a") "," KEY("b")));
    assert_int_equal(jwks->keys->count, 2);
    auth_jwks_free(jwks);
    loop_free(loop);
}

static void test_old_keys_count_while_there_are_no_new_ones(void **state)
{
    static const char *const bodies[] = {"", "no JSON", "{}", SET("")};
    struct loop *loop = loop_new();
    struct auth_jwks *jwks = open_set(loop, URL);

    (void)state;
    fake_http_answer(200, SET(KEY("a")));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        fake_loop_advance(loop, REFRESH);
        fake_http_answer(200, bodies[i]);
        assert_int_equal(jwks->keys->count, 1);
    }
    fake_loop_advance(loop, REFRESH);
    fake_http_answer(404, SET(KEY("b") "," KEY("c")));
    fake_loop_advance(loop, REFRESH);
    fake_http_fail(-ETIMEDOUT);
    assert_int_equal(jwks->keys->count, 1);
    assert_int_equal(jwks->reads, 7);
    assert_int_equal(jwks->failures, 6);
    /* It is asked sooner than else. */
    fake_loop_advance(loop, AUTH_JWKS_PAUSE_MS);
    fake_http_answer(200, SET(KEY("b") "," KEY("c")));
    assert_int_equal(jwks->keys->count, 2);
    auth_jwks_free(jwks);
    loop_free(loop);
}

static void test_who_waits_is_called_once_when_the_read_ends(void **state)
{
    struct loop *loop = loop_new();
    struct auth_jwks *jwks = open_set(loop, URL);
    struct counting_request first = {{.run = count_run}, 0}, second = {{.run = count_run}, 0};

    (void)state;
    assert_true(auth_jwks_wait(jwks, &first.request, false));
    assert_true(auth_jwks_wait(jwks, &second.request, false));
    assert_int_equal(fake_calls, 1);
    fake_http_fail(-EIO);
    assert_int_equal(first.runs + second.runs, 2);
    /* A moment later there is nothing to wait for, */
    assert_false(auth_jwks_wait(jwks, &first.request, false));
    fake_loop_advance(loop, AUTH_JWKS_PAUSE_MS);
    fake_http_answer(200, SET(KEY("a")));
    assert_int_equal(first.runs, 1);
    /* and when one was good, and nobody had asked for it, there is for a new question. */
    assert_false(auth_jwks_wait(jwks, &first.request, false));
    assert_true(auth_jwks_wait(jwks, &first.request, true));
    assert_int_equal(fake_calls, 3);
    fake_http_answer(200, SET(KEY("a")));
    assert_int_equal(first.runs, 2);
    assert_false(auth_jwks_wait(jwks, &first.request, true));
    assert_int_equal(auth_jwks_pause(jwks, true), AUTH_JWKS_PAUSE_MS);
    /* A new question waits for a read that is near. */
    fake_loop_advance(loop, AUTH_JWKS_PAUSE_MS - AUTH_JWKS_NEAR_MS);
    assert_false(auth_jwks_wait(jwks, &first.request, false));
    assert_true(auth_jwks_wait(jwks, &first.request, true));
    fake_loop_advance(loop, AUTH_JWKS_NEAR_MS);
    assert_int_equal(fake_calls, 4);
    fake_http_answer(200, SET(KEY("a")));
    assert_int_equal(first.runs, 3);
    auth_jwks_free(jwks);
    loop_free(loop);
}

static void test_nobody_is_called_behind_the_end(void **state)
{
    struct loop *loop = loop_new();
    struct auth_jwks *jwks = open_set(loop, URL);
    struct counting_request request = {{.run = count_run}, 0};

    (void)state;
    assert_true(auth_jwks_wait(jwks, &request.request, false));
    auth_jwks_free(jwks);
    assert_false(fake_call.is_open);
    fake_loop_advance(loop, REFRESH);
    assert_int_equal(request.runs, 0);
    auth_jwks_free(NULL);
    loop_free(loop);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_a_file(void **state)
{
    char path[] = "/tmp/sse-server-jwks-XXXXXX";
    struct loop *loop = loop_new();
    struct auth_jwks *jwks;

    (void)state;
    close(mkstemp(path));
    write_file(path, SET(KEY("a")));
    jwks = open_set(loop, path);
    fake_loop_turn(loop);
    assert_int_equal(jwks->keys->count, 1);
    write_file(path, SET(KEY("a") "," KEY("b")));
    fake_loop_advance(loop, REFRESH);
    fake_loop_turn(loop);
    assert_int_equal(jwks->keys->count, 2);
    unlink(path);
    fake_loop_advance(loop, REFRESH);
    fake_loop_turn(loop);
    assert_int_equal(jwks->keys->count, 2);
    assert_int_equal(jwks->failures, 1);
    assert_int_equal(fake_calls, 0);
    auth_jwks_free(jwks);
    loop_free(loop);
}

static void test_places(void **state)
{
    (void)state;
    assert_true(auth_jwks_is_url("https://idp.example/jwks"));
    assert_true(auth_jwks_is_url("http://localhost/jwks"));
    assert_false(auth_jwks_is_url("/etc/sse-server/jwks.json"));
    assert_false(auth_jwks_is_url("https.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_url_is_read_at_once_and_again),
        cmocka_unit_test(test_old_keys_count_while_there_are_no_new_ones),
        cmocka_unit_test(test_who_waits_is_called_once_when_the_read_ends),
        cmocka_unit_test(test_nobody_is_called_behind_the_end),
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
