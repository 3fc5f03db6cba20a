/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/permission.h"

#include <assert.h>
#include <stddef.h>

#include "auth/auth.h"

const char *const auth_permission_words[] = {"send",     "query",   "disconnect",
                                             "presence", "metrics", NULL};

static_assert(sizeof(auth_permission_words) / sizeof(auth_permission_words[0]) ==
                  (size_t)__builtin_popcount(AUTH_MAY_ALL) + 1,
              "a word for each permission");

unsigned auth_permission_of(const struct word *word)
{
    for (unsigned i = 0; auth_permission_words[i]; i++) {
        if (word_is(word, auth_permission_words[i]))
            return 1u << i;
    }
    return 0;
}

const char *auth_permission_word(unsigned permission)
{
    return auth_permission_words[__builtin_ctz(permission)];
}
