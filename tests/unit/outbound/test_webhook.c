/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "http_env.h"
#include "outbound/webhook.h"
#include "support/signature.h"

static const char json[] = "{\"event\":\"connect\"}";

static char *post(const struct outbound_webhook *webhook, const char *id)
{
    const struct outbound_field field = {"x-service", "crm"};
    struct outcome outcome = {0};
    struct bytes *body = bytes_new(json, strlen(json));
    const struct outbound_delivery delivery = {.json = body,
                                               .id = id,
                                               .fields = &field,
                                               .field_count = 1,
                                               .done = on_done,
                                               .context = &outcome};

    assert_non_null(outbound_webhook_post(http, webhook, &delivery));
    bytes_unref(body);
    run_until_done(1);
    assert_int_equal(outcome.status, 200);
    assert_string_equal(buf_str(&outcome.body), json);
    buf_release(&outcome.body);
    return http_server_latest_head(server);
}

/* The value of the field; the caller frees it. */
static char *value_of(const char *head, const char *name)
{
    char line[64];
    const char *begin;

    snprintf(line, sizeof(line), "\r\n%s: ", name);
    begin = strcasestr(head, line);
    if (!begin)
        return NULL;
    begin += strlen(line);
    return mem_strndup(begin, strcspn(begin, "\r"));
}

static void assert_field(const char *head, const char *name, const char *expected)
{
    char *value = value_of(head, name);

    assert_int_equal(value != NULL, expected != NULL);
    if (expected)
        assert_string_equal(value, expected);
    free(value);
}

static void test_signed(void **state)
{
    const struct outbound_webhook webhook = {.url = http_server_url(server, "/echo"),
                                             .secret = "s3cret",
                                             .time_limit_ms = PATIENT_MS,
                                             .answer_bytes = 1000};
    const struct signed_body what = {
        .body = json, .length = strlen(json), .now_s = time(NULL), .tolerance_s = 300};
    char *head = post(&webhook, "id-1");
    char *signature = value_of(head, OUTBOUND_SIGNATURE_FIELD);

    (void)state;
    assert_int_equal(strncmp(head, "POST /echo ", 11), 0);
    assert_field(head, "content-type", "application/json");
    assert_field(head, "user-agent", "sse-server/test");
    assert_field(head, "idempotency-key", "id-1");
    assert_field(head, "x-service", "crm");
    assert_non_null(signature);
    assert_true(signature_is_valid(signature, "s3cret", &what));
    free(signature);
    free(head);
}

static void test_not_signed(void **state)
{
    static const char *const none[] = {NULL, ""};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct outbound_webhook webhook = {.url = http_server_url(server, "/echo"),
                                                 .secret = none[i],
                                                 .time_limit_ms = PATIENT_MS,
                                                 .answer_bytes = 1000};
        char *head = post(&webhook, NULL);

        assert_field(head, OUTBOUND_SIGNATURE_FIELD, NULL);
        assert_field(head, "idempotency-key", NULL);
        free(head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_signed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
