/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/look.h"
#include "sse/user.h"
#include "support/test.h"

static const char *const two_names[] = {"news", "sport"};

static bool passes(const struct qos_filter *filter, enum sse_dimension dimension, const char *value,
                   const char *listening)
{
    const struct qos_copy copy = {.recipient = {dimension, value, listening}};

    return qos_filter_passes(filter, &copy);
}

static void an_empty_filter_lets_everything_pass(void **state)
{
    const struct qos_filter filter = {0};

    (void)state;
    for (unsigned dimension = 0; dimension < SSE_DIMENSIONS; dimension++) {
        assert_true(passes(&filter, (enum sse_dimension)dimension, "a", ""));
        assert_true(passes(&filter, (enum sse_dimension)dimension, "a", "chat"));
    }
}

static void one_name_lets_its_own_pass(void **state)
{
    const struct qos_filter filters[] = {
        [SSE_BY_USER] = {.user_id = "news"},
        [SSE_BY_TOKEN] = {.token = "news"},
        [SSE_BY_TENANT] = {.tenant_id = "news"},
        [SSE_BY_CHANNEL] = {.channels = two_names, .channel_count = 2},
    };

    (void)state;
    for (unsigned named = 0; named < sizeof(filters) / sizeof(filters[0]); named++) {
        for (unsigned dimension = 0; dimension < SSE_ALL; dimension++)
            assert_int_equal(passes(&filters[named], (enum sse_dimension)dimension, "news", ""),
                             dimension == named);
        assert_false(passes(&filters[named], (enum sse_dimension)named, "other", ""));
        assert_true(passes(&filters[named], SSE_ALL, "", ""));
    }
}

static void several_names_let_the_copies_of_each_pass(void **state)
{
    const struct qos_filter filter = {
        .user_id = "7", .tenant_id = "acme", .channels = two_names, .channel_count = 2};

    (void)state;
    assert_true(passes(&filter, SSE_BY_USER, "7", ""));
    assert_true(passes(&filter, SSE_BY_TENANT, "acme", ""));
    assert_true(passes(&filter, SSE_BY_CHANNEL, "sport", ""));
    assert_false(passes(&filter, SSE_BY_TENANT, "7", ""));
    assert_false(passes(&filter, SSE_BY_TOKEN, "7", ""));
    assert_false(passes(&filter, SSE_BY_CHANNEL, "acme", ""));
}

#define RED_42                                                                                     \
    "red\x1f"                                                                                      \
    "42"

static void a_tenant_beside_a_user_is_whose_that_is(void **state)
{
    struct qos_filter filter = {.user_id = "42"};

    (void)state;
    assert_true(passes(&filter, SSE_BY_USER, "42", ""));
    assert_true(passes(&filter, SSE_BY_USER, RED_42, ""));
    filter.tenant_id = "red";
    assert_true(passes(&filter, SSE_BY_USER, "42", ""));
    assert_true(passes(&filter, SSE_BY_USER, RED_42, ""));
    assert_true(passes(&filter, SSE_BY_TENANT, "red", ""));
    filter.of_tenant = true;
    assert_false(passes(&filter, SSE_BY_USER, "42", ""));
    filter.is_strict = true;
    for (unsigned of_tenant = 0; of_tenant < 2; of_tenant++) {
        filter.of_tenant = of_tenant;
        assert_false(passes(&filter, SSE_BY_USER, "42", ""));
        assert_true(passes(&filter, SSE_BY_USER, RED_42, ""));
        assert_false(passes(&filter, SSE_BY_TENANT, "red", ""));
    }
    filter.tenant_id = "blue";
    assert_false(passes(&filter, SSE_BY_USER, RED_42, ""));
    filter.tenant_id = "";
    assert_false(passes(&filter, SSE_BY_USER, RED_42, ""));
    assert_true(passes(&filter, SSE_BY_USER,
                       "\x1f"
                       "42",
                       ""));
}

static void what_is_for_other_tenants_never_passes(void **state)
{
    const struct qos_filter filter = {.tenants = "a, c"};
    const struct qos_copy unreadable = {.recipient = {SSE_BY_TENANT, "a", ""},
                                        .state = QOS_UNREADABLE};

    (void)state;
    assert_true(passes(&filter, SSE_BY_TENANT, "a", ""));
    assert_true(passes(&filter, SSE_BY_USER, "c" SSE_USER_KEY_SEPARATOR "7", ""));
    assert_false(passes(&filter, SSE_BY_TENANT, "b", ""));
    assert_false(passes(&filter, SSE_BY_USER, "b" SSE_USER_KEY_SEPARATOR "a", ""));
    assert_false(passes(&filter, SSE_BY_USER, SSE_USER_KEY_SEPARATOR "a", ""));
    assert_false(passes(&filter, SSE_BY_USER, "a", ""));
    assert_false(passes(&filter, SSE_BY_TOKEN, "a", ""));
    assert_false(passes(&filter, SSE_BY_CHANNEL, "a", ""));
    assert_false(passes(&filter, SSE_BY_CONNECTION, "a", ""));
    assert_false(passes(&filter, SSE_ALL, "", ""));
    assert_false(qos_filter_passes(&filter, &unreadable));
}

static void no_channel_is_not_any_channel(void **state)
{
    const struct qos_filter filter = {.channels = two_names, .channel_count = 0};

    (void)state;
    assert_false(passes(&filter, SSE_BY_CHANNEL, "news", ""));
    assert_false(passes(&filter, SSE_BY_USER, "news", ""));
    assert_true(passes(&filter, SSE_ALL, "", ""));
}

static void who_listens_gets_also_what_needs_no_listening(void **state)
{
    const struct qos_filter filter = {.user_id = "7", .listeners = two_names, .listener_count = 2};
    const struct qos_filter deaf = {.listeners = two_names, .listener_count = 0};

    (void)state;
    assert_true(passes(&filter, SSE_BY_USER, "7", ""));
    assert_true(passes(&filter, SSE_BY_USER, "7", "news"));
    assert_false(passes(&filter, SSE_BY_USER, "7", "chat"));
    assert_false(passes(&filter, SSE_BY_USER, "8", "news"));
    assert_false(passes(&filter, SSE_ALL, "", "chat"));
    assert_true(passes(&deaf, SSE_BY_TENANT, "acme", ""));
    assert_false(passes(&deaf, SSE_BY_TENANT, "acme", "news"));
}

static void a_strict_filter_lets_only_what_is_named_pass(void **state)
{
    static const char *const listeners[] = {"chat"};
    struct qos_filter filter = {.user_id = "7", .is_strict = true};

    (void)state;
    assert_true(passes(&filter, SSE_BY_USER, "7", ""));
    assert_true(passes(&filter, SSE_BY_USER, "7", "chat"));
    assert_false(passes(&filter, SSE_ALL, "", ""));
    filter = (struct qos_filter){.listeners = listeners, .listener_count = 1, .is_strict = true};
    assert_true(passes(&filter, SSE_ALL, "", "chat"));
    assert_false(passes(&filter, SSE_ALL, "", ""));
    assert_false(passes(&filter, SSE_BY_USER, "7", ""));
    filter = (struct qos_filter){.is_strict = true};
    assert_true(passes(&filter, SSE_ALL, "", ""));
    assert_true(passes(&filter, SSE_BY_USER, "7", "chat"));
}

static void an_exact_filter_lets_pass_what_is_said_in_full(void **state)
{
    struct qos_filter filter = {.is_exact = true};

    (void)state;
    assert_true(passes(&filter, SSE_BY_USER, "7", "chat")); /* nothing is said */
    filter.listeners = two_names;
    filter.listener_count = 2;
    assert_false(passes(&filter, SSE_BY_USER, "7", ""));
    assert_false(passes(&filter, SSE_BY_TENANT, "acme", "news"));
    assert_true(passes(&filter, SSE_ALL, "", "news"));
    filter.tenant_id = "acme";
    assert_true(passes(&filter, SSE_BY_TENANT, "acme", "news"));
    assert_true(passes(&filter, SSE_BY_TENANT, "acme", ""));
    assert_false(passes(&filter, SSE_BY_TENANT, "acme", "chat"));
    filter.listeners = NULL;
    assert_false(passes(&filter, SSE_BY_TENANT, "acme", "news"));
    assert_false(passes(&filter, SSE_ALL, "", "news"));
    assert_true(passes(&filter, SSE_ALL, "", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_filter_lets_everything_pass),
        cmocka_unit_test(one_name_lets_its_own_pass),
        cmocka_unit_test(several_names_let_the_copies_of_each_pass),
        cmocka_unit_test(a_tenant_beside_a_user_is_whose_that_is),
        cmocka_unit_test(what_is_for_other_tenants_never_passes),
        cmocka_unit_test(no_channel_is_not_any_channel),
        cmocka_unit_test(who_listens_gets_also_what_needs_no_listening),
        cmocka_unit_test(a_strict_filter_lets_only_what_is_named_pass),
        cmocka_unit_test(an_exact_filter_lets_pass_what_is_said_in_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
