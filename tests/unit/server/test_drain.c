/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when at a stop, by the settings. */
#include "server/stop.h"
#include "unit/server/config_fixture.h"

#define LAST_MS (1000u * 3600)

static struct drain_plan plan_of(const char *settings)
{
    struct drain_plan plan;
    struct config config;
    char text[256];

    snprintf(text, sizeof(text), "services: [{name: a}]\n%s", settings);
    if (fixture_load(&config, text) != 0)
        fail_msg("%s: %s", settings, fixture_fault);
    drain_plan_make(&plan, &config);
    config_release(&config);
    return plan;
}

static void assert_plan(const char *settings, uint32_t streams, uint32_t leave, uint32_t rest,
                        uint32_t cut)
{
    const struct drain_plan plan = plan_of(settings);

    assert_int_equal(plan.at_ms[DRAIN_STREAMS], streams);
    assert_int_equal(plan.at_ms[DRAIN_LEAVE], leave);
    assert_int_equal(plan.at_ms[DRAIN_REST], rest);
    assert_int_equal(plan.at_ms[DRAIN_CUT], cut);
}

static void the_settings_make_a_plan(void **state)
{
    (void)state;
    assert_plan("", 5000, 5500, 17000, 20000);
    assert_plan("stopNotice: 10s\ndrainSpread: 30s\ndrainTime: 1m", 10000, 10500, 40000, 60000);
    assert_plan("stopNotice: 0\ndrainSpread: 0\ndrainTime: 1h", 0, 500, 500, LAST_MS);
    assert_plan("stopNotice: 0\ndrainSpread: 2s\ndrainTime: 2s", 0, 500, 2000, 2000);
    assert_plan("stopNotice: 1s\ndrainSpread: 1s\ndrainTime: 2s", 1000, 1250, 2000, 2000);
    assert_plan("drainTime: 0", 0, 0, 0, 0);
    assert_plan("stopNotice: 5s\ndrainSpread: 12s\ndrainTime: 0", 0, 0, 0, 0);
}

static void defaults_make_room(void **state)
{
    (void)state;
    assert_plan("drainTime: 1h", 5000, 5500, 17000, LAST_MS);
    assert_plan("drainTime: 10s", 2500, 3000, 8500, 10000);
    assert_plan("drainTime: 1s", 250, 437, 850, 1000);
    assert_plan("drainTime: 100ms", 25, 43, 85, 100);
    assert_plan("stopNotice: 0\ndrainTime: 1s", 0, 250, 800, 1000);
    assert_plan("drainSpread: 900ms\ndrainTime: 1s", 25, 268, 925, 1000);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"stopNotice: 10s\ndrainSpread: 15s", "20000 ms is less than stopNotice (10000 ms) and "
                                              "drainSpread (15000 ms) together"},
        {"stopNotice: 21s", "20000 ms is less than stopNotice (21000 ms)"},
        {"drainSpread: 2s\ndrainTime: 1s", "1000 ms is less than stopNotice (0 ms) and "
                                           "drainSpread (2000 ms)"},
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "services: [{name: a}]\n%s", cases[i][0]);
        assert_int_equal(fixture_load(&config, text), -EINVAL);
        if (!strstr(fixture_fault, cases[i][1]) || !strstr(fixture_fault, "drainTime: "))
            fail_msg("%s: %s", cases[i][0], fixture_fault);
    }
}

static void steps_are_due_in_their_order(void **state)
{
    const struct drain_plan plan = plan_of("");
    const struct drain_plan at_once = plan_of("drainTime: 0");

    (void)state;
    assert_int_equal(drain_plan_due(&plan, 0), DRAIN_STREAMS);
    assert_int_equal(drain_plan_due(&plan, 4999), DRAIN_STREAMS);
    assert_int_equal(drain_plan_due(&plan, 5000), DRAIN_LEAVE);
    assert_int_equal(drain_plan_due(&plan, 5500), DRAIN_REST);
    assert_int_equal(drain_plan_due(&plan, 17000), DRAIN_CUT);
    assert_int_equal(drain_plan_due(&plan, 20000), DRAIN_STEPS);
    assert_int_equal(drain_plan_due(&plan, UINT64_MAX), DRAIN_STEPS);
    assert_int_equal(drain_plan_due(&at_once, 0), DRAIN_STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_settings_make_a_plan),
        cmocka_unit_test(defaults_make_room),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(steps_are_due_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
