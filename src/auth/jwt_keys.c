/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_keys.h"

#include <stdlib.h>
#include <string.h>

#include "auth/jwt_key.h"
#include "base/mem.h"

struct auth_jwt_keys *auth_jwt_keys_new(void)
{
    return mem_zalloc(sizeof(struct auth_jwt_keys));
}

void auth_jwt_keys_free(struct auth_jwt_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        auth_jwt_key_free(keys->keys[i]);
    free(keys);
}

bool auth_jwt_keys_add(struct auth_jwt_keys *keys, struct auth_jwt_key *key)
{
    if (keys->count == AUTH_JWT_MAX_KEYS) {
        auth_jwt_key_free(key);
        return false;
    }
    keys->keys[keys->count++] = key;
    return true;
}

const struct auth_jwt_key *auth_jwt_keys_next(const struct auth_jwt_keys *keys, const char *kid,
                                              const struct auth_jwt_algorithm *algorithm,
                                              size_t *at)
{
    while (*at < keys->count) {
        const struct auth_jwt_key *key = keys->keys[(*at)++];

        if (auth_jwt_key_is_for(key, algorithm) && (!kid || strcmp(key->id, kid) == 0))
            return key;
    }
    return NULL;
}
