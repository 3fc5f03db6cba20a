/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/envelope.h"
#include "support/test.h"

static const struct envelope_values good = {.status = 200, .data = "{\"a\":1}", .length = 7};

static void assert_wraps(const char *text, const struct envelope_values *values,
                         const char *expected)
{
    char fault[240] = "";
    struct envelope *envelope = envelope_new(text, fault, sizeof(fault));
    struct buf wrapped = BUF_INIT;

    if (!envelope)
        fail_msg("%s: %s", text, fault);
    envelope_append(envelope, &wrapped, values);
    assert_string_equal(buf_str(&wrapped), expected);
    buf_release(&wrapped);
    envelope_free(envelope);
}

static void assert_refused(const char *text, const char *place, const char *part)
{
    char fault[240] = "";
    struct envelope *envelope = envelope_new(text, fault, sizeof(fault));

    if (envelope)
        fail_msg("accepted: %s", text);
    if (strncmp(fault, place, strlen(place)) != 0 || !strstr(fault, part))
        fail_msg("%s: \"%s\" is not \"%s…%s\"", text, fault, place, part);
}

static void values_take_the_place_of_their_names(void **state)
{
    (void)state;
    assert_wraps("{\"status\": 0, \"result\": $data}", &good,
                 "{\"status\": 0, \"result\": {\"a\":1}}");
    assert_wraps("$data", &good, "{\"a\":1}");
    assert_wraps(" [ $data , $code,$message,\n$errorMessage ] ", &good,
                 " [ {\"a\":1} , 200,null,\nnull ] ");
    assert_wraps("{\"a\":{\"b\":[[{\"c\":$code}]]},\"d\":$data,\"e\":$data}", &good,
                 "{\"a\":{\"b\":[[{\"c\":200}]]},\"d\":{\"a\":1},\"e\":{\"a\":1}}");
    assert_wraps("{\"$\":\"1$\",\"\\\"$5\":[],\"u\":\"\\u0024data\"}", &good,
                 "{\"$\":\"1$\",\"\\\"$5\":[],\"u\":\"\\u0024data\"}");
}

static void texts_are_written_as_json(void **state)
{
    (void)state;
    assert_wraps("[$message,$errorMessage,$data]",
                 &(struct envelope_values){.data = "\"$code\"",
                                           .length = 7,
                                           .message = "say \"$data\" \\ {}",
                                           .error = "$message\n"},
                 "[\"say \\\"$data\\\" \\\\ {}\",\"$message\\n\",\"$code\"]");
}

static void places_of_other_things_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\": \"$data\"}", "line 1, column 8 ", "quotation marks");
    assert_refused("{\"a\": \"\\\"x $code y\"}", "line 1, column 12 ", "\\u0024");
    assert_refused("{\"$data\": 1}", "line 1, column 3 ", "quotation marks");
    assert_refused("{$data: 1}", "line 1, column 2 ", "member's name");
    assert_refused("{\"a\": 1, $data : 1}", "line 1, column 10 ", "member's name");
    assert_refused("{\"a\":\n 1$data}", "line 2, column 3 ", "one whole value");
    assert_refused("[$data$data]", "line 1, column 2 ", "one whole value");
    assert_refused("[$data \"x\"]", "line 1, column 2 ", "one whole value");
    assert_refused("{\"a\": $datum}", "line 1, column 7 ", "there are $data, $code");
    assert_refused("{\"a\": $}", "line 1, column 7 ", "there are $data, $code");
    assert_refused("{\"a\": ${data}}", "line 1, column 7 ", "there are $data, $code");
}

static void what_is_no_json_is_refused(void **state)
{
    char deep[201];

    (void)state;
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = '\0';
    assert_refused("", "line 1, column 1 ", "write JSON");
    assert_refused("{\"a\": $data", "line 1, column ", "write JSON");
    assert_refused("{'a': $data}", "line 1, column 2 ", "write JSON");
    assert_refused("{\"a\": $data,\n \"a\": 1}", "line 2, column ", "write JSON");
    assert_refused("{\"a\": 1, $data}", "line 1, column ", "write JSON");
    assert_refused("{\"a\": \"$", "line 1, column ", "write JSON");
    assert_refused("{\"a\": \"\\", "line 1, column ", "write JSON");
    assert_refused("$data, $data", "line 1, column ", "write JSON");
    assert_refused(deep, "line 1, column ", "write JSON");
}

static void it_tells_whether_it_shows_the_data(void **state)
{
    char fault[240];
    struct envelope *with = envelope_new("[$code,$data]", fault, sizeof(fault));
    struct envelope *without = envelope_new("{\"code\":$code}", fault, sizeof(fault));

    (void)state;
    assert_true(envelope_has_data(with));
    assert_false(envelope_has_data(without));
    envelope_free(with);
    envelope_free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_take_the_place_of_their_names),
        cmocka_unit_test(texts_are_written_as_json),
        cmocka_unit_test(places_of_other_things_are_refused),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(it_tells_whether_it_shows_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
