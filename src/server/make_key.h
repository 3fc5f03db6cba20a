/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MAKE_KEY_H
#define SERVER_MAKE_KEY_H
/* The command make-key: a key for a back end, and the hash of it for the settings. */
#include <stddef.h>
#include <stdio.h>

/* Writes a fresh key and its hash. 0, or a negative errno with a sentence in fault. */
int make_key(FILE *to, char *fault, size_t fault_size);

/* The same for the key in the first line of from, of which only the hash is written. -EINVAL: no
 * key can look like that. */
int make_key_hash(FILE *from, FILE *to, char *fault, size_t fault_size);

#endif
