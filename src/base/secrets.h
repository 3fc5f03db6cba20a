/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SECRETS_H
#define BASE_SECRETS_H
/* What nobody but its owner is to see: known by the name that it bears, or by its looks. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Whether a parameter, header field, cookie or member of this name holds a secret. also: further
 * names that do (base/words.h), "" for none. */
bool secrets_is_name(const char *name, size_t length, const char *also);

/* Appends what stands for a secret wherever one would be shown. */
void secrets_append_mask(struct buf *text);

/* Appends value, or the mask when it looks like a credential. Where it is an address, the secrets
 * in its query, its fragment and its path's parameters are masked, and its user with the password.
 */
void secrets_append_masked(struct buf *text, const char *value, const char *also);

/* Masks what an object holds, and what the objects in it hold. */
void secrets_mask_members(json_t *object);

#endif
