/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of access tokens in the settings: what is refused, and what becomes of the rest. */
#include "auth/jwt_key.h"
#include "server/config_parts.h"
#include "unit/server/config_fixture.h"
#include "unit/server/token_files.h"

#define SERVICES "services: [{name: hr, auth: jwt}, {name: chat, auth: jwt}, {name: open}]\n"
#define GOOD     "{algorithm: HS256, secret: " SECRET "}"

/* The text with the directory of the files in the place of each %. */
static void place_files(const char *text, char *to, size_t size)
{
    size_t length = 0;

    for (; *text; text++) {
        const char one[] = {*text, '\0'};

        length +=
            (size_t)snprintf(to + length, size - length, "%s", *text == '%' ? token_files : one);
    }
}

static void what_cannot_be_right_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"[]", "services[0].auth: jwt needs a key to check tokens with"},
        {"[{algorithm: HS256, secret: " SECRET ", services: [hr]}]",
         "services[1].auth: jwt needs a key"},
        {"[" GOOD ", {algorithm: HS256}]", "tokenKeys[1]: has no key; give one of secret"},
        {"[{algorithm: HS256, secret: " SECRET ", file: /x}]", "tokenKeys[0]: has several keys"},
        {"[{secret: " SECRET "}]", "tokenKeys[0].algorithm: is missing"},
        {"[{algorithm: none, secret: " SECRET "}]",
         "tokenKeys[0].algorithm: \"none\" is not known; use HS256"},
        {"[{algorithm: hs256, secret: " SECRET "}]", "\"hs256\" is not known"},
        {"[{algorithm: ES256K, file: /x}]", "\"ES256K\" is not known; use HS256"},
        {"[{algorithm: EdDSA, file: %/public.pem}]", "EdDSA needs an Edwards curve key"},
        {"[{algorithm: PS256, file: %/public.pem}]", "PS256 needs an RSA key"},
        {"[{algorithm: HS256, secret: tooShort}]", "tokenKeys[0].secret: the secret has 8 bytes"},
        {"[{algorithm: HS512, secret: " SECRET "}]", "HS512 needs 64"},
        {"[{algorithm: HS256, file: /nowhere/at/all}]",
         "tokenKeys[0].file: \"/nowhere/at/all\": No such file"},
        {"[{algorithm: HS256, file: %/public.pem}]", "a PEM text is no secret"},
        {"[{algorithm: RS256, file: %/public.pem}]", "RS256 needs an RSA key"},
        {"[{algorithm: ES384, file: %/public.pem}]", "on P-384"},
        {"[{algorithm: ES256, file: %/secret}]", "this is no PEM"},
        {"[{algorithm: HS256, secret: " SECRET ", services: [hrr]}]",
         "tokenKeys[0].services: there is no \"hrr\"; the nearest is hr"},
        {"[{jwks: %/set.json, algorithm: HS256}]", "tokenKeys[0].algorithm: stands beside jwks"},
        {"[{jwks: %/set.json, id: a}]", "tokenKeys[0].id: stands beside jwks"},
        {"[{jwks: %/empty.json}]", "has 0 keys, and none to check"},
        {"[{jwks: %/secret}]", "is no JSON (line 1"},
        {"[{jwks: /nowhere}]", "tokenKeys[0].jwks: \"/nowhere\": No such file"},
        {"[{jwks: \"http://idp.example/\"}]", "tokenKeys[0].jwks: must be https://"},
        {"[{jwks: \"http://localhost.example/\"}]", "must be https://"},
        {"[{jwks: \"https://me:word@idp.example/\"}]", "without a name and a password"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config config;
        char keys[400] = "", text[700];

        place_files(cases[i][0], keys, sizeof(keys));
        snprintf(text, sizeof(text), SERVICES "tokenKeys: %s\n", keys);
        assert_int_not_equal(fixture_load(&config, text), 0);
        if (!strstr(fixture_fault, cases[i][1]))
            fail_msg("\"%s\" is not in \"%s\"", cases[i][1], fixture_fault);
        assert_null(strstr(fixture_fault, SECRET));
        assert_null(strstr(fixture_fault, "tooShort"));
    }
}

static void load(struct config *config, const char *keys)
{
    char placed[700] = "", text[900];

    place_files(keys, placed, sizeof(placed));
    snprintf(text, sizeof(text), SERVICES "tokenKeys:\n%s\n", placed);
    if (fixture_load(config, text) != 0)
        fail_msg("%s", fixture_fault);
}

static void each_service_gets_its_keys(void **state)
{
    struct config config;
    struct auth_jwt_keys *hr, *chat;
    struct config_fault fault;

    (void)state;
    load(&config, "  - {id: a, algorithm: HS256, file: %/secret}\n"
                  "  - {id: b, algorithm: ES256, file: %/public.pem, services: [chat]}\n"
                  "  - {id: c, algorithm: ES256, file: %/private.pem, services: [chat, hr]}\n"
                  "  - {jwks: %/set.json}\n"
                  "  - {jwks: \"https://idp.example/jwks\", refresh: 1m}\n"
                  "  - {jwks: \"http://127.0.0.1:8080/jwks\"}\n");
    hr = config_make_token_keys(&config, 0, &fault);
    chat = config_make_token_keys(&config, 1, &fault);
    assert_int_equal(hr->count, 2);
    assert_string_equal(hr->keys[1]->id, "c");
    assert_true(hr->keys[1]->can_sign);
    assert_int_equal(chat->count, 3);
    assert_string_equal(chat->keys[1]->id, "b");
    assert_false(chat->keys[1]->can_sign);
    assert_int_equal(config.token_keys[4].refresh_ms, 60000);
    assert_true(config_token_key_is_for(&config, &config.token_keys[3], 1));
    assert_false(config_token_key_is_for(&config, &config.token_keys[1], 0));
    auth_jwt_keys_free(hr);
    auth_jwt_keys_free(chat);
    config_release(&config);
}

static void a_file_that_went_away_is_told(void **state)
{
    struct config config;
    struct config_fault fault = {""};

    (void)state;
    load(&config, "  - " GOOD "\n");
    free(config.token_keys[0].secret);
    config.token_keys[0].secret = strdup("");
    free(config.token_keys[0].file);
    config.token_keys[0].file = strdup("/nowhere");
    assert_null(config_make_token_keys(&config, 0, &fault));
    assert_non_null(strstr(fault.message, "/nowhere"));
    config_release(&config);
}

static void services_are_found_by_name(void **state)
{
    struct config config;
    size_t service = 9;
    struct config_fault fault = {""};

    (void)state;
    load(&config, "  - " GOOD "\n");
    assert_int_equal(config_find_jwt_service(&config, NULL, &service, &fault), 0);
    assert_int_equal(service, 0);
    assert_int_equal(config_find_jwt_service(&config, "chat", &service, &fault), 0);
    assert_int_equal(service, 1);
    assert_int_equal(config_find_jwt_service(&config, "open", &service, &fault), -EINVAL);
    assert_non_null(strstr(fault.message, "open"));
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_right_is_refused),
        cmocka_unit_test(each_service_gets_its_keys),
        cmocka_unit_test(a_file_that_went_away_is_told),
        cmocka_unit_test(services_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, token_files_make, token_files_remove);
}
