/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/user_key.h"

#include <string.h>

#include "base/mem.h"

#define SEPARATOR (SSE_USER_KEY_SEPARATOR[0])

char *sse_user_key_new(const char *tenant_id, const char *id)
{
    char *key = mem_alloc(strlen(tenant_id) + strlen(id) + 2);

    stpcpy(stpcpy(stpcpy(key, tenant_id), SSE_USER_KEY_SEPARATOR), id);
    return key;
}

bool sse_user_key_is(const char *key, const char *tenant_id, const char *id)
{
    const size_t length = strlen(tenant_id);

    return strncmp(key, tenant_id, length) == 0 && key[length] == SEPARATOR &&
           strcmp(key + length + 1, id) == 0;
}

bool sse_user_key_has_tenant(const char *key)
{
    return strchr(key, SEPARATOR) != NULL;
}

char *sse_user_key_tenant(const char *key)
{
    const char *end = strchr(key, SEPARATOR);

    return end ? mem_strndup(key, (size_t)(end - key)) : NULL;
}

const char *sse_user_key_id(const char *key)
{
    const char *end = strchr(key, SEPARATOR);

    return end ? end + 1 : key;
}

bool sse_user_key_may_have(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}
