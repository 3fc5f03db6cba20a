/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "broker/revoking.h"
#include "qos/revocations.h"
#include "support/test.h"

static void a_list_is_read_as_it_was_packed(void **state)
{
    const struct qos_revocation first = {"tsecret", 12, 34}, second = {"", -1, INT64_MAX};
    struct qos_revocations list = {.count = 0};
    struct qos_revocation read;
    struct bytes *packed;
    size_t at = 0;

    (void)state;
    qos_revocations_add(&list, &first);
    qos_revocations_add(&list, &second);
    packed = broker_revocations_pack(&list);
    qos_revocations_release(&list);
    assert_true(broker_revocations_next(packed, &at, &read));
    assert_string_equal(read.name, "tsecret");
    assert_int_equal(read.issued_until, 12);
    assert_int_equal(read.until, 34);
    assert_true(broker_revocations_next(packed, &at, &read));
    assert_string_equal(read.name, "");
    assert_int_equal(read.issued_until, -1);
    assert_int_equal(read.until, INT64_MAX);
    assert_false(broker_revocations_next(packed, &at, &read));
    bytes_unref(packed);
}

static void a_list_may_be_empty(void **state)
{
    const struct qos_revocations none = {.count = 0};
    struct bytes *packed = broker_revocations_pack(&none);
    struct qos_revocation read;
    size_t at = 0;

    (void)state;
    assert_false(broker_revocations_next(packed, &at, &read));
    bytes_unref(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_as_it_was_packed),
        cmocka_unit_test(a_list_may_be_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
