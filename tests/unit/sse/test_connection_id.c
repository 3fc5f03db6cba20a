/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sse/connection_id.h"
#include "sse/registry.h"
#include "sse/target.h"
#include "support/sse_env.h"
#include "support/test.h"

static const struct sse_guest ann = {.user = "ann"};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    const struct sse_connection *connection;
    const struct sse_registry *registry;
    char id[SSE_CONNECTION_ID_SIZE];
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){0};
    sse_env_open(&f->env);
    sse_env_connect(&f->env, &f->sink, &ann);
    f->connection = f->sink.connection;
    f->registry = f->connection->home->registry;
    sse_connection_id_write(f->connection, f->id);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->sink);
    sse_env_close(&f->env);
}

static void test_the_id_is_the_handle_and_a_secret(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(strlen(f.connection->handle), 24);
    assert_int_equal(strlen(f.id), 24 + 32);
    assert_int_equal(strncmp(f.id, f.connection->handle, 24), 0);
    assert_int_equal(strspn(f.id, "0123456789abcdef"), strlen(f.id));
    close_fixture(&f);
}

static void test_no_two_are_alike(void **state)
{
    struct fixture one, other;

    (void)state;
    open_fixture(&one);
    open_fixture(&other);
    assert_string_not_equal(one.connection->handle, other.connection->handle);
    assert_string_not_equal(one.id + 24, other.id + 24);
    close_fixture(&one);
    close_fixture(&other);
}

static void test_only_the_whole_id_is_the_pages_own(void **state)
{
    struct fixture f;
    char text[SSE_CONNECTION_ID_SIZE + 1];

    (void)state;
    open_fixture(&f);
    assert_ptr_equal(sse_registry_find_own(f.registry, f.id), f.connection);
    assert_null(sse_registry_find_own(f.registry, f.connection->handle));
    assert_null(sse_registry_find_own(f.registry, f.id + 24));
    assert_null(sse_registry_find_own(f.registry, ""));
    for (size_t i = 0; i < strlen(f.id); i++) {
        memcpy(text, f.id, sizeof(f.id));
        text[i] = text[i] == '0' ? '1' : '0';
        assert_null(sse_registry_find_own(f.registry, text));
        text[i] = '\0';
        assert_null(sse_registry_find_own(f.registry, text));
    }
    strcpy(stpcpy(text, f.id), "0");
    assert_null(sse_registry_find_own(f.registry, text));
    close_fixture(&f);
}

static void test_either_names_it(void **state)
{
    struct fixture f;
    char wrong[SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_fixture(&f);
    assert_true(sse_connection_id_names(f.connection, f.id));
    assert_true(sse_connection_id_names(f.connection, f.connection->handle));
    memcpy(wrong, f.id, sizeof(wrong));
    wrong[55] = wrong[55] == '0' ? '1' : '0';
    assert_false(sse_connection_id_names(f.connection, wrong));
    assert_false(sse_connection_id_names(f.connection, ""));
    close_fixture(&f);
}

static void test_only_ids_are_shortened(void **state)
{
    static const struct {
        const char *text, *shortened;
    } cases[] = {
        {"", ""},
        {"7", "7"},
        {"0123456789abcdef01234567", "0123456789abcdef01234567"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef01234567", "0123456789abcdef01234567"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456",
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef012345678",
         "0123456789abcdef0123456789abcdef0123456789abcdef012345678"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456G",
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456G"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[80];

        strcpy(text, cases[i].text);
        sse_connection_id_shorten(text);
        assert_string_equal(text, cases[i].shortened);
    }
}

/* What a back end names may be kept and shown: the secret ends where it is read. */
static void test_targets_hold_handles(void **state)
{
    struct fixture f;
    struct sse_target target;
    json_t *object;
    char fault[200];

    (void)state;
    open_fixture(&f);
    object = json_pack("{s:[s,s,i]}", "connectionId", f.id, f.connection->handle, 7);
    assert_int_equal(
        sse_target_from_json(&target, object, 1u << SSE_BY_CONNECTION, fault, sizeof(fault)), 0);
    assert_int_equal(target.count, 3);
    assert_string_equal(target.values[0], f.connection->handle);
    assert_string_equal(target.values[1], f.connection->handle);
    assert_string_equal(target.values[2], "7");
    sse_target_unite(&target);
    assert_int_equal(target.count, 2);
    sse_target_release(&target);
    json_decref(object);
    object = json_pack("{s:s}", "userId", f.id);
    assert_int_equal(sse_target_from_json(&target, object, 1u << SSE_BY_USER, fault, sizeof(fault)),
                     0);
    assert_string_equal(target.values[0], f.id);
    sse_target_release(&target);
    json_decref(object);
    close_fixture(&f);
}

static void test_the_handle_tells_the_shard(void **state)
{
    struct sse_env env;
    struct recording_sink sinks[8];
    size_t alike = 0;

    (void)state;
    sse_env_open(&env);
    env.service->shard.key = hash_key_new();
    for (uint32_t i = 0; i < 8; i++) {
        const struct sse_connection *connection;
        char id[SSE_CONNECTION_ID_SIZE];

        env.service->shard.number = i;
        sinks[i] = (struct recording_sink){0};
        sse_env_connect(&env, &sinks[i], &ann);
        connection = sinks[i].connection;
        sse_connection_id_write(connection, id);
        assert_int_equal(sse_connection_id_shard(&env.service->shard.key, id), i);
        assert_int_equal(sse_connection_id_shard(&env.service->shard.key, connection->handle), i);
        alike += strncmp(connection->handle, sinks[0].connection->handle, 8) == 0;
    }
    assert_int_equal(alike, 1);
    for (uint32_t i = 0; i < 8; i++)
        sse_env_leave(&sinks[i]);
    sse_env_close(&env);
}

/* Also one of another process, whose key was another. */
static void test_other_texts_tell_no_shard(void **state)
{
    static const char *const texts[] = {"", "7", "0123456789abcdef0123456",
                                        "-123456789abcdef01234567",
                                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456"};
    const struct hash_key key = hash_key_new();

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(sse_connection_id_shard(&key, texts[i]) > 64);
    assert_true(sse_connection_id_shard(&key, "0123456789abcdef01234567") > 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_id_is_the_handle_and_a_secret),
        cmocka_unit_test(test_no_two_are_alike),
        cmocka_unit_test(test_only_the_whole_id_is_the_pages_own),
        cmocka_unit_test(test_either_names_it),
        cmocka_unit_test(test_only_ids_are_shortened),
        cmocka_unit_test(test_targets_hold_handles),
        cmocka_unit_test(test_the_handle_tells_the_shard),
        cmocka_unit_test(test_other_texts_tell_no_shard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
