/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_KEY_SOUNDNESS_H
#define AUTH_KEY_SOUNDNESS_H
/* Whether a public key is of the kind that an algorithm needs, and one that only its owner can sign
 * with. Asked once, when it is loaded. */
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct auth_jwt_algorithm;

/* False with a sentence that says what would be right. */
bool auth_key_is_sound(EVP_PKEY *key, const struct auth_jwt_algorithm *algorithm, char *fault,
                       size_t fault_size);

#endif
