/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sse/lost.h"
#include "sse/subject.h"
#include "sse/target.h"
#include "sse/user.h"
#include "support/test.h"

static void add(struct sse_lost *lost, const char *user, uint64_t position)
{
    char *values[] = {(char *)(uintptr_t)user};
    const struct sse_target target = {.dimension = SSE_BY_USER, .values = values, .count = 1};

    sse_lost_add(lost, &target, position);
}

static bool is_lost(const struct sse_lost *lost, const char *user_id, uint64_t after)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = user_id});
    const bool is = sse_lost_since(lost, &(struct sse_subject){.user = user}, after);

    sse_user_unref(user);
    return is;
}

static bool is_lost_in_tenant(const struct sse_lost *lost, const char *tenant)
{
    struct sse_user *user = sse_user_new(
        &(struct sse_user_fields){.id = "42", .tenant_id = tenant, .is_of_tenant = true});
    const bool is = sse_lost_since(lost, &(struct sse_subject){.user = user}, 0);

    sse_user_unref(user);
    return is;
}

static void test_users_of_tenants(void **state)
{
    struct sse_lost lost;

    (void)state;
    sse_lost_init(&lost, 10);
    add(&lost,
        "red\x1f"
        "42",
        1);
    assert_true(is_lost_in_tenant(&lost, "red"));
    assert_false(is_lost_in_tenant(&lost, "blue"));
    assert_true(is_lost(&lost, "42", 0)); /* it may be that of red */
    assert_false(is_lost(&lost, "43", 0));
    sse_lost_release(&lost);
}

static void test_none(void **state)
{
    struct sse_lost lost;

    (void)state;
    sse_lost_init(&lost, 10);
    assert_false(is_lost(&lost, "ann", 0));
    sse_lost_add(&lost, &(struct sse_target){.dimension = SSE_ALL}, 1);
    assert_true(is_lost(&lost, "ann", 0));
    assert_false(is_lost(&lost, "ann", 1));
    assert_null(lost.positions);
    sse_lost_release(&lost);
}

/* Never in silence, whoever shares a place with whom; and seldom for nothing. */
static void test_many(void **state)
{
    struct sse_lost lost;
    unsigned false_alarms = 0;
    char name[16];

    (void)state;
    sse_lost_init(&lost, 1000);
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        add(&lost, name, i);
    }
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        assert_true(is_lost(&lost, name, i - 1));
        snprintf(name, sizeof(name), "v%u", i);
        false_alarms += is_lost(&lost, name, 4900);
    }
    assert_in_range(false_alarms, 0, 1000);
    sse_lost_release(&lost);
}

static void test_size(void **state)
{
    static const size_t sizes[][2] = {
        {0, 16384}, {16384, 16384}, {16385, 32768}, {10000000, 65536}};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sse_lost lost;

        sse_lost_init(&lost, sizes[i][0]);
        assert_int_equal(lost.size, sizes[i][1]);
        sse_lost_release(&lost);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_of_tenants),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
