/* SPDX-License-Identifier: Apache-2.0 */
/* Files as people write them, and as they should not. */
#include "base/buf.h"
#include "base/text.h"
#include "unit/server/config_fixture.h"

#define NO_KEY(name)                                                                               \
    "there is no such key; the nearest is " name " (all of them: sse-server default-config)"
#define NO_KEY_NEAR "there is no such key (all of them: sse-server default-config)"

static void a_file_is_read(void **state)
{
    static const char text[] = "# hello\n"
                               "workers: 2\n"
                               "log: {level: debug, format: 'json'}\n"
                               "apiKeys: [first, \"second\"]\n"
                               "listeners:\n"
                               "  - address: 127.0.0.1:9001\n"
                               "    tls: false\n"
                               "  - address: \"[::1]:9002\"\n"
                               "services:\n"
                               "  - name: hr\n"
                               "    queueBytes: 2MiB\n"
                               "  - name: hunter\n"
                               "    basePath: /push/hunter\n"
                               "    slowPolicy: latest\n"
                               "limits:\n"
                               "  pings: {burst: 5}\n";
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, text), 0);
    assert_int_equal(config.workers, 2);
    assert_int_equal(config.log_level, LOG_DEBUG_LEVEL);
    assert_int_equal(config.log_format, LOG_FORMAT_JSON);
    assert_int_equal(config.api_key_count, 2);
    assert_string_equal(config.api_keys[1].key, "second");
    assert_int_equal(config.listener_count, 2);
    assert_false(config.listeners[0].tls);
    assert_true(config.listeners[1].tls);
    assert_string_equal(config.listeners[1].address, "[::1]:9002");
    assert_int_equal(config.service_count, 2);
    assert_string_equal(config.services[0].settings.base_path, "/sse/hr");
    assert_int_equal(config.services[0].settings.queue_bytes, 2 << 20);
    assert_string_equal(config.services[1].settings.base_path, "/push/hunter");
    assert_int_equal(config.services[1].settings.slow_policy, SSE_SLOW_LATEST);
    assert_int_equal(config.services[1].settings.queue_bytes, 1 << 20);
    assert_int_equal(config.limits.pings.burst, 5);
    assert_int_equal(config.limits.pings.per_second, 1);
    assert_false(config.demo); /* a file says what it wants; without one it is the demo */
    assert_false(config.api_key_made);
    config_release(&config);
}

static void empty_sections_are_no_fault(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "limits:\nlog:\napiKeys:\nservices: [{name: a}]\n"), 0);
    assert_int_equal(config.listener_count, 1);
    assert_string_equal(config.listeners[0].address, "localhost:8443");
    config_release(&config);
}

static void faults_name_file_line_and_key(void **state)
{
    static const char *const cases[][2] = {
        {"services:\n  - name: hr\n    queueBytes: lots\n",
         "conf.yaml:3: services[0].queueBytes: \"lots\" is not a size; use a number of bytes such "
         "as 1048576 or 1MiB (allowed: 4KiB to 1GiB)"},
        {"services:\n  - name: hr\n  - name: b\n    queueBytes: 2GiB\n",
         "conf.yaml:4: services[1].queueBytes: \"2GiB\" is out of range; use 4KiB to 1GiB"},
        {"\n\nworker: 1\n", "conf.yaml:3: worker: " NO_KEY("workers")},
        {"limits:\n  idleTimeuot: 3s\n",
         "conf.yaml:2: limits.idleTimeuot: " NO_KEY("limits.idleTimeout")},
        {"services: [{name: a, queue: 3}]\n",
         "conf.yaml:1: services[0].queue: " NO_KEY("services[].queueBytes")},
        {"\"services[]\": 1\n", "conf.yaml:1: services[]: " NO_KEY("services")},
        {"log.level: info\n", "conf.yaml:1: log.level: " NO_KEY("log.level")},
        {"log:\n  level: loud\n",
         "conf.yaml:2: log.level: \"loud\" is not known; use debug, info, warn or error"},
        {"demo: yes\n", "conf.yaml:1: demo: \"yes\" is not known; use false or true"},
        {"workers: 1\nworkers: 2\n", "conf.yaml:2: workers: stands there twice; keep one of them"},
        {"workers:\n",
         "conf.yaml:1: workers: has no value; write one, or leave the line out for the default"},
        {"workers: [1]\n", "conf.yaml:1: workers: must be a single value"},
        {"workers: {a: 1}\n", "conf.yaml:1: workers: must be a single value"},
        {"apiKeys: x\n", "conf.yaml:1: apiKeys: must be a list; write \"- …\" lines below it"},
        {"apiKeys: {a: b}\n", "conf.yaml:1: apiKeys: must be a list; write \"- …\" lines below it"},
        {"apiKeys: [[a]]\n", "conf.yaml:1: apiKeys[0]: must be a text, or a section of keys"},
        {"apiKeys: [{key: k, permissions: [[a]]}]\n",
         "conf.yaml:1: apiKeys[0].permissions: must be a list of texts without commas, such as "
         "[one, two]"},
        {"services: [{name: a}]\napiKeys: [{key: k, hash: h}]\n",
         "conf.yaml:2: apiKeys[0].hash: stands beside key; give one of the two"},
        {"limits: 3\n",
         "conf.yaml:1: limits: must be a section; write \"key: value\" lines below it"},
        {"services: [hr]\n",
         "conf.yaml:1: services[0]: must be a section; write \"key: value\" lines below it"},
        {"hello\n", "conf.yaml:1: must be a section; write \"key: value\" lines below it"},
        {"- a\n", "conf.yaml:1: must be a section; write \"key: value\" lines below it"},
        {"? {a: b}\n: c\n", "conf.yaml:1: a key must be a name"},
        {"a: b\n---\na: b\n", "conf.yaml:1: a: " NO_KEY_NEAR},
        {"demo: true\n---\ndemo: true\n", "conf.yaml:2: a second document begins; keep one"},
        {"demo: \"tr\\0ue\"\n", "conf.yaml:1: demo: holds a NUL; leave it out"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fixture_expect_fault(cases[i][0], cases[i][1]);
}

static void tabs_are_explained(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "services:\n\t- name: a\n"), -EINVAL);
    assert_non_null(strstr(fixture_fault, "conf.yaml:2: "));
    assert_non_null(strstr(fixture_fault, "indent with spaces, not with tabs"));
}

static void references_are_refused(void **state)
{
    static const char laughs[] = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
                                 "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                                 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";

    (void)state;
    fixture_expect_fault(laughs, "conf.yaml:1: a: " NO_KEY_NEAR);
    fixture_expect_fault("limits: &a [*a]\n",
                         "conf.yaml:1: limits: anchors (&name) are not supported; write the value "
                         "out");
    fixture_expect_fault("workers: *a\n",
                         "conf.yaml:1: workers: aliases (*name) are not supported; write the value "
                         "out");
    fixture_expect_fault("workers: !!int 3\n",
                         "conf.yaml:1: workers: tags (!name) are not supported; leave it out");
}

/* head, then count times the character, then tail. */
static int load_run(const char *head, char character, size_t count, const char *tail)
{
    struct config config;
    struct buf text = BUF_INIT;
    int rc = 0;

    buf_append_str(&text, head);
    for (size_t i = 0; i < count; i++)
        buf_append_char(&text, character);
    buf_append_str(&text, tail);
    rc = fixture_load_bytes(&config, buf_str(&text), text.length, fixture_bare);
    buf_release(&text);
    return rc;
}

static void depth_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(load_run("", '[', 100000, ""), -EINVAL);
    assert_int_equal(load_run("", '{', 100000, ""), -EINVAL);
    assert_int_equal(load_run("services: ", '[', 100000, ""), -EINVAL);
    assert_int_equal(load_run("apiKeys: ", '[', 500, ""), -EINVAL);
}

static void size_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(load_run("apiKeys: [", 'k', 1000000, "]\n"), -ERANGE);
    assert_string_equal(fixture_fault, "conf.yaml:1: apiKeys[0]: is 1000000 bytes long; at most "
                                       "512 are allowed");
    assert_int_equal(load_run("", 'k', 1000000, ": 1\n"), -EINVAL);
    assert_int_equal(load_run("# ", 'x', 1 << 20, "\n"), -EFBIG);
}

static void lists_are_bounded(void **state)
{
    struct config config;
    struct buf text = BUF_INIT;

    (void)state;
    buf_append_str(&text, "listeners:\n");
    for (unsigned i = 0; i <= CONFIG_MAX_LISTENERS; i++)
        buf_printf(&text, "  - address: 127.0.0.1:%u\n", 9000 + i);
    assert_int_equal(fixture_load(&config, buf_str(&text)), -EINVAL);
    assert_string_equal(fixture_fault,
                        "conf.yaml:18: listeners: has more than 16 items; leave some out");
    buf_release(&text);
}

static void octets_that_are_no_text_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *line;
    } cases[] = {
        {"demo: true\n\xff\xfe", 13, "conf.yaml:2: "},
        {"apiKeys: [\"\xc3\x28\"]", 15, "conf.yaml:1: "},
        {"a\0b: 1\n", 7, "conf.yaml:1: "},
        {"\n\n\x1b[2J", 6, "conf.yaml:3: "},
        {"\xfe\xff\0d", 4, "conf.yaml:1: "},
        {"a: \"\xed\xa0\x80\"", 8, "conf.yaml:1: "},
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_not_equal(
            fixture_load_bytes(&config, cases[i].text, cases[i].length, fixture_bare), 0);
        assert_memory_equal(fixture_fault, cases[i].line, strlen(cases[i].line));
    }
}

static void broken_syntax_is_located(void **state)
{
    static const char *const cases[][2] = {
        {"services: [\n", "conf.yaml:2: "},    {"a: b: c\n", "conf.yaml:1: "},
        {"workers: 1\n bad\n", "conf.yaml:"},  {"demo: \"true\n", "conf.yaml:2: "},
        {"%YAML 9.9\n---\n", "conf.yaml:1: "}, {"@x: 1\n", "conf.yaml:1: "},
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fixture_load(&config, cases[i][0]), -EINVAL);
        assert_memory_equal(fixture_fault, cases[i][1], strlen(cases[i][1]));
    }
}

/* Every beginning of a good file, and every file with one octet changed, ends without harm. */
static void mutilated_files_do_no_harm(void **state)
{
    static const char text[] = "log: {level: debug}\napiKeys: [a, 'b']\n"
                               "services:\n  - name: \"hr\"\n    queueBytes: 2MiB\n";
    struct config config;
    char copy[sizeof(text)];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        if (fixture_load_bytes(&config, text, i, fixture_bare) == 0)
            config_release(&config);
        for (const char *c = "\t[{&*!|>'\"%@:-#,?\n\x80"; *c; c++) {
            memcpy(copy, text, sizeof(text));
            copy[i] = *c;
            if (fixture_load_bytes(&config, copy, sizeof(text) - 1, fixture_bare) == 0)
                config_release(&config);
        }
    }
}

static void a_missing_file_is_named(void **state)
{
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(fixture_load_from(&config, "/nowhere/conf.yaml", fixture_bare, &fault),
                     -ENOENT);
    assert_string_equal(fault.message,
                        "/nowhere/conf.yaml: cannot be opened: No such file or directory");
    assert_int_equal(fixture_load_from(&config, "/tmp", fixture_bare, &fault), -EIO);
}

static void texts_are_a_sequence_or_have_commas(void **state)
{
    static const char *const forms[] = {"[send, \"query\"]", "send, query", "send,query"};

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct buf text = BUF_INIT;
        struct config config;

        buf_printf(&text, "services: [{name: a}]\napiKeys:\n- key: k\n  permissions: %s\n- plain\n",
                   forms[i]);
        assert_int_equal(fixture_load(&config, buf_str(&text)), 0);
        assert_int_equal(config.api_key_count, 2);
        assert_int_equal(config.api_keys[0].line, 3);
        assert_true(words_have(config.api_keys[0].permissions, "send"));
        assert_true(words_have(config.api_keys[0].permissions, "query"));
        assert_false(words_have(config.api_keys[0].permissions, "metrics"));
        assert_string_equal(config.api_keys[1].key, "plain");
        assert_true(words_have(config.api_keys[1].permissions, "metrics"));
        config_release(&config);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(empty_sections_are_no_fault),
        cmocka_unit_test(faults_name_file_line_and_key),
        cmocka_unit_test(tabs_are_explained),
        cmocka_unit_test(references_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(octets_that_are_no_text_are_refused),
        cmocka_unit_test(broken_syntax_is_located),
        cmocka_unit_test(mutilated_files_do_no_harm),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(texts_are_a_sequence_or_have_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
