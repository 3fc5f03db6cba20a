/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told of a gap: for whom the messages were that the log does not keep any more. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/target.h"
#include "sse/user.h"
#include "support/test.h"

/* A message that is not kept; NULL: for everybody. */
static void add(struct sse_log *log, const char *user)
{
    struct sse_target target = {.dimension = user ? SSE_BY_USER : SSE_ALL};

    if (user) {
        target.values = mem_alloc(sizeof(char *) + strlen(user) + 1);
        target.values[0] = strcpy((char *)(target.values + 1), user);
        target.count = 1;
    }
    (void)sse_log_append(log,
                         &(struct sse_log_record){.message = sse_message_new("e", &target, "1")});
    sse_log_drop(log);
}

static bool is_lost(const struct sse_log *log, const char *user_id, uint64_t after)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = user_id});
    const bool is = sse_log_has_lost(log, &(struct sse_subject){.user = user}, after);

    sse_user_unref(user);
    return is;
}

static bool is_lost_in_tenant(const struct sse_log *log, const char *tenant)
{
    struct sse_user *user = sse_user_new(
        &(struct sse_user_fields){.id = "42", .tenant_id = tenant, .is_of_tenant = true});
    const bool is = sse_log_has_lost(log, &(struct sse_subject){.user = user}, 0);

    sse_user_unref(user);
    return is;
}

static void test_users_of_tenants(void **state)
{
    struct sse_log *log;

    (void)state;
    log = sse_log_new(1, 10);
    add(log, "red" SSE_USER_KEY_SEPARATOR "42");
    assert_true(is_lost_in_tenant(log, "red"));
    assert_false(is_lost_in_tenant(log, "blue"));
    assert_true(is_lost(log, "42", 0)); /* it may be that of red */
    assert_false(is_lost(log, "43", 0));
    sse_log_unref(log);
}

static void test_none(void **state)
{
    struct sse_log *log;

    (void)state;
    log = sse_log_new(1, 10);
    assert_false(is_lost(log, "ann", 0));
    add(log, NULL);
    assert_true(is_lost(log, "ann", 0));
    assert_false(is_lost(log, "ann", 1));
    sse_log_unref(log);
}

/* Never in silence, whoever shares a place with whom; and seldom for nothing. */
static void test_many(void **state)
{
    struct sse_log *log;
    unsigned false_alarms = 0;
    char name[16];

    (void)state;
    log = sse_log_new(1, 1000);
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        add(log, name);
    }
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        assert_true(is_lost(log, name, i - 1));
        snprintf(name, sizeof(name), "v%u", i);
        false_alarms += is_lost(log, name, 4900);
    }
    assert_in_range(false_alarms, 0, 1000);
    sse_log_unref(log);
}

/* Of 5000 whom nothing was for, those who share a place with two others: by the number of places
 * that there are for 20000. */
static void test_size(void **state)
{
    static const struct {
        size_t events;
        unsigned least, most;
    } cases[] = {{0, 1400, 2050}, {16384, 1400, 2050}, {16385, 450, 810}, {10000000, 90, 300}};
    char name[16];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sse_log *log = sse_log_new(1, cases[i].events);
        unsigned false_alarms = 0;

        for (unsigned user = 0; user < 20000; user++) {
            snprintf(name, sizeof(name), "u%u", user);
            add(log, name);
        }
        for (unsigned user = 0; user < 5000; user++) {
            snprintf(name, sizeof(name), "v%u", user);
            false_alarms += is_lost(log, name, 0);
        }
        assert_in_range(false_alarms, cases[i].least, cases[i].most);
        sse_log_unref(log);
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
