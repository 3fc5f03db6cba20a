/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
/* The hash for whatever an outsider's text decides: which bucket, which worker. Who does not know
 * the key, which never leaves the process, cannot choose texts that meet. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
    uint64_t words[2];
};

/* Where nobody gains by texts that meet; results are the same in every process. */
#define HASH_KEY_NONE ((struct hash_key){{0, 0}})

struct hash_key hash_key_new(void); /* a random one */

/* SipHash-1-3 (Aumasson and Bernstein). All bits are good. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length);

static inline uint64_t hash_text(const struct hash_key *key, const char *text)
{
    return hash_bytes(key, text, strlen(text));
}

#endif
