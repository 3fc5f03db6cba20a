/* SPDX-License-Identifier: Apache-2.0 */
/* The text of default-config. */
#include "base/buf.h"
#include "base/mem.h"
#include "server/config_keys.h"
#include "server/config_value.h"
#include "unit/server/config_fixture.h"

/* All values, one a line. */
static char *print_all(const struct config *config)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *owner = (const char *)config;
        size_t count = 1;

        if (!key->fallback || (key->list && key->list->within)) /* which hold nothing by default */
            continue;
        if (key->list) {
            memcpy(&count, owner + key->list->count, sizeof(count));
            owner += key->list->items;
        }
        for (size_t j = 0; j < count; j++) {
            buf_printf(&text, "%s %zu ", key->name, j);
            config_value_print(key, owner + j * (key->list ? key->list->item_size : 0), &text);
            buf_append_char(&text, '\n');
        }
    }
    return buf_detach(&text);
}

static void saved_and_loaded_it_gives_the_defaults(void **state)
{
    char *const environment[] = {(char *)NOWHERE, (char *)"SSE_SERVER_API_KEY=k", NULL};
    struct config bare, loaded;
    struct config_fault fault;
    char *text = config_default_text();
    char *expected = NULL, *found = NULL;

    (void)state;
    assert_int_equal(fixture_load_from(&bare, NULL, environment, &fault), 0);
    assert_int_equal(fixture_load_bytes(&loaded, text, strlen(text), environment), 0);
    expected = print_all(&bare);
    found = print_all(&loaded);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
    free(text);
    config_release(&bare);
    config_release(&loaded);
}

static void loaded_without_a_key_it_makes_one_too(void **state)
{
    struct config config;
    char *text = config_default_text();

    (void)state;
    assert_int_equal(fixture_load(&config, text), 0);
    assert_true(config.api_key_made);
    config_release(&config);
    free(text);
}

static void it_holds_every_key_and_its_help(void **state)
{
    char *text = config_default_text();

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const char *dot = strrchr(config_keys[i].name, '.');
        struct buf line = BUF_INIT;

        if (config_keys[i].is_shorthand)
            continue;
        buf_printf(&line, "%s:", dot ? dot + 1 : config_keys[i].name);
        assert_non_null(strstr(text, buf_str(&line)));
        assert_non_null(strstr(text, config_keys[i].help));
        buf_release(&line);
    }
    free(text);
}

static void lines_fit_a_screen(void **state)
{
    char *text = config_default_text();
    char *rest = text;
    const char *line = NULL;

    (void)state;
    while ((line = strsep(&rest, "\n"))) {
        assert_in_range(strlen(line), 0, 100);
        assert_true(*line == '\0' || line[strlen(line) - 1] != ' ');
    }
    free(text);
}

static void the_example_in_the_documents_is_the_same(void **state)
{
    struct buf found = BUF_INIT;
    char *text = config_default_text();
    FILE *file = NULL;
    char block[4096];

    (void)state;
    file = fopen("docs/sse-server.yaml", "re"); /* tests run in the checkout's folder */
    assert_non_null(file);
    for (size_t got = 0; (got = fread(block, 1, sizeof(block), file)) > 0;)
        buf_append(&found, block, got);
    fclose(file);
    assert_string_equal(buf_str(&found), text);
    buf_release(&found);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_and_loaded_it_gives_the_defaults),
        cmocka_unit_test(loaded_without_a_key_it_makes_one_too),
        cmocka_unit_test(it_holds_every_key_and_its_help),
        cmocka_unit_test(lines_fit_a_screen),
        cmocka_unit_test(the_example_in_the_documents_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
