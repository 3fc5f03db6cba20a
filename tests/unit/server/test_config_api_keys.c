/* SPDX-License-Identifier: Apache-2.0 */
/* API keys in the settings: what is refused, and what becomes of the rest. */
#include "auth/auth.h"
#include "auth/credential.h"
#include "server/config_parts.h"
#include "unit/server/config_fixture.h"

#define SERVICES "services: [{name: hr}, {name: chat}]\n"
/* Of "abc". */
#define HASH "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void what_cannot_be_right_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {SERVICES "apiKeys:\n  - good\n  - {key: a, permissions: [sent]}\n",
         "conf.yaml:4: apiKeys[1].permissions: there is no \"sent\"; the nearest is send"},
        {SERVICES "apiKeys: [{key: a, permissions: []}]\n",
         "conf.yaml:2: apiKeys[0].permissions: are none; give what the key is for, such as [send], "
         "or leave the key out"},
        {SERVICES "apiKeys: [{key: a, services: [hr, chats]}]\n",
         "conf.yaml:2: apiKeys[0].services: there is no \"chats\"; the nearest is chat"},
        {SERVICES "apiKeys: [{hash: \"sha256:abc\"}]\n",
         "conf.yaml:2: apiKeys[0].hash: is no hash; write sha256: and 64 hexadecimal digits, as "
         "sse-server make-key prints"},
        {SERVICES "apiKeys: [\"sha256:abc\"]\n",
         "conf.yaml:2: apiKeys[0].key: is no hash; write sha256: and 64 hexadecimal digits, as "
         "sse-server make-key prints"},
        {SERVICES "apiKeys: [{key: a, hash: " HASH "}]\n",
         "conf.yaml:2: apiKeys[0].hash: stands beside key; give one of the two"},
        {SERVICES "apiKeys: [{name: a}]\n",
         "conf.yaml:2: apiKeys[0]: is empty or holds white space; write a text without, or a hash: "
         "sse-server make-key prints both"},
        {SERVICES "apiKeys: [{key: a, name: \"b c\"}]\n",
         "conf.yaml:2: apiKeys[0].name: \"b c\" is no name; use letters, digits, . _ and - only"},
        {SERVICES "apiKeys: [{key: a, name: x}, {key: b, name: x}]\n",
         "conf.yaml:2: apiKeys[1].name: \"x\" is that of apiKeys[0] too; rename one"},
        {SERVICES "apiKeys: [{key: a, name: key-2}, b]\n",
         "conf.yaml:2: apiKeys[1].name: \"key-2\" is that of apiKeys[0] too; rename one"},
        {SERVICES "apiKeys: [a, a]\n",
         "conf.yaml:2: apiKeys[1]: is the same key as apiKeys[0]; keep one"},
        {SERVICES "apiKeys: [abc, {name: other, hash: " HASH "}]\n",
         "conf.yaml:2: apiKeys[1]: is the same key as apiKeys[0]; keep one"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fixture_expect_fault(cases[i][0], cases[i][1]);
}

static struct auth_api_keys *make(struct config *config, const char *text)
{
    if (fixture_load(config, text) != 0)
        fail_msg("%s", fixture_fault);
    return config_make_api_keys(config);
}

static void a_text_alone_may_do_everything(void **state)
{
    struct config config;
    struct auth_api_keys *keys = make(&config, SERVICES "apiKeys: [first, second]\n");
    const struct auth_api_key *key = &keys->keys[1];

    (void)state;
    assert_int_equal(keys->count, 2);
    assert_int_equal(auth_api_keys_find(keys, "second"), 1);
    assert_string_equal(key->name, "key-2");
    assert_int_equal(key->permissions, AUTH_MAY_ALL);
    assert_true(key->services == AUTH_ALL_SERVICES);
    auth_api_keys_free(keys);
    config_release(&config);
}

static void a_key_may_do_what_it_is_for(void **state)
{
    struct config config;
    struct auth_api_keys *keys =
        make(&config, SERVICES "apiKeys: [{name: n, hash: " HASH
                               ", permissions: \"send, presence\", services: [chat]}]\n");
    const struct auth_api_key *key = &keys->keys[0];

    (void)state;
    assert_int_equal(auth_api_keys_find(keys, "abc"), 0);
    assert_string_equal(key->name, "n");
    assert_int_equal(key->permissions, AUTH_MAY_SEND | AUTH_MAY_PRESENCE);
    assert_int_equal(key->services, 1 << 1);
    auth_api_keys_free(keys);
    config_release(&config);
}

/* Else whoever reads the configuration had a key. */
static void a_hash_in_the_place_of_a_key_is_no_key(void **state)
{
    struct config config;
    struct auth_api_keys *keys = make(&config, SERVICES "apiKeys: [\"" HASH "\"]\n");

    (void)state;
    assert_int_equal(auth_api_keys_find(keys, "abc"), 0);
    assert_int_equal(auth_api_keys_find(keys, HASH), -ENOENT);
    auth_api_keys_free(keys);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_right_is_refused),
        cmocka_unit_test(a_text_alone_may_do_everything),
        cmocka_unit_test(a_key_may_do_what_it_is_for),
        cmocka_unit_test(a_hash_in_the_place_of_a_key_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
