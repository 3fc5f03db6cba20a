/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload takes of new settings: the table says it for each key. */
#include "base/text.h"
#include "server/config_keys.h"
#include "server/config_value.h"
#include "unit/server/config_fixture.h"

static const char both[] =
    "listeners: [{address: 'localhost:1', tls: false}, {address: 'localhost:2', tls: false}]\n"
    "services: [{name: one}, {name: two}]\n"
    "apiKeys: [{name: a, key: aaaa}]\n"
    "tokenKeys: [{algorithm: HS256, "
    "secret: 0123456789012345678901234567890123456789}]\n";

static void load(struct config *config, const char *text)
{
    if (fixture_load(config, text) != 0)
        fail_msg("%s", fixture_fault);
}

/* With an item in the first item of each list that has lists. */
static void load_all(struct config *config)
{
    load(config, both);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && key->list->within)
            config_list_add(config_list_owner(config, key->list, 0), key->list);
    }
}

static void *owner_of(struct config *config, const struct config_key *key)
{
    if (!key->list)
        return config;
    return config_list_item(config_list_owner(config, key->list, 0), key->list, 0);
}

/* "services[].name" with numbers. */
static void write_name(char *name, const char *key)
{
    for (; *key; key++) {
        *name++ = *key;
        if (*key == '[')
            *name++ = '0';
    }
    *name = '\0';
}

/* A value that it does not have. Whether it is allowed does not matter here. */
static void change(const struct config_key *key, void *owner)
{
    char *at = (char *)owner + key->offset;
    char *text;

    if (!config_key_is_text(key)) {
        at[0] ^= 1;
        return;
    }
    text = strdup("other");
    config_value_release(key, owner);
    memcpy(at, &text, sizeof(text));
}

static bool is_identity(const struct config_key *key)
{
    return strcmp(key->name, "listeners[].address") == 0 ||
           strcmp(key->name, "services[].name") == 0;
}

static void expect_key(const struct config_key *key)
{
    struct config now, next;
    struct config_changes changes = {.changed = BUF_INIT};
    char name[128];

    load_all(&now);
    load_all(&next);
    change(key, owner_of(&next, key));
    config_merge(&next, &now, &changes);
    write_name(name, key->name);
    assert_string_equal(buf_str(key->change == CONFIG_DYNAMIC ? &changes.changed : &changes.kept),
                        name);
    assert_string_equal(buf_str(key->change == CONFIG_DYNAMIC ? &changes.kept : &changes.changed),
                        "");
    assert_true(config_value_is_equal(key, owner_of(&next, key), owner_of(&now, key)) ==
                (key->change == CONFIG_STATIC));
    config_changes_release(&changes);
    config_release(&next);
    config_release(&now);
}

static void each_key_changes_or_stays_as_the_table_says(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (!key->fallback || key->is_shorthand || is_identity(key))
            continue;
        expect_key(key);
        count++;
    }
    assert_in_range(count, 150, config_key_count);
}

static void expect(const char *before, const char *after, const char *changed, const char *kept)
{
    struct config now, next;
    struct config_changes changes = {.changed = BUF_INIT};

    load(&now, before);
    load(&next, after);
    config_merge(&next, &now, &changes);
    assert_string_equal(buf_str(&changes.changed), changed);
    assert_string_equal(buf_str(&changes.kept), kept);
    assert_int_equal(next.listener_count, now.listener_count);
    assert_int_equal(next.service_count, now.service_count);
    for (size_t i = 0; i < now.service_count; i++)
        assert_string_equal(next.services[i].settings.name, now.services[i].settings.name);
    for (size_t i = 0; i < now.listener_count; i++)
        assert_string_equal(next.listeners[i].address, now.listeners[i].address);
    config_changes_release(&changes);
    config_release(&next);
    config_release(&now);
}

static void services_are_told_by_their_names(void **state)
{
    (void)state;
    expect("services: [{name: one}, {name: two}]", "services: [{name: two}, {name: one}]", "", "");
    expect("services: [{name: one}, {name: two}]",
           "services: [{name: two, queueBytes: 2MiB}, {name: one}]", "services[1].queueBytes", "");
    expect("services: [{name: one}, {name: two}]", "services: [{name: two, envelope: false}]",
           "services[1].envelope", "services[one]");
    expect("services: [{name: two}]", "services: [{name: one}, {name: two}]", "", "services[one]");
    expect("services: [{name: one, basePath: /a}]", "services: [{name: one, basePath: /b}]", "",
           "services[0].basePath");
}

static void listeners_are_told_by_their_addresses(void **state)
{
    (void)state;
    expect("services: [{name: one}]\nlisteners: [{address: 'localhost:1'}, {address: "
           "'localhost:2'}]",
           "services: [{name: one}]\nlisteners: [{address: 'localhost:2', role: admin}, {address: "
           "'localhost:3'}]",
           "listeners[1].role", "listeners[localhost:1], listeners[localhost:3]");
    /* One that would go keeps all that it has. */
    expect("services: [{name: one}]\nlisteners: [{address: 'localhost:1', tls: false}, {address: "
           "'localhost:2', tls: false, role: public}]",
           "services: [{name: one}]\nlisteners: [{address: 'localhost:2', tls: false, role: "
           "public}]",
           "", "listeners[localhost:1]");
    /* Two of one address, as a test has them. */
    expect("services: [{name: one}]\nlisteners: [{address: 'localhost:0'}, {address: "
           "'localhost:0', role: admin}]",
           "services: [{name: one}]\nlisteners: [{address: 'localhost:0'}, {address: "
           "'localhost:0', role: public}]",
           "listeners[1].role", "");
}

static void keys_come_and_go(void **state)
{
    (void)state;
    expect("services: [{name: one}]\napiKeys: [aaaa]", "services: [{name: one}]\napiKeys: [bbbb]",
           "apiKeys[0].key", "");
    expect("services: [{name: one}]\napiKeys: [aaaa]",
           "services: [{name: one}]\napiKeys: [aaaa, bbbb]", "apiKeys", "");
    expect("services: [{name: one}]\napiKeys: [aaaa]", "services: [{name: one}]", "apiKeys", "");
}

static void what_is_the_same_changes_nothing(void **state)
{
    (void)state;
    expect(both, both, "", "");
}

static void the_key_of_the_demo_stays(void **state)
{
    struct config now, next;
    struct config_changes changes = {.changed = BUF_INIT};

    (void)state;
    assert_int_equal(fixture_load_variable(&now, "A=b"), 0);
    assert_int_equal(fixture_load_variable(&next, "A=b"), 0);
    config_merge(&next, &now, &changes);
    assert_string_equal(next.api_keys[0].key, now.api_keys[0].key);
    assert_string_equal(buf_str(&changes.changed), "");
    config_changes_release(&changes);
    config_release(&next);
    config_release(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_changes_or_stays_as_the_table_says),
        cmocka_unit_test(services_are_told_by_their_names),
        cmocka_unit_test(listeners_are_told_by_their_addresses),
        cmocka_unit_test(keys_come_and_go),
        cmocka_unit_test(what_is_the_same_changes_nothing),
        cmocka_unit_test(the_key_of_the_demo_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
