/* SPDX-License-Identifier: Apache-2.0 */
/* compat: java sets a table of keys, below what is said of them. */
#include "base/buf.h"
#include "server/config_keys.h"
#include "server/config_parts.h"
#include "server/config_value.h"
#include "unit/server/config_fixture.h"

static void load(struct config *config, const char *text)
{
    if (fixture_load(config, text) != 0)
        fail_msg("%s", fixture_fault);
}

static void append_value(struct buf *to, struct config *config, const struct config_key *key,
                         size_t index)
{
    config_value_print(key, key->list ? config_list_item(config, key->list, index) : config, to);
}

/* As the text would set it. */
static void expect_text(struct config *config, const struct config_key *key, size_t index,
                        const char *expected)
{
    struct config other;
    const struct config_assignment assignment = {.key = key, .where = "", .text = expected};
    struct config_fault fault;
    struct buf value = BUF_INIT, wanted = BUF_INIT;

    config_init_demo(&other);
    assert_int_equal(config_assign(&other, &assignment, &fault), 0);
    append_value(&value, config, key, index);
    append_value(&wanted, &other, key, 0);
    assert_string_equal(buf_str(&value), buf_str(&wanted));
    buf_release(&value);
    buf_release(&wanted);
    config_release(&other);
}

static void each_row_is_set_for_its_service_alone(void **state)
{
    struct config config;

    (void)state;
    load(&config, "services: [{name: a}, {name: b, compat: java}]\n");
    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_compat_row *row = &config_compat_java[i];
        const struct config_key *key = config_key_find(row->key);

        assert_non_null(key);
        if (key->list)
            expect_text(&config, key, 0, key->fallback);
        expect_text(&config, key, key->list ? 1 : 0, row->value);
        assert_true(config_compat_sets(&config, key, key->list ? 1 : 0));
        assert_false(key->list && config_compat_sets(&config, key, 0));
    }
    config_release(&config);
}

static void without_the_word_nothing_is_set(void **state)
{
    struct config config;

    (void)state;
    load(&config, "services: [{name: a, compat: none}]\n");
    for (size_t i = 0; i < config_compat_java_count; i++)
        expect_text(&config, config_key_find(config_compat_java[i].key), 0,
                    config_key_find(config_compat_java[i].key)->fallback);
    config_release(&config);
}

static void what_is_said_wins(void **state)
{
    struct config config;

    (void)state;
    load(&config, "services:\n"
                  "  - {name: a, listeners: 7, compat: java}\n"   /* in any order */
                  "  - {name: b, compat: java, listeners: 100}\n" /* be it the default */
                  "  - {name: c, compat: java}\n"
                  "limits: {pathBytes: 4KiB}\n");
    assert_int_equal(config.services[0].settings.listeners, 7);
    assert_int_equal(config.services[1].settings.listeners, 100);
    assert_int_equal(config.services[2].settings.listeners, 300);
    assert_int_equal(config.limits.path_bytes, 4096);
    assert_false(config_compat_sets(&config, config_key_find("services[].listeners"), 1));
    assert_false(config_compat_sets(&config, config_key_find("limits.pathBytes"), 0));
    config_release(&config);
}

static void variables_say_it_as_well(void **state)
{
    char *const environment[] = {(char *)NOWHERE, (char *)"SSE_SERVER_SERVICES_0_COMPAT=java",
                                 (char *)"SSE_SERVER_SERVICES_0_QUEUE_BYTES=2MiB", NULL};
    struct config config;
    static const char text[] = "services: [{name: a}]\n";

    (void)state;
    assert_int_equal(fixture_load_bytes(&config, text, strlen(text), environment), 0);
    assert_int_equal(config.services[0].settings.queue_bytes, 2 << 20);
    assert_int_equal(config.services[0].settings.listeners, 300);
    config_release(&config);
}

/* For services that do not have the word, too. */
static void rows_of_the_process_only_raise(void **state)
{
    struct config config;

    (void)state;
    load(&config, "services: [{name: a}]\n");
    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_key *key = config_key_find(config_compat_java[i].key);
        struct config higher;
        struct config_fault fault;

        if (key->list)
            continue;
        assert_true(key->type == CONFIG_SIZE || key->type == CONFIG_COUNT);
        memset(&higher, 0, sizeof(higher));
        assert_int_equal(config_value_set(key, &higher, config_compat_java[i].value, &fault), 0);
        if (key->width == sizeof(uint64_t))
            assert_true(*(uint64_t *)((char *)&higher + key->offset) >
                        *(uint64_t *)((char *)&config + key->offset));
        else
            assert_true(*(uint32_t *)((char *)&higher + key->offset) >
                        *(uint32_t *)((char *)&config + key->offset));
    }
    config_release(&config);
}

static void a_reload_takes_and_drops_it(void **state)
{
    struct config without, with;
    struct config_changes changes = {.changed = BUF_INIT};

    (void)state;
    load(&without, "services: [{name: a}]\n");
    load(&with, "services: [{name: a, compat: java}]\n");
    config_merge(&with, &without, &changes);
    assert_non_null(strstr(buf_str(&changes.changed), "services[0].compat"));
    assert_non_null(strstr(buf_str(&changes.changed), "services[0].listeners"));
    assert_non_null(strstr(buf_str(&changes.changed), "limits.pathBytes"));
    assert_int_equal(with.services[0].settings.listeners, 300);
    config_merge(&without, &with, &changes);
    assert_int_equal(without.services[0].settings.listeners, 100);
    config_changes_release(&changes);
    config_release(&without);
    config_release(&with);
}

static char *printed(const char *text)
{
    struct config config;
    char *print = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&print, &size);

    load(&config, text);
    config_compat_print(&config, to);
    fclose(to);
    config_release(&config);
    return print;
}

static void it_is_printed(void **state)
{
    char *text = printed("services: [{name: a}]\n");

    (void)state;
    assert_string_equal(text, "");
    free(text);
    text = printed("services: [{name: a}, {name: b, compat: java, listeners: 7}]\n"
                   "limits: {pathBytes: 8KiB}\n");
    assert_memory_equal(text, "compat: java of service b sets\n", 31);
    assert_non_null(strstr(text, "\n  services[1].eventDataBytes: 1MiB, without it 64KiB\n"));
    assert_non_null(strstr(text, "\n  services[1].listeners: 300, but the settings say 7\n"));
    assert_non_null(strstr(text, "\nand for all services\n"));
    assert_non_null(strstr(text, "\n  limits.headerListBytes: 32KiB, without it 16KiB\n"));
    assert_non_null(strstr(text, "\n  limits.pathBytes: 16KiB, but the settings say 8KiB\n"));
    assert_null(strstr(text, "services[0]"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_set_for_its_service_alone),
        cmocka_unit_test(without_the_word_nothing_is_set),
        cmocka_unit_test(what_is_said_wins),
        cmocka_unit_test(variables_say_it_as_well),
        cmocka_unit_test(rows_of_the_process_only_raise),
        cmocka_unit_test(a_reload_takes_and_drops_it),
        cmocka_unit_test(it_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
