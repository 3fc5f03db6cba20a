/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_api_keys.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/api_key.h"
#include "auth/permission.h"
#include "base/buf.h"
#include "base/words.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_names.h"

static_assert(CONFIG_MAX_KEYS == AUTH_MAX_API_KEYS, "all keys that can be read can be used");

void config_fill_api_keys(struct config *config)
{
    for (size_t i = 0; i < config->api_key_count; i++) {
        struct config_api_key *key = &config->api_keys[i];
        struct buf name = BUF_INIT;

        if (*key->name != '\0')
            continue;
        buf_printf(&name, "key-%zu", i + 1);
        free(key->name);
        key->name = buf_detach(&name);
    }
}

/* A hash in the place of a key is one, too: as a key, it would open to whoever reads the file. */
static bool hash_of(const struct config_api_key *key, struct auth_key_hash *hash)
{
    if (*key->hash != '\0')
        return auth_key_hash_parse(key->hash, hash);
    if (auth_key_hash_is_text(key->key))
        return auth_key_hash_parse(key->key, hash);
    return auth_key_hash_of(key->key, hash);
}

/* Stops at a word that is no permission. */
static unsigned permissions_of(const struct config_api_key *key, struct word *unknown)
{
    const char *rest = key->permissions;
    unsigned permissions = 0;
    struct word word;

    while (words_next(&rest, &word)) {
        unsigned permission = auth_permission_of(&word);

        if (permission == 0) {
            *unknown = word;
            break;
        }
        permissions |= permission;
    }
    return permissions;
}

static int check_permissions(const struct config_subject *subject, const struct config_api_key *key)
{
    struct word unknown = {NULL, 0};
    unsigned permissions = permissions_of(key, &unknown);

    if (unknown.text)
        return config_fail_unknown(subject, "permissions", &unknown, auth_permission_words);
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
static int check_against(const struct config_subject *subject, const struct config_api_key *key,
                         size_t other_index)
{
    const struct config_api_key *other = &subject->config->api_keys[other_index];
    struct auth_key_hash hash, other_hash;

    if (strcmp(key->name, other->name) == 0)
        return config_check_fail(subject, "name", "\"%s\" is that of apiKeys[%zu] too; rename one",
                                 key->name, other_index);
    if (hash_of(key, &hash) && hash_of(other, &other_hash) &&
        auth_key_hash_equal(&hash, &other_hash))
        return config_check_fail(subject, "", "is the same key as apiKeys[%zu]; keep one",
                                 other_index);
    return 0;
}

static int check_key(const struct config_subject *subject, const struct config_api_key *key)
{
    int rc = check_text(subject, key);

    if (rc == 0)
        rc = check_name(subject, key->name);
    if (rc == 0)
        rc = check_permissions(subject, key);
    if (rc == 0)
        rc = config_check_services(subject, key->services);
    for (size_t i = 0; rc == 0 && i < subject->index; i++)
        rc = check_against(subject, key, i);
    return rc;
}

int config_check_api_keys(const struct config *config, struct config_fault *fault)
{
    struct config_subject subject = {.config = config, .list = "apiKeys", .fault = fault};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config->api_key_count; i++) {
        subject.index = i;
        subject.line = config->api_keys[i].line;
        rc = check_key(&subject, &config->api_keys[i]);
    }
    return rc;
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
        key->permissions = permissions_of(from, &unknown);
        key->tenants = from->tenants;
        key->services = config_services_named(config, from->services, &unknown);
        count++;
    }
    return auth_api_keys_new(keys, count);
}
