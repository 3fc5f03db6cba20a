/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "broker/directory.h"
#include "sse/target.h"
#include "sse/user.h"
#include "support/test.h"

enum { WORKERS = 5 };

struct fixture {
    struct directory directory;
    struct broker *broker;
    struct hash_key key;
};

static void open_fixture(struct fixture *f)
{
    const struct broker_transport transport = {NULL, NULL, NULL};

    f->key = hash_key_new();
    f->broker = broker_new(0, WORKERS, &f->key, &transport);
    directory_init(&f->directory);
}

static void close_fixture(struct fixture *f)
{
    directory_release(&f->directory);
    broker_free(f->broker);
}

struct who {
    const char *user, *tenant, *channel;
    size_t shard;
};

static void change(struct fixture *f, const struct who *who, bool has_joined, uint64_t position)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){
        .id = who->user, .tenant_id = who->tenant, .access_token = "token"});
    const char *channels[] = {who->channel};
    const struct sse_subject subject = {
        .user = user, .channels = channels, .channel_count = who->channel ? 1 : 0};
    size_t count;
    uint64_t *keys = directory_groups_of(&f->key, &subject, &count);
    const struct broker_groups groups = {count, keys};

    if (has_joined)
        directory_join(&f->directory, &groups, who->shard, position);
    else
        directory_leave(&f->directory, &groups, who->shard);
    free(keys);
    sse_user_unref(user);
}

/* A mask of the shards. */
static unsigned found(const struct fixture *f, enum sse_dimension dimension, const char *value)
{
    char *values[] = {(char *)(uintptr_t)value};
    const struct sse_target target = {
        .dimension = dimension, .values = values, .count = value ? 1 : 0};
    struct shard_set set = {{0}};
    unsigned mask = 0;

    directory_find(&f->directory, f->broker, &target, &set);
    for (size_t i = 0; i < WORKERS; i++)
        mask |= (unsigned)shard_set_has(&set, i) << i;
    assert_int_equal(shard_set_is_empty(&set), mask == 0);
    return mask;
}

static void shards_are_found_while_somebody_is_there(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(found(&f, SSE_ALL, NULL), 0);
    change(&f, &(struct who){"ann", "", "red", 3}, true, 7);
    change(&f, &(struct who){"ann", "", NULL, 1}, true, 8);
    change(&f, &(struct who){"bob", "north", "red", 1}, true, 9);
    change(&f, &(struct who){"ann", "", NULL, 3}, true, 10);
    assert_int_equal(found(&f, SSE_ALL, NULL), 1u << 1 | 1u << 3);
    assert_int_equal(found(&f, SSE_BY_USER, "ann"), 1u << 1 | 1u << 3);
    assert_int_equal(found(&f, SSE_BY_TENANT, "north"), 1u << 1);
    assert_int_equal(found(&f, SSE_BY_CHANNEL, "red"), 1u << 1 | 1u << 3);
    assert_int_equal(found(&f, SSE_BY_TOKEN, "token"), 1u << 1 | 1u << 3);
    assert_int_equal(found(&f, SSE_BY_USER, "red"), 0);
    change(&f, &(struct who){"ann", "", "red", 3}, false, 0);
    assert_int_equal(found(&f, SSE_BY_CHANNEL, "red"), 1u << 1);
    assert_int_equal(found(&f, SSE_BY_USER, "ann"), 1u << 1 | 1u << 3);
    change(&f, &(struct who){"ann", "", NULL, 1}, false, 0);
    change(&f, &(struct who){"ann", "", NULL, 3}, false, 0);
    change(&f, &(struct who){"bob", "north", "red", 1}, false, 0);
    assert_int_equal(found(&f, SSE_ALL, NULL), 0);
    assert_int_equal(f.directory.groups.count, 0);
    close_fixture(&f);
}

static void it_is_known_since_when(void **state)
{
    struct fixture f;
    uint64_t red;

    (void)state;
    open_fixture(&f);
    red = directory_group(&f.key, SSE_BY_CHANNEL, "red");
    assert_int_equal(directory_since(&f.directory, red, 2), 0);
    change(&f, &(struct who){"ann", "", "red", 2}, true, 5);
    change(&f, &(struct who){"bob", "", "red", 2}, true, 6);
    change(&f, &(struct who){"bob", "", "red", 4}, true, 7);
    assert_int_equal(directory_since(&f.directory, red, 2), 5);
    assert_int_equal(directory_since(&f.directory, red, 4), 7);
    change(&f, &(struct who){"ann", "", "red", 2}, false, 0);
    assert_int_equal(directory_since(&f.directory, red, 2), 5);
    change(&f, &(struct who){"bob", "", "red", 2}, false, 0);
    assert_int_equal(directory_since(&f.directory, red, 2), 0);
    assert_int_equal(directory_since(&f.directory, red, 4), 7);
    close_fixture(&f);
}

/* To look each up would take longer than to wake somebody for nothing. */
static void many_values_wake_all_who_have_somebody(void **state)
{
    char nobody[] = "nobody", *values[1000];
    const struct sse_target target = {
        .dimension = SSE_BY_USER, .values = values, .count = sizeof(values) / sizeof(values[0])};
    struct shard_set set = {{0}};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < target.count; i++)
        values[i] = nobody;
    change(&f, &(struct who){"ann", "", NULL, 2}, true, 5);
    directory_find(&f.directory, f.broker, &target, &set);
    assert_true(shard_set_has(&set, 2));
    assert_false(shard_set_has(&set, 1));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_found_while_somebody_is_there),
        cmocka_unit_test(it_is_known_since_when),
        cmocka_unit_test(many_values_wake_all_who_have_somebody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
