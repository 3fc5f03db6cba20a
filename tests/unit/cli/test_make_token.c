/* SPDX-License-Identifier: Apache-2.0 */
/* make-token and check-token: what the one makes is good for the other. */
#include "cli/credentials.h"
#include "unit/server/config_fixture.h"
#include "unit/server/token_files.h"

static struct config config;
static struct config_fault fault;

static int load(void **state)
{
    char text[1200];

    token_files_make(state);
    snprintf(text, sizeof(text),
             "services:\n"
             "  - {name: open}\n"
             "  - {name: hr, auth: jwt, jwt: {issuer: us, audience: [a, b], tenantId: org}}\n"
             "  - {name: chat, auth: jwt, jwt: {requireExpiry: false}}\n"
             "tokenKeys:\n"
             "  - {id: public, algorithm: ES256, file: %s/public.pem, services: [hr]}\n"
             "  - {id: own, algorithm: HS256, file: %s/secret, services: [hr]}\n"
             "  - {jwks: %s/set.json, services: [chat]}\n",
             token_files, token_files, token_files);
    if (fixture_load(&config, text) != 0)
        fail_msg("%s", fixture_fault);
    return 0;
}

static int unload(void **state)
{
    config_release(&config);
    return token_files_remove(state);
}

static int make(const struct cli_line *line, char *token, size_t size)
{
    FILE *to = tmpfile();
    int rc = make_token(line, &config, to, &fault);

    rewind(to);
    if (!fgets(token, (int)size, to))
        token[0] = '\0';
    token[strcspn(token, "\n")] = '\0';
    fclose(to);
    return rc;
}

static int check(const char *token, const char *service, char *text, size_t size)
{
    FILE *to = tmpfile();
    FILE *from = tmpfile();
    char *arguments[] = {(char *)"-"};
    const struct cli_line line = {.service = service, .arguments = arguments, .argument_count = 1};
    int rc;

    fprintf(from, "%s\n", token);
    rewind(from);
    rc = check_token(&line, &config, from, to, &fault);
    rewind(to);
    text[fread(text, 1, size - 1, to)] = '\0';
    fclose(from);
    fclose(to);
    return rc;
}

static void a_token_is_made_and_is_good(void **state)
{
    char token[2048], text[1024];
    const struct cli_line request = {.user = "7",
                                     .name = "Ann",
                                     .tenant = "t1",
                                     .channels = "news, orders*",
                                     .permissions = "send,query",
                                     .expires = "5m"};

    (void)state;
    assert_int_equal(make(&request, token, sizeof(token)), 0);
    assert_int_equal(check(token, NULL, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "OK\nuser {\"id\":\"7\",\"name\":\"Ann\","));
    assert_non_null(strstr(text, "\"tenantId\":\"t1\",\"channels\":\"news\\norders*\"}\n"));
    assert_non_null(strstr(text, "permissions send query\nkey \"own\" (HS256)\nexpires in "));
    assert_null(strstr(text, token));
}

static void another_key_may_sign(void **state)
{
    struct cli_line request = {.user = "7", .key = "public"};
    char token[2048], text[1024], path[100];

    (void)state;
    assert_int_equal(make(&request, token, sizeof(token)), -EINVAL);
    assert_non_null(strstr(fault.message, "--key-file"));
    snprintf(path, sizeof(path), "%s/private.pem", token_files);
    request.key_file = path;
    assert_int_equal(make(&request, token, sizeof(token)), 0);
    assert_int_equal(check(token, "hr", text, sizeof(text)), 0);
    assert_non_null(strstr(text, "key \"public\" (ES256)"));
    request.key_file = "/nowhere";
    assert_int_equal(make(&request, token, sizeof(token)), -EINVAL);
    assert_non_null(strstr(fault.message, "/nowhere"));
    request.key = "unknown";
    assert_int_equal(make(&request, token, sizeof(token)), -EINVAL);
    assert_non_null(strstr(fault.message, "with that id"));
}

static void what_cannot_be_made(void **state)
{
    static const struct {
        struct cli_line request;
        const char *because;
    } cases[] = {
        {{.name = "Ann"}, "--user"},
        {{.user = "7", .expires = "soon"}, "--expires: \"soon\""},
        {{.user = "7", .service = "open"}, "auth: jwt"},
        {{.user = "7", .service = "chat"}, "can sign"},
    };
    char token[2048];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(make(&cases[i].request, token, sizeof(token)), -EINVAL);
        assert_non_null(strstr(fault.message, cases[i].because));
    }
}

static void what_is_not_good(void **state)
{
    const struct cli_line request = {.permissions = "send", .expires = "0"};
    const struct cli_line later = {.permissions = "send", .expires = "1d"};
    char token[2048], text[1024];

    (void)state;
    assert_int_equal(check("x.y.z", NULL, text, sizeof(text)), -EACCES);
    assert_non_null(strstr(fault.message, "malformed"));
    assert_string_equal(text, "");
    assert_int_equal(make(&request, token, sizeof(token)), -EINVAL);
    assert_non_null(strstr(fault.message, "--expires: \"0\" is out of range"));
    assert_int_equal(make(&later, token, sizeof(token)), 0);
    assert_int_equal(check(token, "open", text, sizeof(text)), -EINVAL);
}

static void keys_of_a_set_count(void **state)
{
    /* {"alg":"HS256","kid":"of the set"}, {"sub":"7"}, signed with the set's key. */
    static const char token[] = "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9mIHRoZSBzZXQifQ.eyJzdWIiOiI3In0."
                                "vTfx8hPAQOl9hx9b3ooqMqcJkJ2lcdwKv0gRl8-CpGQ";
    char text[1024];

    (void)state;
    assert_int_equal(check(token, "chat", text, sizeof(text)), 0);
    assert_non_null(strstr(text, "key \"of the set\" (HS256)\nnever expires\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_made_and_is_good), cmocka_unit_test(another_key_may_sign),
        cmocka_unit_test(what_cannot_be_made),         cmocka_unit_test(what_is_not_good),
        cmocka_unit_test(keys_of_a_set_count),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
