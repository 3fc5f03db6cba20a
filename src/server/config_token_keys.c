/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_token_keys.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwk.h"
#include "auth/jwks.h"
#include "auth/jwt_key.h"
#include "auth/jwt_keys.h"
#include "base/file.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_names.h"

#define KEY_FILE_BYTES ((size_t)64 * 1024)

static_assert(CONFIG_MAX_TOKEN_KEYS <= AUTH_JWT_MAX_KEYS, "all keys that are read can be used");

static bool is_given(const char *text)
{
    return *text != '\0';
}

struct auth_jwt_key *config_load_token_key(const struct config_token_key *key, char *fault,
                                           size_t fault_size)
{
    const struct auth_jwt_algorithm *algorithm = auth_jwt_algorithm_find(key->algorithm);
    struct auth_jwt_key *loaded;
    size_t length = 0;
    char *text;

    if (is_given(key->secret))
        return auth_jwt_key_read(key->id, algorithm, key->secret, fault, fault_size);
    text = file_read(key->file, KEY_FILE_BYTES, &length);
    if (!text) {
        snprintf(fault, fault_size, "\"%.100s\": %s; give a file that this user may read",
                 key->file, strerror(errno));
        return NULL;
    }
    loaded = auth_jwt_key_read(key->id, algorithm, text, fault, fault_size);
    OPENSSL_cleanse(text, length);
    free(text);
    return loaded;
}

bool config_token_key_is_for(const struct config *config, const struct config_token_key *key,
                             size_t service)
{
    struct word unknown;

    return (config_services_named(config, key->services, &unknown) & UINT64_C(1) << service) != 0;
}

int config_find_jwt_service(const struct config *config, const char *name, size_t *service,
                            char *fault, size_t fault_size)
{
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *candidate = &config->services[i];

        *service = i;
        if (candidate->auth == CONFIG_AUTH_JWT &&
            (!name || strcmp(candidate->settings.name, name) == 0))
            return 0;
    }
    snprintf(fault, fault_size,
             "the configuration has no service%s%.64s with auth: jwt; give the one that has, by "
             "--config FILE%s",
             name ? " " : "", name ? name : "", name ? " and --service NAME" : "");
    return -EINVAL;
}

struct auth_jwt_keys *config_make_token_keys(const struct config *config, size_t service,
                                             char *fault, size_t fault_size)
{
    struct auth_jwt_keys *keys = auth_jwt_keys_new();

    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *from = &config->token_keys[i];
        struct auth_jwt_key *key;

        if (is_given(from->jwks) || !config_token_key_is_for(config, from, service))
            continue;
        key = config_load_token_key(from, fault, fault_size);
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

static int check_key(const struct config_subject *subject, const struct config_token_key *key)
{
    struct auth_jwt_key *loaded;
    char fault[400];
    int rc = check_algorithm(subject, key->algorithm);

    if (rc != 0)
        return rc;
    loaded = config_load_token_key(key, fault, sizeof(fault));
    if (!loaded)
        return config_check_fail(subject, is_given(key->secret) ? "secret" : "file", "%s", fault);
    auth_jwt_key_free(loaded);
    return 0;
}

/* Keys that came in clear text could be anybody's; on this machine nobody is in between. */
static bool is_safe_url(const char *url)
{
    static const char *const safe[] = {
        "https://",          "http://localhost/", "http://localhost:", "http://127.0.0.1/",
        "http://127.0.0.1:", "http://[::1]/",     "http://[::1]:"};

    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
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

static int check_item(const struct config_subject *subject, const struct config_token_key *key)
{
    int given = is_given(key->secret) + is_given(key->file) + is_given(key->jwks);
    int rc = config_check_services(subject, key->services);

    if (rc != 0)
        return rc;
    if (given != 1)
        return config_check_fail(subject, "", "%s; give one of secret, file and jwks",
                                 given == 0 ? "has no key" : "has several keys");
    return is_given(key->jwks) ? check_set(subject, key) : check_key(subject, key);
}

static int check_service(const struct config_subject *subject, size_t service)
{
    const struct config *config = subject->config;

    if (config->services[service].auth != CONFIG_AUTH_JWT)
        return 0;
    for (size_t i = 0; i < config->token_key_count; i++) {
        if (config_token_key_is_for(config, &config->token_keys[i], service))
            return 0;
    }
    return config_check_fail(subject, "auth",
                             "jwt needs a key to check tokens with; add one to tokenKeys, such as "
                             "\"tokenKeys: [{algorithm: ES256, file: public.pem}]\"");
}

int config_check_token_keys(const struct config *config, struct config_fault *fault)
{
    struct config_subject subject = {.config = config, .list = "tokenKeys", .fault = fault};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config->token_key_count; i++) {
        subject.index = i;
        subject.line = config->token_keys[i].line;
        rc = check_item(&subject, &config->token_keys[i]);
    }
    subject.list = "services";
    for (size_t i = 0; rc == 0 && i < config->service_count; i++) {
        subject.index = i;
        subject.line = config->services[i].line;
        rc = check_service(&subject, i);
    }
    return rc;
}
