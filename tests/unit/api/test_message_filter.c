/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/exchange.h"
#include "api/query/filters.h"
#include "support/test.h"

struct fixture {
    struct sse_service_settings core;
    struct api_service_settings settings;
    struct auth auth;
    struct api_service service;
    struct api_exchange exchange;
    struct message_filter filter;
};

/* As a backend does whose tokens have names of their own. */
static void name_token(char *token)
{
    token[strcspn(token, ".")] = '\0';
}

static const struct auth_ops naming_ops = {.name_token = name_token};
static const struct auth_ops plain_ops = {.name_token = NULL};

static void read_query(struct fixture *fixture, const struct auth_ops *ops, const char *query)
{
    size_t at;

    *fixture = (struct fixture){.auth = {.ops = ops}};
    fixture->settings.core = &fixture->core;
    fixture->service.settings = &fixture->settings;
    fixture->service.auth = &fixture->auth;
    fixture->exchange.service = &fixture->service;
    assert_int_equal(h2_form_parse(&fixture->exchange.query, query, strlen(query), &at), 0);
    assert_true(message_filter_init(&fixture->filter, &fixture->exchange));
}

static void release(struct fixture *fixture)
{
    message_filter_release(&fixture->filter);
    h2_form_release(&fixture->exchange.query);
}

static void nothing_said_is_empty(void **state)
{
    static const char *const queries[] = {"", "pageNum=1", "userId=&accessToken=&tenantId",
                                          "channel=&channel=", "listeners=+,+,"};
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        read_query(&fixture, &naming_ops, queries[i]);
        assert_true(message_filter_is_empty(&fixture.filter));
        assert_null(fixture.filter.filter.channels);
        assert_null(fixture.filter.filter.listeners);
        release(&fixture);
    }
}

static void each_alone_is_not_empty(void **state)
{
    static const char *const queries[] = {"userId=7", "accessToken=t", "tenantId=north",
                                          "channel=red", "listeners=bell"};
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        read_query(&fixture, &plain_ops, queries[i]);
        assert_false(message_filter_is_empty(&fixture.filter));
        release(&fixture);
    }
}

static void all_are_read(void **state)
{
    const struct qos_filter *filter;
    struct fixture fixture;

    (void)state;
    read_query(&fixture, &plain_ops,
               "userId=7&tenantId=north&accessToken=a.b&channel=red&channel=&channel=a,b&"
               "listeners=bell,+door+,,");
    filter = &fixture.filter.filter;
    assert_string_equal(filter->user_id, "7");
    assert_string_equal(filter->tenant_id, "north");
    assert_string_equal(filter->token, "a.b");
    assert_int_equal(filter->channel_count, 2);
    assert_string_equal(filter->channels[0], "red");
    assert_string_equal(filter->channels[1], "a,b");
    assert_int_equal(filter->listener_count, 2);
    assert_string_equal(filter->listeners[0], "bell");
    assert_string_equal(filter->listeners[1], "door");
    assert_false(filter->is_strict);
    release(&fixture);
}

static void a_token_gets_its_name(void **state)
{
    struct fixture fixture;

    (void)state;
    read_query(&fixture, &naming_ops, "accessToken=name.secret");
    assert_string_equal(fixture.filter.filter.token, "name");
    assert_string_equal(h2_form_get(&fixture.exchange.query, "accessToken"), "name.secret");
    release(&fixture);
}

static void a_tenant_is_read_beside_a_user(void **state)
{
    static const struct {
        const char *query, *user_id, *tenant_id;
    } rows[] = {
        {"userId=7&tenantId=north", "7", "north"},
        {"userId=7&tenantId=", "7", NULL},
        {"userId=&tenantId=north", NULL, "north"},
    };
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct qos_filter *filter = &fixture.filter.filter;

        read_query(&fixture, &plain_ops, rows[i].query);
        assert_false(filter->of_tenant);
        assert_int_equal(filter->user_id != NULL, rows[i].user_id != NULL);
        assert_int_equal(filter->tenant_id != NULL, rows[i].tenant_id != NULL);
        if (rows[i].tenant_id)
            assert_string_equal(filter->tenant_id, rows[i].tenant_id);
        release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_is_read_beside_a_user), cmocka_unit_test(nothing_said_is_empty),
        cmocka_unit_test(each_alone_is_not_empty),        cmocka_unit_test(all_are_read),
        cmocka_unit_test(a_token_gets_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
