/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_PERMISSION_H
#define AUTH_PERMISSION_H
/* The names of what a back end may do. */
#include "base/words.h"

/* In the order of enum auth_permission (auth/auth.h), then NULL. */
extern const char *const auth_permission_words[];

/* The mask of one word; 0 when it names no permission. */
unsigned auth_permission_of(const struct word *word);

/* The word of one permission. */
const char *auth_permission_word(unsigned permission);

#endif
