/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/buf.h"
#include "server/config_keys.h"
#include "server/config_value.h"
#include "support/h2_limits.h"
#include "unit/server/config_fixture.h"

/* Room for the item of any list; the union aligns it. */
union owner {
    struct config config;
    struct config_listener listener;
    struct config_certificate certificate;
    struct config_service service;
    struct config_api_key api_key;
    struct config_token_key token_key;
};

static bool has_value(const struct config_key *key)
{
    return key->type != CONFIG_SECTION && key->type != CONFIG_LIST;
}

static bool is_number(const struct config_key *key)
{
    return key->type == CONFIG_COUNT || key->type == CONFIG_SIZE || key->type == CONFIG_DURATION;
}

static int set(const struct config_key *key, const char *text, struct config_fault *fault)
{
    static union owner owner;
    int rc = 0;

    memset(&owner, 0, sizeof(owner));
    rc = config_value_set(key, &owner, text, fault);
    config_value_release(key, &owner);
    return rc;
}

static void every_key_explains_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t length = strlen(key->help);

        assert_in_range(length, 8, 92);
        assert_int_equal(key->help[length - 1], '.');
        assert_ptr_equal(config_key_find(key->name), key); /* no two of one name */
        assert_true(!has_value(key) || key->fallback);
        assert_true(has_value(key) == (key->change != CONFIG_UNSAID));
        assert_true(key->low <= key->high);
    }
}

static void every_default_is_allowed(void **state)
{
    struct config_fault fault;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (!has_value(key) || *key->fallback == '\0')
            continue;
        if (set(key, key->fallback, &fault) != 0)
            fail_msg("%s: %s", key->name, fault.message);
    }
}

static void every_number_keeps_its_range(void **state)
{
    struct config_fault fault;
    char text[32];

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (!is_number(key))
            continue;
        assert_true(key->width == 8 || key->high <= UINT32_MAX);
        snprintf(text, sizeof(text), "%" PRIu64, key->low);
        assert_int_equal(set(key, text, &fault), 0);
        snprintf(text, sizeof(text), "%" PRIu64, key->high);
        assert_int_equal(set(key, text, &fault), 0);
        snprintf(text, sizeof(text), "%" PRIu64, key->high + 1);
        assert_int_equal(set(key, text, &fault), -ERANGE);
        assert_non_null(strstr(fault.message, " to "));
        assert_int_equal(set(key, "0", &fault), key->zero || key->low == 0 ? 0 : -ERANGE);
        assert_int_equal(set(key, "18446744073709551616", &fault), -ERANGE);
    }
}

static void every_key_refuses_garbage(void **state)
{
    static const char *const garbage[] = {"lots", "-1", "1.5", "0x10", "1 ", "1e3",
                                          "",     " 1", "+1",  "1TiB", "5w", "1,000"};
    struct config_fault fault;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        if (!has_value(&config_keys[i]) || config_key_is_text(&config_keys[i]))
            continue;
        for (size_t j = 0; j < sizeof(garbage) / sizeof(garbage[0]); j++) {
            assert_int_equal(set(&config_keys[i], garbage[j], &fault), -EINVAL);
            assert_non_null(strstr(fault.message, "; use "));
        }
    }
}

static void every_word_is_read_and_printed(void **state)
{
    struct config_fault fault;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *const *words = config_key_words(key);

        for (size_t j = 0; words && words[j]; j++) {
            static union owner owner;
            struct buf text = BUF_INIT;

            assert_int_equal(config_value_set(key, &owner, words[j], &fault), 0);
            config_value_print(key, &owner, &text);
            assert_string_equal(buf_str(&text), words[j]);
            buf_release(&text);
        }
    }
}

static void texts_are_bounded_and_printable(void **state)
{
    struct config_fault fault;
    char longest[4096];

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type != CONFIG_TEXT)
            continue;
        assert_true(key->high < sizeof(longest) - 1);
        memset(longest, 'a', sizeof(longest));
        longest[key->high] = '\0';
        assert_int_equal(set(key, longest, &fault), 0);
        longest[key->high] = 'a';
        longest[key->high + 1] = '\0';
        assert_int_equal(set(key, longest, &fault), -ERANGE);
        assert_int_equal(set(key, "", &fault), key->low > 0 ? -EINVAL : 0);
        assert_int_equal(set(key, "a\nb", &fault), -EINVAL);
        assert_int_equal(set(key, "\x1b[2J", &fault), -EINVAL);
    }
}

static void units_scale(void **state)
{
    static const struct {
        const char *name, *text;
        uint64_t value;
        const char *printed;
    } cases[] = {
        {"services[].queueBytes", "1048576", 1048576, "1MiB"},
        {"services[].queueBytes", "64KiB", 65536, "64KiB"},
        {"services[].queueBytes", "64 KiB", 65536, "64KiB"},
        {"services[].queueBytes", "1GiB", 1u << 30, "1GiB"},
        {"services[].queueBytes", "5000B", 5000, "5000B"},
        {"services[].lifetime", "5000", 5000, "5s"},
        {"services[].lifetime", "5001ms", 5001, "5001ms"},
        {"services[].lifetime", "90s", 90000, "90s"},
        {"services[].lifetime", "90m", 5400000, "90m"},
        {"services[].lifetime", "2h", 7200000, "2h"},
        {"services[].lifetime", "0", 0, "0"},
        {"limits.idleTimeout", "180s", 180000, "3m"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_key *key = config_key_find(cases[i].name);
        static union owner owner;
        struct buf text = BUF_INIT;
        struct config_fault fault;
        uint32_t narrow = 0;
        uint64_t value = 0;

        assert_int_equal(config_value_set(key, &owner, cases[i].text, &fault), 0);
        memcpy(&value, (char *)&owner + key->offset, sizeof(value));
        memcpy(&narrow, (char *)&owner + key->offset, sizeof(narrow));
        assert_int_equal(key->width == 8 ? value : narrow, cases[i].value);
        config_value_print(key, &owner, &text);
        assert_string_equal(buf_str(&text), cases[i].printed);
        buf_release(&text);
    }
}

static void a_refused_value_leaves_the_old_one(void **state)
{
    const struct config_key *key = config_key_find("services[].queueEvents");
    struct config_service service = {.settings = {.queue_events = 7}};
    struct config_fault fault;

    (void)state;
    assert_int_equal(config_value_set(key, &service, "0", &fault), -ERANGE);
    assert_int_equal(service.settings.queue_events, 7);
}

static void the_nearest_key_is_named(void **state)
{
    static const char *const cases[][2] = {
        {"worker", "workers"},
        {"queueByte", "services[].queueBytes"},
        {"services[].queueByte", "services[].queueBytes"},
        {"services[].queue_bytes", "services[].queueBytes"},
        {"limits.handshakeTimout", "limits.handshakeTimeout"},
        {"limit", "limits"},
        {"logLevel", "log.level"},
        {"listener", "listeners"},
        {"api_keys", "apiKeys"},
        {"cert", "listeners[].certificate"},
        {"Demo", "demo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(config_key_nearest(cases[i][0])->name, cases[i][1]);
}

static void the_other_modules_agree_on_defaults(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load_variable(&config, "A=b"), 0);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct config theirs;
        struct buf here = BUF_INIT, there = BUF_INIT;

        if (strncmp(key->name, "limits.", 7) != 0 || !has_value(key))
            continue;
        theirs.limits = h2_limits_default;
        config_value_print(key, &config, &here);
        config_value_print(key, &theirs, &there);
        if (strcmp(buf_str(&here), buf_str(&there)) != 0)
            fail_msg("%s: %s here, %s there", key->name, buf_str(&here), buf_str(&there));
        buf_release(&here);
        buf_release(&there);
    }
    config_release(&config);
}

static void services_begin_as_the_core_says(void **state)
{
    struct sse_service_settings theirs = sse_service_settings_default;
    struct config config;

    (void)state;
    assert_int_equal(fixture_load_variable(&config, "A=b"), 0);
    assert_int_equal(config.services[0].settings.reconnect_ms, theirs.reconnect_ms);
    assert_int_equal(config.services[0].settings.comment_ms, theirs.comment_ms);
    assert_int_equal(config.services[0].settings.lifetime_ms, theirs.lifetime_ms);
    assert_int_equal(config.services[0].settings.queue_bytes, theirs.queue_bytes);
    assert_int_equal(config.services[0].settings.queue_events, theirs.queue_events);
    assert_int_equal(config.services[0].settings.slow_policy, theirs.slow_policy);
    assert_int_equal(config.services[0].settings.client_connections, theirs.client_connections);
    assert_int_equal(config.services[0].settings.listeners, theirs.listeners);
    assert_int_equal(config.services[0].settings.event_data_bytes, theirs.event_data_bytes);
    assert_int_equal(config.services[0].settings.offline_grace_ms, theirs.offline_grace_ms);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_explains_itself),
        cmocka_unit_test(every_default_is_allowed),
        cmocka_unit_test(every_number_keeps_its_range),
        cmocka_unit_test(every_key_refuses_garbage),
        cmocka_unit_test(every_word_is_read_and_printed),
        cmocka_unit_test(texts_are_bounded_and_printable),
        cmocka_unit_test(units_scale),
        cmocka_unit_test(a_refused_value_leaves_the_old_one),
        cmocka_unit_test(the_nearest_key_is_named),
        cmocka_unit_test(the_other_modules_agree_on_defaults),
        cmocka_unit_test(services_begin_as_the_core_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
