/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H
/*
 * The value of one key: from the text that a file, a variable or a flag holds to a struct member,
 * and back. Knows units ("64KiB", "30s"), ranges and words.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct config_key;

/* Puts the value of text at owner (the struct that key->offset counts from); a text that was there
 * is freed. 0; or -EINVAL, -ERANGE with a sentence that says what would be right. */
int config_value_set(const struct config_key *key, void *owner, const char *text, char *fault,
                     size_t fault_size);

/* Of a key that is a number or a choice. */
uint64_t config_value_number(const struct config_key *key, const void *owner);

/* Appends the value as config_value_set() reads it. */
void config_value_print(const struct config_key *key, const void *owner, struct buf *to);

/* Appends what is allowed: "4KiB to 1GiB", "true or false"; nothing for a free text. */
void config_value_print_range(const struct config_key *key, struct buf *to);

/* Whether the key has the same value in both owners. */
bool config_value_is_equal(const struct config_key *key, const void *owner, const void *other);
/* Gives the key in owner the value that it has in from; a text is copied. */
void config_value_copy(const struct config_key *key, void *owner, const void *from);

void config_value_release(const struct config_key *key, void *owner);

#endif
