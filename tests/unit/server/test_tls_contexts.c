/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of all listeners: all or nothing, and when they are out of date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/tickets.h"
#include "h2/tls.h"
#include "server/config.h"
#include "server/tls_contexts.h"
#include "support/certificate.h"

struct room {
    char directory[40];
    char paths[4][48]; /* certificate, key, another certificate, its key */
    struct config config;
    struct h2_tickets *tickets;
    char fault[500];
};

static const char *path_in(struct room *room, size_t index)
{
    snprintf(room->paths[index], sizeof(room->paths[index]), "%s/%zu", room->directory, index);
    return room->paths[index];
}

/* One listener with the first pair, and one without TLS. */
static int set_up(void **state)
{
    struct room *room = mem_zalloc(sizeof(*room));

    snprintf(room->directory, sizeof(room->directory), "/tmp/test-tls-XXXXXX");
    assert_non_null(mkdtemp(room->directory));
    write_certificate(path_in(room, 0), path_in(room, 1));
    write_certificate(path_in(room, 2), path_in(room, 3));
    room->config.state_directory = room->directory;
    room->config.ticket_key_file = (char *)"";
    room->config.listener_count = 2;
    room->config.listeners[0] = (struct config_listener){.address = (char *)"127.0.0.1:1",
                                                         .tls = true,
                                                         .certificate = room->paths[0],
                                                         .key = room->paths[1],
                                                         .ocsp_file = (char *)""};
    room->config.listeners[1] =
        (struct config_listener){.address = (char *)"127.0.0.1:2", .certificate = (char *)""};
    room->tickets = h2_tickets_new();
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    for (size_t i = 0; i < 4; i++)
        unlink(room->paths[i]);
    assert_int_equal(rmdir(room->directory), 0);
    h2_tickets_unref(room->tickets);
    free(room);
    return 0;
}

static struct tls_contexts *load(struct room *room)
{
    return tls_contexts_load(&room->config, room->tickets, room->fault, sizeof(room->fault));
}

static struct tls_contexts *load_again(struct room *room, const struct tls_contexts *contexts)
{
    return tls_contexts_load_again(contexts, room->fault, sizeof(room->fault));
}

static void each_listener_has_its_own(void **state)
{
    struct room *room = *state;
    struct tls_contexts *contexts = load(room);

    assert_non_null(contexts);
    assert_non_null(tls_contexts_at(contexts, 0));
    assert_null(tls_contexts_at(contexts, 1));
    assert_int_equal(tls_contexts_renew_at(contexts), 0);
    tls_contexts_unref(contexts);
}

static void a_half_written_pair_is_no_pair(void **state)
{
    struct room *room = *state;
    struct tls_contexts *contexts = load(room), *again;

    assert_false(tls_contexts_is_stale(contexts));
    assert_int_equal(rename(room->paths[2], room->paths[0]), 0); /* the certificate is new */
    assert_true(tls_contexts_is_stale(contexts));
    assert_null(load_again(room, contexts));
    assert_non_null(strstr(room->fault, "TLS of \"127.0.0.1:1\": certificate and key do not "
                                        "belong together: \""));
    assert_non_null(strstr(room->fault, room->paths[1]));
    assert_int_equal(rename(room->paths[3], room->paths[1]), 0); /* and the key */
    again = load_again(room, contexts);
    assert_non_null(again);
    assert_true(tls_contexts_is_stale(contexts));
    assert_false(tls_contexts_is_stale(again));
    tls_contexts_unref(contexts);
    tls_contexts_unref(again);
}

static void one_bad_listener_spoils_all(void **state)
{
    struct room *room = *state;

    room->config.listeners[1].tls = true;
    room->config.listeners[1].certificate = room->paths[2];
    room->config.listeners[1].key = room->paths[1];
    room->config.listeners[1].ocsp_file = (char *)"";
    assert_null(load(room));
    assert_non_null(strstr(room->fault, "TLS of \"127.0.0.1:2\": "));
}

static void what_is_not_there_is_missed(void **state)
{
    struct room *room = *state;
    struct tls_contexts *contexts = load(room);

    unlink(room->paths[1]);
    assert_true(tls_contexts_is_stale(contexts));
    assert_null(load_again(room, contexts));
    assert_non_null(strstr(room->fault, "cannot be read: No such file or directory"));
    tls_contexts_unref(contexts);
}

static void ticket_keys_belong_to_it(void **state)
{
    struct room *room = *state;
    struct tls_contexts *contexts;
    size_t count = 0;
    const char **paths;

    room->config.ticket_key_file = room->paths[3];
    assert_null(load(room));
    assert_non_null(strstr(room->fault, "tls.ticketKeyFile: \""));
    assert_int_equal(truncate(room->paths[3], 160), 0);
    contexts = load(room);
    assert_non_null(contexts);
    paths = tls_contexts_paths(contexts, &count);
    assert_int_equal(count, 3);
    free(paths);
    assert_int_equal(truncate(room->paths[3], 80), 0);
    assert_true(tls_contexts_is_stale(contexts));
    tls_contexts_unref(contexts);
}

static void count_one(void *context, const char *listener, const char *file, time_t end)
{
    size_t *count = context;

    assert_string_equal(listener, "127.0.0.1:1");
    assert_true(*file == '/');
    assert_in_range(end, time(NULL) + 3500, time(NULL) + 3700);
    ++*count;
}

static void several_are_shown(void **state)
{
    struct room *room = *state;
    struct tls_contexts *contexts;
    size_t count = 0;

    room->config.listeners[0].certificates[0] = (struct config_certificate){
        .certificate = room->paths[2], .key = room->paths[3], .ocsp_file = (char *)""};
    room->config.listeners[0].certificate_count = 1;
    contexts = load(room);
    tls_contexts_show(contexts, count_one, &count);
    assert_int_equal(count, 2);
    assert_int_equal(h2_tls_context_count(tls_contexts_at(contexts, 0)), 2);
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
