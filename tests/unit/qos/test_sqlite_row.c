/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "qos/sqlite_repository.h"
#include "support/test.h"

static const struct qos_recipient anna = {SSE_BY_USER, "anna", ""};

static struct qos_message message_of(const char *json)
{
    return (struct qos_message){.id = "m-1", .json = json, .length = strlen(json)};
}

static void assert_kept(const char *json, size_t size)
{
    const struct qos_message message = message_of(json);
    struct buf row = BUF_INIT, text = BUF_INIT;

    assert_true(qos_sqlite_row_cut(&row, &message, &anna));
    assert_int_equal(row.length, size);
    assert_true(qos_sqlite_row_restore(&text, row.data, row.length, "m-1", &anna));
    assert_string_equal(buf_str(&text), json);
    buf_release(&row);
    buf_release(&text);
}

static void what_is_in_other_columns_is_left_out(void **state)
{
    (void)state;
    assert_kept("{\"data\":1,\"userId\":[\"anna\"],\"qos\":1,\"id\":\"m-1\"}", 10);
    assert_kept("{\"userId\":[\"anna\"],\"qos\":1,\"ttl\":5,\"id\":\"m-1\"}", 35);
    assert_kept("{\"channel\":[\"anna\"],\"qos\":1,\"id\":\"m-1\"}", 28);
    assert_kept("{\"userId\":[\"an\\u006ea\"],\"qos\":1,\"id\":\"m-1\"}", 32);
}

static void any_other_text_is_kept_whole(void **state)
{
    static const char *const texts[] = {"", "}", "{\"id\":\"m-1\"}", "{\"id\":\"m-1\",\"data\":1}",
                                        "{\"data\":1,\"id\":\"m-2\"}"};
    struct buf row = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct qos_message message = message_of(texts[i]);

        assert_false(qos_sqlite_row_cut(&row, &message, &anna));
    }
    buf_release(&row);
}

static void a_row_that_nobody_has_made_is_not_restored(void **state)
{
    static const struct qos_recipient nobody = {(enum sse_dimension)77, "anna", ""};
    struct buf text = BUF_INIT;

    (void)state;
    assert_false(qos_sqlite_row_restore(&text, "", 0, "m-1", &anna));
    assert_false(qos_sqlite_row_restore(&text, "{}", 2, "m-1", &anna));
    assert_false(qos_sqlite_row_restore(&text, "{\x03", 2, "m-1", &anna));
    assert_false(qos_sqlite_row_restore(&text, "{\x02", 2, "m-1", &nobody));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_other_columns_is_left_out),
        cmocka_unit_test(any_other_text_is_kept_whole),
        cmocka_unit_test(a_row_that_nobody_has_made_is_not_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
