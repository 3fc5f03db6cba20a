/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SECRETS_H
#define API_SECRETS_H
/* What a request says that nobody else is to see: known by the name that it bears. */
#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Whether a parameter, header field or cookie of this name holds a secret. */
bool secrets_is_name(const char *name, size_t length);

/* Appends what stands for a secret wherever one would be shown. */
void secrets_append_mask(struct buf *text);

/* Appends value. Where it is an address, the secrets in its query and its fragment are masked. */
void secrets_append_masked(struct buf *text, const char *value);

#endif
