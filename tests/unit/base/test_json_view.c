/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json_view.h"
#include "support/test.h"

enum { KEPT, ID, LIST, MEMBERS };

static int find(const char *name, size_t length)
{
    static const char *const names[MEMBERS] = {"kept", "id", "list"};

    for (int i = 0; i < MEMBERS; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    }
    return -1;
}

static const struct json_view_members members = {.find = find, .kept = KEPT};

static bool is_plain(const char *string, struct json_view views[MEMBERS])
{
    struct json_view_text text = {.text = string, .length = strlen(string)};

    memset(views, 0, MEMBERS * sizeof(*views));
    return json_view_object(&text, &members, views) && json_view_is_over(&text);
}

static void assert_text(struct json_view view, const char *expected)
{
    assert_int_equal(view.kind, JSON_VIEW_TEXT);
    assert_int_equal(view.length, strlen(expected));
    assert_memory_equal(view.text, expected, view.length);
}

static void test_members_lie_in_the_text(void **state)
{
    struct json_view views[MEMBERS];

    (void)state;
    assert_true(is_plain(" {\t\"id\" :\r\n\"caf\xc3\xa9 au lait\" , \"kept\" :{ \"a\":[ 1e3 ] } } ",
                         views));
    assert_text(views[ID], "caf\xc3\xa9 au lait");
    assert_text(views[KEPT], "{ \"a\":[ 1e3 ] }");
    assert_false(json_view_is_there(&views[LIST]));
    assert_true(is_plain("{\"id\":-123456789012345678}", views));
    assert_int_equal(views[ID].kind, JSON_VIEW_INTEGER);
    assert_int_equal(views[ID].integer, -123456789012345678);
    assert_true(is_plain("{\"id\":true,\"list\":false}", views));
    assert_int_equal(views[ID].kind, JSON_VIEW_TRUE);
    assert_int_equal(views[LIST].kind, JSON_VIEW_FALSE);
    assert_true(is_plain("{\"id\":null,\"kept\":null}", views));
    assert_false(json_view_is_there(&views[ID]));
    assert_text(views[KEPT], "null"); /* which is its owner's */
    assert_true(is_plain("{}", views));
}

static void assert_list(struct json_view list)
{
    struct json_view second;

    assert_int_equal(list.kind, JSON_VIEW_ARRAY);
    assert_int_equal(list.count, 3);
    assert_text(json_view_next(&list), "a");
    second = json_view_next(&list);
    assert_int_equal(second.kind, JSON_VIEW_INTEGER);
    assert_int_equal(second.integer, 7);
    assert_text(json_view_next(&list), "");
}

static void test_an_array_is_the_same_in_a_tree(void **state)
{
    static const char list[] = "[ \"a\",7 ,\"\" ]";
    struct json_view views[MEMBERS];
    json_t *tree = json_loads(list, 0, NULL);
    char text[64];

    (void)state;
    snprintf(text, sizeof(text), "{\"list\":%s,\"id\":[]}", list);
    assert_true(is_plain(text, views));
    assert_list(views[LIST]);
    assert_int_equal(views[ID].kind, JSON_VIEW_ARRAY);
    assert_int_equal(views[ID].count, 0);
    assert_list(json_view_of(tree));
    json_decref(tree);
}

static void test_what_is_not_plain(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{\"id\"",
        "{\"id\":",
        "{\"id\":1",
        "{\"id\":1,",
        "{\"id\":1,}",
        "{}x",
        "{,}",
        "{\"other\":1}",
        "{\"id\":1,\"id\":1}",
        "{\"id\":null,\"id\":1}",
        "{\"i\\u0064\":1}",
        "{\"id\":\"a\\n\"}",
        "{\"id\":\"a",
        "{\"id\":\"\x01\"}",
        "{\"id\":\"\xff\"}",
        "{\"id\":\"\xed\xa0\x80\"}",
        "{\"id\":1.5}",
        "{\"id\":1e3}",
        "{\"id\":01}",
        "{\"id\":-0}",
        "{\"id\":-}",
        "{\"id\":1234567890123456789}",
        "{\"id\":tru}",
        "{\"id\":truex}",
        "{\"id\":{}}",
        "{\"list\":[1,]}",
        "{\"list\":[true]}",
        "{\"list\":[[]]}",
        "{\"list\":[1",
        "{\"list\":[1 2]}",
        "{\"kept\":}",
        "{\"kept\":[1,]}",
        "{\"kept\":\"a}",
        "{id:1}",
    };
    struct json_view views[MEMBERS];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (is_plain(texts[i], views))
            fail_msg("%s is plain", texts[i]);
    }
}

static void test_as_many_values_as_in_a_tree(void **state)
{
    char text[32768] = "{\"list\":[0";
    struct json_view views[MEMBERS];
    char *at = text + strlen(text);

    (void)state;
    for (int i = 1; i < 10000; i++)
        at = stpcpy(at, ",0");
    stpcpy(at, "]}");
    assert_true(is_plain(text, views));
    assert_int_equal(views[LIST].count, 10000);
    stpcpy(at, ",0]}");
    assert_false(is_plain(text, views));
}

static void test_values_of_a_tree(void **state)
{
    json_t *real = json_real(1.5);

    (void)state;
    assert_int_equal(json_view_of(NULL).kind, JSON_VIEW_NONE);
    assert_int_equal(json_view_of(real).kind, JSON_VIEW_OTHER);
    json_decref(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_lie_in_the_text),
        cmocka_unit_test(test_an_array_is_the_same_in_a_tree),
        cmocka_unit_test(test_what_is_not_plain),
        cmocka_unit_test(test_as_many_values_as_in_a_tree),
        cmocka_unit_test(test_values_of_a_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
