/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/api_key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

struct auth_api_keys {
    size_t count;
    struct auth_api_key keys[AUTH_MAX_API_KEYS];
};

struct auth_api_keys *auth_api_keys_new(const struct auth_api_key *keys, size_t count)
{
    struct auth_api_keys *set = mem_zalloc(sizeof(*set));

    assert(count <= AUTH_MAX_API_KEYS);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->keys[i] = keys[i];
    return set;
}

void auth_api_keys_free(struct auth_api_keys *keys)
{
    free(keys);
}

size_t auth_api_keys_count(const struct auth_api_keys *keys)
{
    return keys->count;
}

const struct auth_api_key *auth_api_keys_at(const struct auth_api_keys *keys, size_t index)
{
    return &keys->keys[index];
}

int auth_api_keys_find(const struct auth_api_keys *keys, const char *token)
{
    struct auth_key_hash hash;
    int found = -ENOENT;

    if (!auth_key_hash_of(token, &hash))
        return -ENOMEM;
    /* Every key is compared, whichever matches: the time tells nothing. */
    for (size_t i = 0; i < keys->count; i++) {
        if (auth_key_hash_equal(&hash, &keys->keys[i].hash))
            found = (int)i;
    }
    return found;
}
