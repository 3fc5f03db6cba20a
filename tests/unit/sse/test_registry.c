/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/user.h"
#include "support/test.h"

/* The registry reads a connection's handle, user and places; nothing else need be real. */
static struct sse_connection *guest_new(struct sse_registry *registry, size_t number,
                                        const char *user_id, const char *tenant,
                                        const char *channel)
{
    struct sse_connection *guest = mem_zalloc(sizeof(*guest));

    snprintf(guest->handle, sizeof(guest->handle), "%zu", number);
    guest->user = sse_user_new(&(struct sse_user_fields){.id = user_id, .tenant_id = tenant});
    sse_registry_add(registry, guest);
    if (channel[0] != '\0')
        sse_registry_join(registry, guest, SSE_GROUP_CHANNEL, channel);
    return guest;
}

static void guest_free(struct sse_registry *registry, struct sse_connection *guest)
{
    sse_registry_remove(registry, guest);
    sse_registry_forget(registry, guest);
    sse_user_unref(guest->user);
    free(guest);
}

static bool holds(const struct sse_group *group, const struct sse_connection *guest)
{
    size_t found = 0;

    for (size_t i = 0; group && i < group->count; i++)
        found += group->members[i] == guest;
    assert_true(found <= 1);
    return found == 1;
}

static void test_by_handle(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *guest = guest_new(registry, 7, "ann", "", "");

    (void)state;
    assert_ptr_equal(sse_registry_find(registry, "7"), guest);
    assert_null(sse_registry_find(registry, "8"));
    assert_null(sse_registry_find(registry, ""));
    guest_free(registry, guest);
    assert_null(sse_registry_find(registry, "7"));
    sse_registry_free(registry);
}

static void test_groups(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *one = guest_new(registry, 1, "ann", "t", "news");
    struct sse_connection *two = guest_new(registry, 2, "ann", "t", "");
    struct sse_connection *three = guest_new(registry, 3, "bob", "t", "news");

    (void)state;
    assert_int_equal(sse_registry_all(registry)->count, 3);
    assert_int_equal(sse_registry_all(registry)->count, 3);
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_USER, "ann")->count, 2);
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_TENANT, "t")->count, 3);
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_CHANNEL, "news"), three));
    assert_false(holds(sse_registry_group(registry, SSE_GROUP_CHANNEL, "news"), two));
    assert_null(sse_registry_group(registry, SSE_GROUP_CHANNEL, ""));
    assert_null(sse_registry_group(registry, SSE_GROUP_TOKEN, ""));
    assert_null(sse_registry_group(registry, SSE_GROUP_USER, "t"));
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_USER), 2);
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_TOKEN), 0);
    guest_free(registry, one);
    assert_ptr_equal(sse_registry_group(registry, SSE_GROUP_USER, "ann")->members[0], two);
    guest_free(registry, two);
    assert_null(sse_registry_group(registry, SSE_GROUP_USER, "ann"));
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_USER), 1);
    guest_free(registry, three);
    sse_registry_free(registry);
}

static void test_listeners(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *one = guest_new(registry, 1, "ann", "", "");
    struct sse_connection *two = guest_new(registry, 2, "bob", "", "");
    const struct sse_group *group;

    (void)state;
    assert_true(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "bell"));
    assert_false(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "bell"));
    assert_true(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "price"));
    assert_true(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "chat"));
    assert_true(sse_registry_join(registry, two, SSE_GROUP_LISTENER, "price"));
    group = sse_registry_group(registry, SSE_GROUP_LISTENER, "price");
    assert_int_equal(group->count, 2);
    assert_true(sse_registry_is_member(one, group));
    assert_false(
        sse_registry_is_member(two, sse_registry_group(registry, SSE_GROUP_LISTENER, "bell")));
    assert_true(sse_registry_leave(registry, one, SSE_GROUP_LISTENER, "price"));
    assert_false(sse_registry_leave(registry, one, SSE_GROUP_LISTENER, "price"));
    assert_false(sse_registry_leave(registry, one, SSE_GROUP_LISTENER, "never heard of"));
    assert_int_equal(sse_registry_name_count(one, SSE_GROUP_LISTENER), 2);
    assert_string_equal(sse_registry_name(one, SSE_GROUP_LISTENER, 0), "bell");
    assert_string_equal(sse_registry_name(one, SSE_GROUP_LISTENER, 1), "chat");
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_LISTENER, "price")->count, 1);
    guest_free(registry, one);
    guest_free(registry, two);
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_LISTENER), 0);
    sse_registry_free(registry);
}

static void assert_names(const struct sse_connection *guest, enum sse_group_kind kind,
                         const char *const *names, size_t count)
{
    assert_int_equal(sse_registry_name_count(guest, kind), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(sse_registry_name(guest, kind, i), names[i]);
}

static void test_several_channels(void **state)
{
    static const char *const channels[] = {"news", "chat"};
    static const char *const listeners[] = {"news", "bell"};
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *one = guest_new(registry, 1, "ann", "", "news");
    struct sse_connection *two = guest_new(registry, 2, "bob", "", "chat");

    (void)state;
    assert_true(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "news"));
    assert_true(sse_registry_join(registry, one, SSE_GROUP_CHANNEL, "red"));
    assert_true(sse_registry_join(registry, one, SSE_GROUP_LISTENER, "bell"));
    assert_true(sse_registry_join(registry, one, SSE_GROUP_CHANNEL, "chat"));
    assert_false(sse_registry_join(registry, one, SSE_GROUP_CHANNEL, "chat"));
    assert_true(sse_registry_leave(registry, one, SSE_GROUP_CHANNEL, "red"));
    assert_false(sse_registry_leave(registry, one, SSE_GROUP_CHANNEL, "bell"));
    assert_names(one, SSE_GROUP_CHANNEL, channels, 2);
    assert_names(one, SSE_GROUP_LISTENER, listeners, 2);
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_CHANNEL, "chat")->count, 2);
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_CHANNEL), 2);
    guest_free(registry, one);
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_CHANNEL, "chat"), two));
    assert_null(sse_registry_group(registry, SSE_GROUP_CHANNEL, "news"));
    guest_free(registry, two);
    sse_registry_free(registry);
}

static void test_another_user(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *one = guest_new(registry, 1, "ann", "t", "news");
    struct sse_connection *two = guest_new(registry, 2, "ann", "t", "");
    struct sse_user *before = one->user;
    const uint64_t changes = sse_registry_changes(registry);

    (void)state;
    sse_registry_set_user(registry, one,
                          sse_user_new(&(struct sse_user_fields){
                              .id = "ann", .access_token = "second", .tenant_id = "u"}));
    sse_user_unref(before);
    assert_true(changes != sse_registry_changes(registry));
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_USER, "ann"), one));
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_TOKEN, "second"), one));
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_TENANT, "u"), one));
    assert_false(holds(sse_registry_group(registry, SSE_GROUP_TENANT, "t"), one));
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_TENANT, "t"), two));
    before = one->user;
    sse_registry_set_user(registry, one, sse_user_new(&(struct sse_user_fields){.id = "ann"}));
    sse_user_unref(before);
    assert_null(sse_registry_group(registry, SSE_GROUP_TOKEN, "second"));
    assert_null(sse_registry_group(registry, SSE_GROUP_TENANT, "u"));
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_TOKEN), 0);
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_CHANNEL, "news"), one));
    guest_free(registry, one);
    guest_free(registry, two);
    sse_registry_free(registry);
}

/* Whoever has left is found nowhere, but what it listened to can still be told. */
static void test_names_outlive_removal(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *one = guest_new(registry, 1, "ann", "", "");
    struct sse_connection *two;

    (void)state;
    sse_registry_join(registry, one, SSE_GROUP_LISTENER, "bell");
    sse_registry_remove(registry, one);
    assert_int_equal(sse_registry_all(registry)->count, 0);
    assert_null(sse_registry_group(registry, SSE_GROUP_LISTENER, "bell"));
    assert_int_equal(sse_registry_group_count(registry, SSE_GROUP_LISTENER), 0);
    assert_string_equal(sse_registry_name(one, SSE_GROUP_LISTENER, 0), "bell");
    two = guest_new(registry, 2, "ann", "", "");
    assert_true(sse_registry_join(registry, two, SSE_GROUP_LISTENER, "bell"));
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_LISTENER, "bell")->count, 1);
    sse_registry_forget(registry, one);
    assert_true(holds(sse_registry_group(registry, SSE_GROUP_LISTENER, "bell"), two));
    guest_free(registry, two);
    sse_user_unref(one->user);
    free(one);
    sse_registry_free(registry);
}

#define CROWD 1000u

/* Joins and leaves at random against plain arrays. */
static void test_crowd(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *guests[CROWD] = {0};
    size_t present = 0;
    size_t members = 0;

    (void)state;
    srand(7); // NOLINT(cert-msc51-cpp): the same numbers in every run
    for (size_t step = 0; step < 20000; step++) {
        const size_t i = (size_t)rand() % CROWD;
        char user_id[16];

        snprintf(user_id, sizeof(user_id), "u%zu", i % 10);
        if (!guests[i]) {
            guests[i] = guest_new(registry, i, user_id, "t", i % 2 ? "odd" : "");
            sse_registry_join(registry, guests[i], SSE_GROUP_LISTENER, i % 3 ? "e" : "f");
            present++;
        } else if (step % 3 == 0 &&
                   !sse_registry_leave(registry, guests[i], SSE_GROUP_LISTENER, "e")) {
            sse_registry_join(registry, guests[i], SSE_GROUP_LISTENER, "e");
        } else {
            guest_free(registry, guests[i]);
            guests[i] = NULL;
            present--;
        }
    }
    assert_int_equal(sse_registry_all(registry)->count, present);
    assert_int_equal(sse_registry_group(registry, SSE_GROUP_TENANT, "t")->count, present);
    for (size_t i = 0; i < 10; i++) {
        const struct sse_group *group;
        char user_id[16];

        snprintf(user_id, sizeof(user_id), "u%zu", i);
        group = sse_registry_group(registry, SSE_GROUP_USER, user_id);
        members += group ? group->count : 0;
    }
    assert_int_equal(members, present);
    for (size_t i = 0; i < CROWD; i++) {
        char user_id[16];

        if (!guests[i])
            continue;
        snprintf(user_id, sizeof(user_id), "u%zu", i % 10);
        assert_true(holds(sse_registry_group(registry, SSE_GROUP_USER, user_id), guests[i]));
        assert_int_equal(holds(sse_registry_group(registry, SSE_GROUP_CHANNEL, "odd"), guests[i]),
                         i % 2 == 1);
        guest_free(registry, guests[i]);
    }
    sse_registry_free(registry);
}

/* The promise to whoever walks: with the end first, nobody is missed whoever leaves meanwhile. */
static void test_walk_while_members_leave(void **state)
{
    struct sse_registry *registry = sse_registry_new();
    struct sse_connection *guests[100];
    size_t seen = 0;
    size_t gone = 0;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        guests[i] = guest_new(registry, i, "ann", "", "");
    for (size_t index = 100; index > 0;) {
        const struct sse_group *group = sse_registry_all(registry);

        if (index > group->count) {
            index = group->count;
            continue;
        }
        group->members[--index]->dispatch_mark++;
        seen++;
        if (seen % 3 == 0) { /* one that has been seen, or one that has not */
            const size_t leaver = seen % 2 ? index : index / 2;
            struct sse_connection *guest = group->members[leaver];

            gone += guest->dispatch_mark == 0;
            guests[atoi(guest->handle)] = NULL;
            guest_free(registry, guest);
        }
    }
    for (size_t i = 0; i < 100; i++) {
        if (!guests[i])
            continue;
        assert_true(guests[i]->dispatch_mark >= 1);
        guest_free(registry, guests[i]);
    }
    assert_true(seen + gone >= 100);
    sse_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_handle),    cmocka_unit_test(test_groups),
        cmocka_unit_test(test_listeners),    cmocka_unit_test(test_several_channels),
        cmocka_unit_test(test_another_user), cmocka_unit_test(test_names_outlive_removal),
        cmocka_unit_test(test_crowd),        cmocka_unit_test(test_walk_while_members_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
