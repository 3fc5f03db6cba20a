/* SPDX-License-Identifier: Apache-2.0 */
#include "server/make_token.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/jwt_key.h"
#include "auth/jwt_user.h"
#include "auth/permission.h"
#include "base/random.h"
#include "base/words.h"
#include "server/config.h"
#include "server/config_keys.h"
#include "server/config_token_keys.h"
#include "server/config_value.h"
#include "sse/user.h"

#define NAME_BYTES 8u /* of the token: enough to be no other's */

static int read_expiry(const char *text, uint64_t *ms, char *fault, size_t fault_size)
{
    static const struct config_key key = {.name = "--expires",
                                          .type = CONFIG_DURATION,
                                          .width = sizeof(uint64_t),
                                          .low = 1000,
                                          .high = UINT64_C(10) * 365 * 24 * 3600 * 1000};
    char sentence[200];
    int rc = config_value_set(&key, ms, text ? text : "1h", sentence, sizeof(sentence));

    if (rc == 0)
        return 0;
    snprintf(fault, fault_size, "--expires: %s", sentence);
    return -EINVAL;
}

static void set_text(json_t *claims, const char *name, const char *value)
{
    if (value && *value != '\0' && *name != '\0')
        json_object_set_new(claims, name, json_string(value));
}

static void set_words(json_t *claims, const char *name, const char *words)
{
    json_t *list;
    struct word word;

    if (!words || *name == '\0')
        return;
    list = json_array();
    while (words_next(&words, &word))
        json_array_append_new(list, json_stringn(word.text, word.length));
    json_object_set_new(claims, name, list);
}

static void set_audience(json_t *claims, const char *audiences)
{
    struct word word;

    if (words_next(&audiences, &word))
        json_object_set_new(claims, "aud", json_stringn(word.text, word.length));
}

static json_t *claims_of(const struct auth_jwt_settings *jwt,
                         const struct make_token_request *request, uint64_t expires_ms)
{
    const json_int_t now = (json_int_t)time(NULL);
    char name[2 * NAME_BYTES + 1];
    json_t *claims = json_object();

    random_hex(name, NAME_BYTES);
    set_text(claims, "iss", jwt->rules.issuer);
    set_audience(claims, jwt->rules.audiences);
    set_text(claims, "jti", name);
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer(now + (json_int_t)(expires_ms / 1000)));
    set_text(claims, jwt->claims.user_id, request->user);
    set_text(claims, jwt->claims.name, request->name);
    set_text(claims, jwt->claims.tenant_id, request->tenant);
    set_words(claims, jwt->claims.channels, request->channels);
    set_words(claims, jwt->claims.permissions, request->permissions);
    return claims;
}

/* With --key-file, the configured key says which algorithm and kid, and the file signs. */
static struct auth_jwt_key *load(const struct config_token_key *key, const char *file, char *fault,
                                 size_t fault_size)
{
    struct config_token_key with_file = *key;

    if (!file)
        return config_load_token_key(key, fault, fault_size);
    with_file.secret = (char *)"";
    with_file.file = (char *)file;
    return config_load_token_key(&with_file, fault, fault_size);
}

/* The key that signs, or NULL with a sentence. */
static struct auth_jwt_key *find_key(const struct config *config, size_t service,
                                     const struct make_token_request *request, char *fault,
                                     size_t fault_size)
{
    snprintf(fault, fault_size,
             "none of tokenKeys%s can sign for the service %s; give --key-file with the private "
             "key or the secret",
             request->key ? " with that id" : "", config->services[service].settings.name);
    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *key = &config->token_keys[i];
        struct auth_jwt_key *loaded;

        if (*key->jwks != '\0' || !config_token_key_is_for(config, key, service) ||
            (request->key && strcmp(request->key, key->id) != 0))
            continue;
        loaded = load(key, request->key_file, fault, fault_size);
        if (!loaded || loaded->can_sign)
            return loaded;
        auth_jwt_key_free(loaded);
        if (request->key_file) {
            snprintf(
                fault, fault_size,
                "--key-file: \"%.120s\" has a public key, which signs nothing; give the private "
                "one",
                request->key_file);
            return NULL;
        }
    }
    return NULL;
}

static int check_permissions(const char *permissions, char *fault, size_t fault_size)
{
    const char *rest = permissions ? permissions : "";
    struct word word;
    size_t count = 0;

    for (; words_next(&rest, &word); count++) {
        if (auth_permission_of(&word) != 0)
            continue;
        snprintf(
            fault, fault_size,
            "--permissions: \"%.*s\" is none; use send, query, disconnect, presence and metrics",
            word.length < 40 ? (int)word.length : 40, word.text);
        return -EINVAL;
    }
    if (count > 0 || !permissions)
        return 0;
    snprintf(fault, fault_size,
             "--permissions: names none; use send, query, disconnect, presence and metrics");
    return -EINVAL;
}

/* What the service would refuse is not made. A back end's token need not name a user. */
static int check_user(const struct auth_jwt_settings *jwt, const struct make_token_request *request,
                      const json_t *claims, char *fault, size_t fault_size)
{
    const char *reason = "";
    struct sse_user *user =
        request->user ? auth_jwt_user_new(claims, &jwt->claims, "", 0, &reason) : NULL;

    if (!user && request->user) {
        snprintf(fault, fault_size, "%s", reason);
        return -EINVAL;
    }
    sse_user_unref(user);
    return 0;
}

int make_token(const struct config *config, const struct make_token_request *request, FILE *to,
               char *fault, size_t fault_size)
{
    struct auth_jwt_key *key;
    uint64_t expires_ms = 0;
    size_t service = 0;
    json_t *claims;
    char *token;
    int rc = config_find_jwt_service(config, request->service, &service, fault, fault_size);

    if (rc == 0)
        rc = read_expiry(request->expires, &expires_ms, fault, fault_size);
    if (rc != 0)
        return rc;
    if (!request->user && !request->permissions) {
        snprintf(fault, fault_size, "give --user ID, or --permissions for a back end's token");
        return -EINVAL;
    }
    rc = check_permissions(request->permissions, fault, fault_size);
    if (rc != 0)
        return rc;
    key = find_key(config, service, request, fault, fault_size);
    if (!key)
        return -EINVAL;
    claims = claims_of(&config->services[service].jwt, request, expires_ms);
    rc = check_user(&config->services[service].jwt, request, claims, fault, fault_size);
    token = rc == 0 ? auth_jwt_key_sign(key, claims) : NULL;
    if (token)
        fprintf(to, "%s\n", token);
    else if (rc == 0)
        snprintf(fault, fault_size, "a text is not UTF-8, or OpenSSL cannot sign with this key");
    rc = token ? 0 : -EINVAL;
    free(token);
    json_decref(claims);
    auth_jwt_key_free(key);
    return rc;
}
