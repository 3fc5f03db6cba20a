/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SECRETS_H
#define BASE_SECRETS_H
/* Finds what must not be shown: by its name, or by its looks. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Whether a parameter, header field, cookie or member of this name holds a secret. also: further
 * names that do (base/text.h), "" for none. */
bool secrets_is_name(const char *name, size_t length, const char *also);

/* What stands for a secret wherever one would be shown. */
#define SECRETS_MASK "***"

/* What somebody gives for a name: the mask when it looks like a credential. NULL: NULL. */
const char *secrets_mask_name(const char *name);

/* Appends value, or the mask when it looks like a credential. Where it is an address, the secrets
 * in its query, its fragment and its path are masked, and its user with the password. */
void secrets_append_masked(struct buf *text, const char *value, const char *also);

/* The same of each word: of a sentence that quotes somebody, or the name of a program. */
void secrets_append_words(struct buf *text, const char *sentence, const char *also);

/* Masks what an object holds, and what the objects in it hold. */
void secrets_mask_members(json_t *object);

#endif
