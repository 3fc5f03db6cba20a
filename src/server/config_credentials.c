/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/credential.h"
#include "auth/jwks.h"
#include "auth/jwt_key.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "server/config_keys.h"
#include "server/config_parts.h"

static_assert(CONFIG_MAX_SERVICES <= 64, "a bit for each service");

/* A bit for each of the named services; all bits when words is "". Stops at a word that names none,
 * which is *unknown then; else that is left alone. */
static uint64_t services_named(const struct config *config, const char *words, struct word *unknown)
{
    uint64_t services = 0;
    struct word word;

    while (words_next(&words, &word)) {
        size_t i = 0;

        while (i < config->service_count && !word_is(&word, config->services[i].settings.name))
            i++;
        if (i == config->service_count) {
            *unknown = word;
            break;
        }
        services |= UINT64_C(1) << i;
    }
    return services != 0 ? services : AUTH_ALL_SERVICES;
}

/* -EINVAL with the nearest of names, which end with NULL. */
static int fail_unknown(const struct config_subject *subject, const char *key,
                        const struct word *unknown, const char *const *names)
{
    const char *nearest;
    char word[40];

    snprintf(word, sizeof(word), "%.*s", (int)unknown->length, unknown->text);
    nearest = config_nearest(word, names);
    return config_check_fail(subject, key, "there is no \"%s\"%s%s", word,
                             nearest ? "; the nearest is " : "", nearest ? nearest : "");
}

static int check_services(const struct config_subject *subject, const char *words)
{
    const char *names[CONFIG_MAX_SERVICES + 1] = {NULL};
    struct word unknown = {NULL, 0};

    (void)services_named(subject->config, words, &unknown);
    if (!unknown.text)
        return 0;
    for (size_t i = 0; i < subject->config->service_count; i++)
        names[i] = subject->config->services[i].settings.name;
    return fail_unknown(subject, "services", &unknown, names);
}

/* ---- API keys ---- */

static_assert(CONFIG_MAX_KEYS == AUTH_MAX_API_KEYS, "all keys that can be read can be used");

/* A hash in the place of a key is one, too: as a key, it would open to whoever reads the file. */
static bool hash_of(const struct config_api_key *key, struct auth_key_hash *hash)
{
    if (*key->hash != '\0')
        return auth_key_hash_parse(key->hash, hash);
    if (auth_key_hash_is_text(key->key))
        return auth_key_hash_parse(key->key, hash);
    return auth_key_hash_of(key->key, hash);
}

static int check_permissions(const struct config_subject *subject, const struct config_api_key *key)
{
    struct word unknown;
    unsigned permissions;

    if (!auth_permissions_parse(key->permissions, &permissions, &unknown))
        return fail_unknown(subject, "permissions", &unknown, auth_permission_words);
    if (permissions == 0)
        return config_check_fail(subject, "permissions",
                                 "are none; give what the key is for, such as [send], or leave "
                                 "the key out");
    return 0;
}

static int check_text(const struct config_subject *subject, const struct config_api_key *key)
{
    struct auth_key_hash hash;

    if (*key->key != '\0' && *key->hash != '\0')
        return config_check_fail(subject, "hash", "stands beside key; give one of the two");
    if ((*key->key == '\0' && *key->hash == '\0') || strpbrk(key->key, " \t"))
        return config_check_fail(subject, "",
                                 "is empty or holds white space; write a text without, or a "
                                 "hash: sse-server make-key prints both");
    if (!hash_of(key, &hash))
        return config_check_fail(subject, *key->hash != '\0' ? "hash" : "key",
                                 "is no hash; write sha256: and 64 hexadecimal digits, as "
                                 "sse-server make-key prints");
    return 0;
}

static int check_name(const struct config_subject *subject, const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";

    if (name[strspn(name, allowed)] != '\0')
        return config_check_fail(subject, "name",
                                 "\"%.70s\" is no name; use letters, digits, . _ and - only", name);
    return 0;
}

/* The keys before this one are in order. */
static int check_others(const struct config_subject *subject, const struct config_api_key *key)
{
    struct auth_key_hash hash, other_hash;

    for (size_t i = 0; i < subject->index; i++) {
        const struct config_api_key *other = &subject->config->api_keys[i];

        if (strcmp(key->name, other->name) == 0)
            return config_check_fail(
                subject, "name", "\"%s\" is that of apiKeys[%zu] too; rename one", key->name, i);
        if (hash_of(key, &hash) && hash_of(other, &other_hash) &&
            auth_key_hash_equal(&hash, &other_hash))
            return config_check_fail(subject, "", "is the same key as apiKeys[%zu]; keep one", i);
    }
    return 0;
}

int config_check_api_key(const struct config_subject *subject, const void *item)
{
    const struct config_api_key *key = item;
    int rc = check_text(subject, key);

    if (rc == 0)
        rc = check_name(subject, key->name);
    if (rc == 0)
        rc = check_permissions(subject, key);
    if (rc == 0)
        rc = check_services(subject, key->services);
    return rc == 0 ? check_others(subject, key) : rc;
}

struct auth_api_keys *config_make_api_keys(const struct config *config)
{
    struct auth_api_key keys[CONFIG_MAX_KEYS];
    struct word unknown;
    size_t count = 0;

    for (size_t i = 0; i < config->api_key_count; i++) {
        const struct config_api_key *from = &config->api_keys[i];
        struct auth_api_key *key = &keys[count];

        if (!hash_of(from, &key->hash))
            continue; /* OpenSSL has failed since the check: the key opens nothing */
        key->name = from->name;
        (void)auth_permissions_parse(from->permissions, &key->permissions, &unknown);
        key->tenants = from->tenants;
        key->services = services_named(config, from->services, &unknown);
        count++;
    }
    return auth_api_keys_new(keys, count);
}

/* ---- keys of access tokens ---- */

#define KEY_FILE_BYTES ((size_t)64 * 1024)

static_assert(CONFIG_MAX_TOKEN_KEYS <= AUTH_JWT_MAX_KEYS, "all keys that are read can be used");

static bool is_given(const char *text)
{
    return *text != '\0';
}

struct auth_jwt_key *config_load_token_key(const struct config_token_key *key,
                                           struct config_fault *fault)
{
    const struct auth_jwt_algorithm *algorithm = auth_jwt_algorithm_find(key->algorithm);
    struct auth_jwt_key *loaded;
    size_t length = 0;
    char *text;

    if (is_given(key->secret))
        return auth_jwt_key_read(key->id, algorithm, key->secret, fault->message,
                                 sizeof(fault->message));
    text = file_read(key->file, KEY_FILE_BYTES, &length);
    if (!text) {
        (void)config_fail(fault, -errno, "\"%.100s\": %s; give a file that this user may read",
                          key->file, strerror(errno));
        return NULL;
    }
    loaded = auth_jwt_key_read(key->id, algorithm, text, fault->message, sizeof(fault->message));
    OPENSSL_cleanse(text, length);
    free(text);
    return loaded;
}

bool config_token_key_is_for(const struct config *config, const struct config_token_key *key,
                             size_t service)
{
    struct word unknown;

    return (services_named(config, key->services, &unknown) & UINT64_C(1) << service) != 0;
}

int config_find_jwt_service(const struct config *config, const char *name, size_t *service,
                            struct config_fault *fault)
{
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *candidate = &config->services[i];

        *service = i;
        if (candidate->auth == CONFIG_AUTH_JWT &&
            (!name || strcmp(candidate->settings.name, name) == 0))
            return 0;
    }
    return config_fail(
        fault, -EINVAL,
        "the configuration has no service%s%.64s with auth: jwt; give the one that has, by "
        "--config FILE%s",
        name ? " " : "", name ? name : "", name ? " and --service NAME" : "");
}

struct auth_jwt_keys *config_make_token_keys(const struct config *config, size_t service,
                                             struct config_fault *fault)
{
    struct auth_jwt_keys *keys = auth_jwt_keys_new();

    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *from = &config->token_keys[i];
        struct auth_jwt_key *key;

        if (is_given(from->jwks) || !config_token_key_is_for(config, from, service))
            continue;
        key = config_load_token_key(from, fault);
        if (!key) {
            auth_jwt_keys_free(keys);
            return NULL;
        }
        (void)auth_jwt_keys_add(keys, key);
    }
    return keys;
}

static int check_algorithm(const struct config_subject *subject, const char *name)
{
    if (!is_given(name))
        return config_check_fail(subject, "algorithm",
                                 "is missing; a key is for one, such as HS256, RS256 or ES256");
    if (auth_jwt_algorithm_find(name))
        return 0;
    return config_check_fail(subject, "algorithm",
                             "\"%.20s\" is not known; use " AUTH_JWT_ALGORITHM_NAMES, name);
}

static int check_token_key(const struct config_subject *subject, const struct config_token_key *key)
{
    struct auth_jwt_key *loaded;
    struct config_fault fault;
    int rc = check_algorithm(subject, key->algorithm);

    if (rc != 0)
        return rc;
    loaded = config_load_token_key(key, &fault);
    if (!loaded)
        return config_check_fail(subject, is_given(key->secret) ? "secret" : "file", "%s",
                                 fault.message);
    auth_jwt_key_free(loaded);
    return 0;
}

/* Keys that came in clear text could be anybody's; on this machine nobody is in between. */
static bool is_safe_url(const char *url)
{
    static const char *const safe[] = {
        "https://",          "http://localhost/", "http://localhost:", "http://127.0.0.1/",
        "http://127.0.0.1:", "http://[::1]/",     "http://[::1]:"};

    for (size_t i = 0; i < COUNT(safe); i++) {
        if (strncmp(url, safe[i], strlen(safe[i])) == 0)
            return strchr(url, '@') == NULL;
    }
    return false;
}

static int check_set(const struct config_subject *subject, const struct config_token_key *key)
{
    struct auth_jwt_keys *keys;
    size_t length = 0;
    char fault[400];
    char *text;

    if (is_given(key->algorithm) || is_given(key->id))
        return config_check_fail(subject, is_given(key->id) ? "id" : "algorithm",
                                 "stands beside jwks, whose keys say it themselves; leave it out");
    if (auth_jwks_is_url(key->jwks)) {
        if (is_safe_url(key->jwks))
            return 0;
        return config_check_fail(subject, "jwks",
                                 "must be https:// without a name and a password (http:// is for "
                                 "this machine only)");
    }
    text = file_read(key->jwks, AUTH_JWK_SET_MAX_BYTES, &length);
    if (!text)
        return config_check_fail(subject, "jwks",
                                 "\"%.100s\": %s; give a file that this user may read, or an "
                                 "https URL",
                                 key->jwks, strerror(errno));
    keys = auth_jwk_set_read(text, length, fault, sizeof(fault));
    free(text);
    if (!keys)
        return config_check_fail(subject, "jwks", "\"%.80s\" %s", key->jwks, fault);
    auth_jwt_keys_free(keys);
    return 0;
}

int config_check_token_key(const struct config_subject *subject, const void *item)
{
    const struct config_token_key *key = item;
    int given = is_given(key->secret) + is_given(key->file) + is_given(key->jwks);
    int rc = check_services(subject, key->services);

    if (rc != 0)
        return rc;
    if (given != 1)
        return config_check_fail(subject, "", "%s; give one of secret, file and jwks",
                                 given == 0 ? "has no key" : "has several keys");
    return is_given(key->jwks) ? check_set(subject, key) : check_token_key(subject, key);
}

int config_check_service_keys(const struct config_subject *subject, const void *item)
{
    const struct config_service *service = item;
    const struct config *config = subject->config;

    if (service->auth != CONFIG_AUTH_JWT)
        return 0;
    for (size_t i = 0; i < config->token_key_count; i++) {
        if (config_token_key_is_for(config, &config->token_keys[i], subject->index))
            return 0;
    }
    return config_check_fail(subject, "auth",
                             "jwt needs a key to check tokens with; add one to tokenKeys, such as "
                             "\"tokenKeys: [{algorithm: ES256, file: public.pem}]\"");
}
