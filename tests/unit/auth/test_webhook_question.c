/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/webhook.h"
#include "base/buf.h"
#include "request_facts.h"
#include "support/test.h"

static const struct auth_webhook_names names = {
    .cookies = "session, remember",
    .headers = "authorization, x-tenant",
    .parameters = "access-token, code",
};

static bool make(const struct request *request, struct auth_webhook_question *question)
{
    const struct auth_facts facts = request_facts(request);

    return auth_webhook_question_init(question, &names, &facts);
}

static void assert_fields(const struct auth_webhook_question *question, const char *expected)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < question->field_count; i++)
        buf_printf(&text, "%s: %s\n", question->fields[i].name, question->fields[i].value);
    assert_string_equal(buf_str(&text), expected);
    buf_release(&text);
}

static void test_what_is_named_is_told(void **state)
{
    const struct request request = {
        .headers = {{"x-tenant", "t1"}, {"user-agent", "other"}, {"authorization", "Basic YTpi"}},
        .cookies = {{"other", "secret"}, {"remember", "r"}, {"session", "s=1"}},
        .parameters = {{"code", "ä\"b"}, {"userId", "7"}},
    };
    const struct auth_facts facts = request_facts(&request);
    struct auth_webhook_question question;
    struct bytes *text;

    (void)state;
    assert_true(make(&request, &question));
    assert_fields(&question, "authorization: Basic YTpi\nx-tenant: t1\ncookie: session=s=1; "
                             "remember=r\n");
    text = auth_webhook_question_text(&question, &facts, "demo", 1700000000123);
    assert_string_equal(
        text->data,
        "{\"type\":\"auth\",\"time\":1700000000123,\"service\":\"demo\",\"method\":\"GET\","
        "\"path\":\"/sse/demo/connect\",\"address\":\"192.0.2.7\","
        "\"headers\":{\"authorization\":\"Basic YTpi\",\"x-tenant\":\"t1\"},"
        "\"cookies\":{\"session\":\"s=1\",\"remember\":\"r\"},"
        "\"parameters\":{\"code\":\"ä\\\"b\"},\"credential\":null}");
    bytes_unref(text);
    auth_webhook_question_release(&question);
}

static void make_for(const char *apis, const char *api, struct auth_webhook_question *question)
{
    const struct request request = {.cookies = {{"session", "s"}}};
    struct auth_webhook_names with_apis = names;
    struct auth_facts facts = request_facts(&request);

    with_apis.apis = apis;
    facts.api = api;
    assert_true(auth_webhook_question_init(question, &with_apis, &facts));
}

/* The first pattern that matches names the class; each has an answer of its own. */
static void test_classes_are_asked_about_apart(void **state)
{
    static const char apis[] = "message/admin/*, message/*, connect";
    static const struct {
        const char *api, *class;
    } cases[] = {
        {"message/admin/users", "message/admin/*"},
        {"message/administer", "message/*"},
        {"message/orders/new", "message/*"},
        {"connect", "connect"},
        {"connection", ""},
        {"upload/x", ""},
        {NULL, ""},
    };
    char keys[sizeof(cases) / sizeof(cases[0])][AUTH_KEY_HASH_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_webhook_question question;

        make_for(apis, cases[i].api, &question);
        assert_int_equal(question.class.length, strlen(cases[i].class));
        assert_memory_equal(question.class.text, cases[i].class, question.class.length);
        memcpy(keys[i], question.key, sizeof(keys[i]));
        for (size_t other = 0; other < i; other++)
            assert_int_equal(strcmp(keys[i], keys[other]) == 0,
                             strcmp(cases[i].class, cases[other].class) == 0);
        auth_webhook_question_release(&question);
    }
}

static void test_a_class_is_told(void **state)
{
    const struct request request = {.cookies = {{"session", "s"}}};
    struct auth_facts facts = request_facts(&request);
    struct auth_webhook_question question;
    struct bytes *text;

    (void)state;
    make_for("message/*", "message/a", &question);
    facts.api = "message/a";
    text = auth_webhook_question_text(&question, &facts, "demo", 1);
    assert_non_null(strstr(text->data, ",\"api\":\"message/a\",\"class\":\"message/*\","));
    bytes_unref(text);
    auth_webhook_question_release(&question);
}

static void test_who_shows_nothing_is_not_asked_about(void **state)
{
    static const struct request requests[] = {
        {.credential = NULL},
        {.headers = {{"user-agent", "other"}}, .parameters = {{"userId", "7"}}},
        {.cookies = {{"session", ""}}},
        {.cookies = {{"session", "a\tb"}}},
        {.headers = {{"authorization", "Bearer a\r\nx: y"}}},
        {.headers = {{"x-tenant", "\xe4"}}}, /* Latin-1 */
        {.credential = "a\nb", .cookies = {{"session", "s"}}},
        {.credential = "", .cookies = {{"session", "s"}}},
    };
    struct auth_webhook_question question;

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        assert_false(make(&requests[i], &question));
}

static void test_a_shown_credential_takes_the_place_of_others(void **state)
{
    const struct request request = {
        .headers = {{"authorization", "Bearer old"}, {"x-tenant", "t1"}},
        .cookies = {{"session", "s"}},
        .parameters = {{"access-token", "older"}},
        .credential = "new",
    };
    const struct auth_facts facts = request_facts(&request);
    struct auth_webhook_question question;
    struct bytes *text;

    (void)state;
    assert_true(make(&request, &question));
    assert_fields(&question, "authorization: Bearer new\nx-tenant: t1\n");
    text = auth_webhook_question_text(&question, &facts, "demo", 1);
    assert_non_null(strstr(text->data, "\"cookies\":{},\"parameters\":{},\"credential\":\"new\""));
    assert_null(strstr(text->data, "old"));
    assert_int_equal(question.source, AUTH_BY_REQUEST);
    bytes_unref(text);
    auth_webhook_question_release(&question);
}

static void test_what_a_browser_may_have_added_counts_as_a_cookie(void **state)
{
    static const struct {
        struct request request;
        enum auth_source source;
    } cases[] = {
        {{.cookies = {{"session", "s"}}}, AUTH_BY_COOKIE},
        /* A stranger's page can put a parameter beside the cookie, and a Bearer field not. */
        {{.cookies = {{"session", "s"}}, .parameters = {{"code", "c"}}}, AUTH_BY_COOKIE},
        {{.cookies = {{"session", "s"}}, .headers = {{"authorization", "Bearer b"}}},
         AUTH_BY_REQUEST},
        {{.headers = {{"authorization", "Bearer b"}}}, AUTH_BY_REQUEST},
        {{.headers = {{"authorization", "Basic YTpi"}}}, AUTH_BY_COOKIE},
        {{.headers = {{"x-tenant", "t"}}}, AUTH_BY_COOKIE},
        {{.parameters = {{"code", "c"}}}, AUTH_BY_REQUEST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_webhook_question question;

        assert_true(make(&cases[i].request, &question));
        assert_int_equal(question.source, cases[i].source);
        auth_webhook_question_release(&question);
    }
}

static void test_a_key_is_of_what_is_shown(void **state)
{
    static const struct request requests[] = {
        {.cookies = {{"session", "a"}, {"remember", "b"}}},
        {.cookies = {{"session", "a"}}},
        {.cookies = {{"session", "b"}, {"remember", "a"}}},
        {.headers = {{"authorization", "a"}}},
        {.parameters = {{"access-token", "a"}}},
        {.parameters = {{"code", "a"}}},
        {.credential = "a"},
    };
    const struct request again = {
        .headers = {{"user-agent", "another"}},
        .cookies = {{"remember", "b"}, {"other", "c"}, {"session", "a"}},
    };
    char keys[sizeof(requests) / sizeof(requests[0])][AUTH_KEY_HASH_TEXT];
    struct auth_webhook_question question;

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_true(make(&requests[i], &question));
        memcpy(keys[i], question.key, sizeof(keys[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
        auth_webhook_question_release(&question);
    }
    assert_true(make(&again, &question));
    assert_string_equal(question.key, keys[0]);
    auth_webhook_question_release(&question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_named_is_told),
        cmocka_unit_test(test_classes_are_asked_about_apart),
        cmocka_unit_test(test_a_class_is_told),
        cmocka_unit_test(test_who_shows_nothing_is_not_asked_about),
        cmocka_unit_test(test_a_shown_credential_takes_the_place_of_others),
        cmocka_unit_test(test_what_a_browser_may_have_added_counts_as_a_cookie),
        cmocka_unit_test(test_a_key_is_of_what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
