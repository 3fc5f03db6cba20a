/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of all listeners: all or nothing, and when they are out of date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/tls.h"
#include "server/config.h"
#include "server/config_value.h"
#include "server/tls_contexts.h"
#include "support/certificate.h"

struct env {
    char directory[40];
    char paths[4][48]; /* certificate, key, another certificate, its key */
    struct config config;
    struct h2_tickets *tickets;
    struct config_fault fault;
};

static const char *path_in(struct env *env, size_t index)
{
    snprintf(env->paths[index], sizeof(env->paths[index]), "%s/%zu", env->directory, index);
    return env->paths[index];
}

/* One listener with the first pair, and one without TLS. */
static int set_up(void **state)
{
    struct env *env = mem_zalloc(sizeof(*env));

    snprintf(env->directory, sizeof(env->directory), "/tmp/test-tls-XXXXXX");
    assert_non_null(mkdtemp(env->directory));
    write_certificate(path_in(env, 0), path_in(env, 1));
    write_certificate(path_in(env, 2), path_in(env, 3));
    env->config.state_directory = env->directory;
    env->config.ticket_key_file = (char *)"";
    env->config.listener_count = 2;
    env->config.listeners[0] = (struct config_listener){.address = (char *)"127.0.0.1:1",
                                                        .tls = true,
                                                        .files.certificate = env->paths[0],
                                                        .files.key = env->paths[1],
                                                        .files.ocsp = (char *)""};
    env->config.listeners[1] =
        (struct config_listener){.address = (char *)"127.0.0.1:2", .files.certificate = (char *)""};
    env->tickets = h2_tickets_new();
    *state = env;
    return 0;
}

static int tear_down(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < 4; i++)
        unlink(env->paths[i]);
    assert_int_equal(rmdir(env->directory), 0);
    h2_tickets_unref(env->tickets);
    free(env);
    return 0;
}

static struct tls_contexts *load(struct env *env)
{
    return tls_contexts_load(&env->config, env->tickets, &env->fault);
}

static struct tls_contexts *load_again(struct env *env, const struct tls_contexts *contexts)
{
    return tls_contexts_load_again(contexts, &env->fault);
}

static void each_listener_has_its_own(void **state)
{
    struct env *env = *state;
    struct tls_contexts *contexts = load(env);

    assert_non_null(contexts);
    assert_non_null(tls_contexts_at(contexts, 0));
    assert_null(tls_contexts_at(contexts, 1));
    assert_int_equal(tls_contexts_renew_at(contexts), 0);
    tls_contexts_unref(contexts);
}

static void a_half_written_pair_is_no_pair(void **state)
{
    struct env *env = *state;
    struct tls_contexts *contexts = load(env), *again;

    assert_false(tls_contexts_is_stale(contexts));
    assert_int_equal(rename(env->paths[2], env->paths[0]), 0); /* the certificate is new */
    assert_true(tls_contexts_is_stale(contexts));
    assert_null(load_again(env, contexts));
    assert_non_null(strstr(env->fault.message, "TLS of \"127.0.0.1:1\": certificate and key do not "
                                               "belong together: \""));
    assert_non_null(strstr(env->fault.message, env->paths[1]));
    assert_int_equal(rename(env->paths[3], env->paths[1]), 0); /* and the key */
    again = load_again(env, contexts);
    assert_non_null(again);
    assert_true(tls_contexts_is_stale(contexts));
    assert_false(tls_contexts_is_stale(again));
    tls_contexts_unref(contexts);
    tls_contexts_unref(again);
}

static void one_bad_listener_spoils_all(void **state)
{
    struct env *env = *state;

    env->config.listeners[1].tls = true;
    env->config.listeners[1].files.certificate = env->paths[2];
    env->config.listeners[1].files.key = env->paths[1];
    env->config.listeners[1].files.ocsp = (char *)"";
    assert_null(load(env));
    assert_non_null(strstr(env->fault.message, "TLS of \"127.0.0.1:2\": "));
}

static void what_is_not_there_is_missed(void **state)
{
    struct env *env = *state;
    struct tls_contexts *contexts = load(env);

    unlink(env->paths[1]);
    assert_true(tls_contexts_is_stale(contexts));
    assert_null(load_again(env, contexts));
    assert_non_null(strstr(env->fault.message, "cannot be read: No such file or directory"));
    tls_contexts_unref(contexts);
}

static void ticket_keys_belong_to_it(void **state)
{
    struct env *env = *state;
    struct tls_contexts *contexts;
    size_t count = 0;
    const char **paths;

    env->config.ticket_key_file = env->paths[3];
    assert_null(load(env));
    assert_non_null(strstr(env->fault.message, "tls.ticketKeyFile: \""));
    assert_int_equal(truncate(env->paths[3], 160), 0);
    contexts = load(env);
    assert_non_null(contexts);
    paths = tls_contexts_paths(contexts, &count);
    assert_int_equal(count, 3);
    free(paths);
    assert_int_equal(truncate(env->paths[3], 80), 0);
    assert_true(tls_contexts_is_stale(contexts));
    tls_contexts_unref(contexts);
}

static void count_one(void *context, const struct tls_shown *shown)
{
    size_t *count = context;

    assert_string_equal(shown->listener, "127.0.0.1:1");
    assert_true(*shown->file == '/');
    assert_int_equal(shown->index, *count);
    assert_in_range(h2_tls_context_end(shown->context, shown->index), time(NULL) + 3500,
                    time(NULL) + 3700);
    assert_false(shown->is_development);
    ++*count;
}

static void several_are_shown(void **state)
{
    struct env *env = *state;
    struct tls_contexts *contexts;
    size_t count = 0;

    env->config.listeners[0].certificates[0] = (struct config_certificate){
        .files.certificate = env->paths[2], .files.key = env->paths[3], .files.ocsp = (char *)""};
    env->config.listeners[0].certificate_count = 1;
    contexts = load(env);
    tls_contexts_show(contexts, count_one, &count);
    assert_int_equal(count, 2);
    tls_contexts_unref(contexts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_listener_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_half_written_pair_is_no_pair, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_bad_listener_spoils_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ticket_keys_belong_to_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_are_shown, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
