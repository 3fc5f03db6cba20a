/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H
/*
 * The value of one key: from the text that a file, a variable or a flag holds to a struct member,
 * and back. Knows units ("64KiB", "30s"), ranges and words. And the items of lists, which have such
 * values.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct config;
struct config_key;
struct config_list;

/* What is wrong with the settings, or with what is made of them. */
struct config_fault {
    char message[512]; /* "sse-server.yaml:12: services[0].queueBytes: …; use …" */
};

/* Sets *fault to a formatted sentence and returns error. */
int config_fail(struct config_fault *fault, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the value of text at owner (the struct that key->offset counts from); a text that was there
 * is freed. 0; or -EINVAL, -ERANGE with a sentence that says what would be right. */
int config_value_set(const struct config_key *key, void *owner, const char *text,
                     struct config_fault *fault);

/* Of a key that is a number or a choice. */
uint64_t config_value_number(const struct config_key *key, const void *owner);
/* Of a key that is a text; borrowed. */
const char *config_value_text(const struct config_key *key, const void *owner);

/* Appends the value as config_value_set() reads it. */
void config_value_print(const struct config_key *key, const void *owner, struct buf *to);

/* Appends what is allowed: "4KiB to 1GiB", "true or false"; nothing for a free text. */
void config_value_print_range(const struct config_key *key, struct buf *to);

/* Whether the key has the same value in both owners. */
bool config_value_is_equal(const struct config_key *key, const void *owner, const void *other);
/* Gives the key in owner the value that it has in from; a text is copied. */
void config_value_copy(const struct config_key *key, void *owner, const void *from);

void config_value_release(const struct config_key *key, void *owner);

/* An owner is the struct config (list: NULL), or an item of a list. These are for all keys, and
 * inner lists, that lie in it. */
void config_set_defaults(void *owner, const struct config_list *list);
void config_owner_release(void *owner, const struct config_list *list);

/* owner is what the list lies in. The item is the caller's to change only where owner is. */
void *config_list_item(const void *owner, const struct config_list *list, size_t index);
size_t config_list_count(const void *owner, const struct config_list *list);
/* Appends an item with the defaults of its keys; the caller looks at list->most before. */
void *config_list_add(void *owner, const struct config_list *list);
void config_list_set_count(void *owner, const struct config_list *list, size_t count);
void config_list_clear(void *owner, const struct config_list *list);
/* Copies them all, or one, into memory that holds nothing yet. */
void config_list_copy(void *owner, const void *from, const struct config_list *list);
void config_item_copy(void *item, const void *from, const struct config_list *list);
/* What the list lies in: the config, or the item of the list around it that has that number. */
void *config_list_owner(struct config *config, const struct config_list *list, size_t outer);

/* One text for one key, of a source: a file, a variable, a flag. */
struct config_assignment {
    const struct config_key *key;
    size_t index;      /* of the list's item; 0 for other keys */
    size_t outer;      /* of the item that has that list, where it lies in one */
    const char *where; /* how to call it in a fault: "sse-server.yaml:12: services[0].name" */
    const char *text;
};

/* 0, or a negative errno with *fault. The item must exist. */
int config_assign(struct config *config, const struct config_assignment *assignment,
                  struct config_fault *fault);

/* Whether a source has said something of the key, be it the default; of the process's, or of the
 * item of a list that lies in no other. */
bool config_is_given(const struct config *config, const struct config_key *key, size_t index);

#endif
