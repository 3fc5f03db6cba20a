/* SPDX-License-Identifier: Apache-2.0 */
/* Every secret of the table can come from a file, and from a variable that names one. */
#include <ctype.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "server/config_keys.h"
#include "server/config_value.h"
#include "unit/server/config_fixture.h"

static const char services[] = "services: [{name: one}]\nlisteners: [{address: 'localhost:1'}]\n";
static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/test-secrets-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char path[96];

    (void)state;
    snprintf(path, sizeof(path), "%s/secret", directory);
    unlink(path);
    return rmdir(directory);
}

static const char *write_file(const char *text, size_t length)
{
    static char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/secret", directory);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Whether a word of the name says that it holds one. */
static bool sounds_secret(const struct config_key *key)
{
    return strcasestr(key->name, "secret") != NULL &&
           strcasestr(key->name, "secretNames") == NULL &&
           strcasestr(key->name, "showSecrets") == NULL;
}

static void every_secret_has_a_file_beside_it(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const struct config_key *file = config_key_beside(key);
        char name[96];

        if (sounds_secret(key))
            assert_true(key->is_secret || key->is_file);
        if (!key->is_secret || key->is_shorthand)
            continue;
        snprintf(name, sizeof(name), "%sFile", key->name);
        assert_string_equal(file->name, name);
        assert_true(file->is_file && file->change == CONFIG_DYNAMIC);
        assert_ptr_equal(config_key_beside(file), key);
        count++;
    }
    assert_int_equal(count, 4);
}

/* All that is needed for the key to make sense, and NULL: it is none of these. */
static const char *beside(const struct config_key *key)
{
    if (strncmp(key->name, "tokenKeys", 9) == 0)
        return "algorithm: HS256, ";
    return "";
}

static void load_with(const struct config_key *file, const char *path, struct config *config,
                      int expected)
{
    const char *dot = strrchr(file->name, '.') + 1;
    const char *bracket = strstr(file->name, "[]");
    struct buf text = BUF_INIT;

    if (!bracket)
        buf_printf(&text, "%s%.*s: {%s: '%s'}\n", services, (int)(dot - file->name - 1), file->name,
                   dot, path);
    else if (strncmp(file->name, "services", 8) == 0)
        buf_printf(&text, "services: [{name: one, %s: '%s'}]\n", dot, path);
    else
        buf_printf(&text, "%s%.*s: [{%s%s: '%s'}]\n", services, (int)(bracket - file->name),
                   file->name, beside(file), dot, path);
    assert_int_equal(fixture_load(config, buf_str(&text)), expected);
    buf_release(&text);
}

static const char *value_of(struct config *config, const struct config_key *key)
{
    const void *owner = key->list ? config_list_item(config, key->list, 0) : config;
    const char *text;

    memcpy(&text, (const char *)owner + key->offset, sizeof(text));
    return text;
}

#define VALUE "0123456789012345678901234567890123456789"

static void expect_text(const char *content)
{
    const char *path = write_file(content, strlen(content));

    for (size_t i = 0; i < config_key_count; i++) {
        struct config config;

        if (!config_keys[i].is_file)
            continue;
        load_with(&config_keys[i], path, &config, 0);
        assert_string_equal(value_of(&config, config_key_beside(&config_keys[i])), VALUE);
        assert_string_equal(value_of(&config, &config_keys[i]), path);
        config_release(&config);
    }
}

static void its_text_is_the_secret_without_the_end_of_the_line(void **state)
{
    (void)state;
    expect_text(VALUE);
    expect_text(VALUE "\n");
    expect_text(VALUE "\r\n");
}

/* sentence: behind the path. */
static void expect_faults(const char *content, size_t length, const char *sentence)
{
    const char *path = content ? write_file(content, length) : "/nowhere/at/all";

    for (size_t i = 0; i < config_key_count; i++) {
        struct config config;

        if (!config_keys[i].is_file)
            continue;
        load_with(&config_keys[i], path, &config, -EINVAL);
        if (!strstr(fixture_fault, sentence) || !strstr(fixture_fault, "File: "))
            fail_msg("%s", fixture_fault);
    }
}

static void what_is_no_secret_is_refused(void **state)
{
    static char large[5000];

    (void)state;
    memset(large, 'a', sizeof(large));
    expect_faults("", 0, "is empty");
    expect_faults("\n", 1, "is empty");
    expect_faults("a\0b", 3, "holds a NUL");
    expect_faults("a\nb\n", 4, "holds a control character");
    expect_faults(large, sizeof(large), "is larger than a secret may be");
    expect_faults(NULL, 0, "\"/nowhere/at/all\": No such file or directory");
}

static void both_are_refused(void **state)
{
    const char *path = write_file(VALUE, strlen(VALUE));
    char text[400];

    (void)state;
    snprintf(text, sizeof(text), "%sapiKeys:\n  - key: other\n    keyFile: %s\n", services, path);
    fixture_expect_fault(text,
                         "conf.yaml:4: apiKeys[0].keyFile: stands beside key; give one of the "
                         "two");
    snprintf(text, sizeof(text),
             "services:\n  - {name: one, webhookSecret: a, webhookSecretFile: %s}", path);
    fixture_expect_fault(text, "conf.yaml:2: services[0].webhookSecretFile: stands beside "
                               "webhookSecret; give one of the two");
    snprintf(text, sizeof(text), "%soutbound: {proxy: 'http://a', proxyFile: %s}", services, path);
    assert_int_not_equal(fixture_load(&(struct config){0}, text), 0);
    assert_non_null(strstr(fixture_fault, "outbound.proxyFile: stands beside proxy"));
}

static int load_variables(struct config *config, const char *text, const char *first,
                          const char *second)
{
    char *const environment[] = {(char *)NOWHERE, (char *)first, (char *)second, NULL};

    return fixture_load_bytes(config, text, strlen(text), environment);
}

static void a_variable_wins_over_the_file_in_either_form(void **state)
{
    const char *path = write_file("from-the-file\n", 14);
    char text[300], variable[200];
    struct config config;

    (void)state;
    /* A name of a file over a text, */
    snprintf(variable, sizeof(variable), "SSE_SERVER_SERVICES_0_WEBHOOK_SECRET_FILE=%s", path);
    assert_int_equal(
        load_variables(&config, "services: [{name: one, webhookSecret: text}]", variable, NULL), 0);
    assert_string_equal(config.services[0].api.broker.webhook_secret, "from-the-file");
    config_release(&config);
    /* a text over the name of a file, */
    snprintf(text, sizeof(text), "services: [{name: one, webhookSecretFile: /nowhere}]");
    assert_int_equal(
        load_variables(&config, text, "SSE_SERVER_SERVICES_0_WEBHOOK_SECRET=variable", NULL), 0);
    assert_string_equal(config.services[0].api.broker.webhook_secret, "variable");
    config_release(&config);
    /* but not both. */
    assert_int_not_equal(load_variables(&config, "services: [{name: one}]", variable,
                                        "SSE_SERVER_SERVICES_0_WEBHOOK_SECRET=variable"),
                         0);
    assert_non_null(strstr(fixture_fault, "webhookSecretFile: stands beside webhookSecret"));
}

static void the_shorthand_has_a_file_too(void **state)
{
    const char *path = write_file("one,two\n", 8);
    char variable[200];
    struct config config;

    (void)state;
    snprintf(variable, sizeof(variable), "SSE_SERVER_API_KEY_FILE=%s", path);
    assert_int_equal(load_variables(&config, services, variable, NULL), 0);
    assert_int_equal(config.api_key_count, 2);
    assert_string_equal(config.api_keys[0].key, "one");
    config_release(&config);
    assert_int_not_equal(load_variables(&config, services, variable, "SSE_SERVER_API_KEY=a"), 0);
    assert_string_equal(fixture_fault, "SSE_SERVER_API_KEY_FILE: stands beside SSE_SERVER_API_KEY; "
                                       "give one of the two");
    assert_int_not_equal(
        load_variables(&config, services, "SSE_SERVER_API_KEY_FILE=/nowhere", NULL), 0);
    assert_string_equal(fixture_fault,
                        "SSE_SERVER_API_KEY_FILE: \"/nowhere\": No such file or directory");
}

static void a_relative_path_is_in_the_directory_of_credentials(void **state)
{
    char variable[200];
    struct config config;

    (void)state;
    write_file(VALUE, strlen(VALUE));
    snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", directory);
    assert_int_equal(load_variables(&config, "services: [{name: one, webhookSecretFile: secret}]",
                                    variable, NULL),
                     0);
    assert_string_equal(config.services[0].api.broker.webhook_secret, VALUE);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_secret_has_a_file_beside_it),
        cmocka_unit_test(its_text_is_the_secret_without_the_end_of_the_line),
        cmocka_unit_test(what_is_no_secret_is_refused),
        cmocka_unit_test(both_are_refused),
        cmocka_unit_test(a_variable_wins_over_the_file_in_either_form),
        cmocka_unit_test(the_shorthand_has_a_file_too),
        cmocka_unit_test(a_relative_path_is_in_the_directory_of_credentials),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
