/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/gathering.h"
#include "support/test.h"

enum { NOW = 1000000, TOOK = 800, MOST = 256 };

static void waits_for_who_has_got_an_answer(void **state)
{
    struct qos_gathering gathering = {0};

    (void)state;
    assert_int_equal(qos_gathering_us(&gathering, NOW, 0), 0);
    qos_gathering_begin(&gathering, NOW, TOOK, 4, 3, MOST);
    assert_int_equal(qos_gathering_us(&gathering, NOW, 3), TOOK);
    assert_int_equal(qos_gathering_us(&gathering, NOW + 300, 6), TOOK - 300);
    assert_int_equal(qos_gathering_us(&gathering, NOW + 300, 7), 0);
    assert_int_equal(qos_gathering_us(&gathering, NOW + TOOK, 3), 0);
    qos_gathering_end(&gathering, 7);
    assert_int_equal(qos_gathering_us(&gathering, NOW, 0), 0);
}

/* A lone sender, one who waits for nothing, a store that is as quick as waiting is, a full
 * transaction. */
static void waits_for_nobody_in_vain(void **state)
{
    struct qos_gathering gathering = {0};

    (void)state;
    qos_gathering_begin(&gathering, NOW, TOOK, 1, 0, MOST);
    assert_int_equal(gathering.wanted, 0);
    qos_gathering_begin(&gathering, NOW, TOOK, 0, 9, MOST);
    assert_int_equal(gathering.wanted, 0);
    qos_gathering_begin(&gathering, NOW, GATHERING_US_LEAST - 1, 8, 8, MOST);
    assert_int_equal(gathering.wanted, 0);
    qos_gathering_begin(&gathering, NOW, TOOK, 8, MOST, MOST);
    assert_int_equal(gathering.wanted, 0);
    qos_gathering_begin(&gathering, NOW, TOOK, MOST, MOST - 1, MOST);
    assert_int_equal(gathering.wanted, MOST);
}

static void waits_no_longer_than_is_bearable(void **state)
{
    struct qos_gathering gathering = {0};

    (void)state;
    qos_gathering_begin(&gathering, NOW, 3600000000, 8, 8, MOST);
    assert_int_equal(qos_gathering_us(&gathering, NOW, 8), GATHERING_US_MOST);
}

static void some_may_be_late(void **state)
{
    struct qos_gathering gathering = {0};

    (void)state;
    qos_gathering_begin(&gathering, NOW, TOOK, 8, 8, MOST);
    assert_int_equal(qos_gathering_us(&gathering, NOW, 13), TOOK);
    assert_int_equal(qos_gathering_us(&gathering, NOW, 14), 0);
}

/* How often it is not tried before it is again. */
static unsigned pause_of(struct qos_gathering *gathering)
{
    unsigned pause = 0;

    for (;; pause++) {
        qos_gathering_begin(gathering, NOW, TOOK, 8, 0, MOST);
        if (gathering->wanted > 0)
            return pause;
        qos_gathering_end(gathering, 0);
    }
}

static void who_does_not_come_is_left_alone(void **state)
{
    struct qos_gathering gathering = {0};

    (void)state;
    for (unsigned pause = 0; pause<64; pause = pause> 0 ? 2 * pause : 2) {
        assert_int_equal(pause_of(&gathering), pause);
        qos_gathering_end(&gathering, 2);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pause_of(&gathering), 64);
        qos_gathering_end(&gathering, 2);
    }
    assert_int_equal(pause_of(&gathering), 64);
    qos_gathering_end(&gathering, 7);
    assert_int_equal(pause_of(&gathering), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_who_has_got_an_answer),
        cmocka_unit_test(waits_for_nobody_in_vain),
        cmocka_unit_test(waits_no_longer_than_is_bearable),
        cmocka_unit_test(some_may_be_late),
        cmocka_unit_test(who_does_not_come_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
