/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_KEYS_H
#define SERVER_CONFIG_KEYS_H
/*
 * THE table of settings: a row per key, in the order in which `default-config` prints them. A key
 * is named by its path; "[]" stands for the number of a list's item. Everything that reads, checks,
 * prints or explains settings walks this table; a new key is one row and one struct member.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum config_type {
    CONFIG_SECTION,  /* only a name and a help for the keys below it */
    CONFIG_LIST,     /* the same for a list */
    CONFIG_TEXT,     /* char *, owned; low and high bound its length */
    CONFIG_TEXTS,    /* the same, with commas (base/text.h); a file may give a sequence, too */
    CONFIG_BOOL,     /* bool */
    CONFIG_COUNT,    /* a whole number of 4 or 8 bytes, as the next two */
    CONFIG_SIZE,     /* in bytes; "64KiB" */
    CONFIG_DURATION, /* in milliseconds; "30s" */
    CONFIG_CHOICE,   /* an enum; words[value] */
};

/* When a key that has changed counts. There is no default: each row of a value says one. */
enum config_change {
    CONFIG_UNSAID, /* of sections and lists */
    CONFIG_STATIC, /* at the next start */
    CONFIG_DYNAMIC /* at a reload */
};

/* An array with its count inside struct config, or inside an item of another list. Each item begins
 * with an unsigned: the line of the file where it stands, 0 when it is not from a file. */
struct config_list {
    size_t items; /* offset of the array */
    size_t item_size;
    size_t count; /* offset of a size_t */
    size_t most;
    const struct config_list *within; /* whose items have the array; NULL: struct config */
};

struct config_key {
    const char *name;               /* "services[].queueBytes" */
    const struct config_list *list; /* whose items have this key; NULL: struct config has it */
    enum config_change change;
    enum config_type type;
    size_t offset; /* in the item, or in struct config */
    size_t width;  /* of the member */
    uint64_t low, high;
    const char *fallback;     /* the default, as a file would say it */
    const char *help;         /* one line */
    const char *zero;         /* what 0 means where it is allowed although it is below low */
    const char *const *words; /* of a choice */
    bool is_hidden;           /* not shown among the settings in use */
    bool is_secret;           /* never shown; the row behind it is that of: */
    bool is_file;             /* the path of a file that may have the secret instead */
    bool is_shorthand; /* a text in place of an item: what it sets has a key of its own, too */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* Of a secret, the key of its file; of that, the secret's. NULL: of other keys. */
const struct config_key *config_key_beside(const struct config_key *key);

/* CONFIG_TEXT or CONFIG_TEXTS. */
bool config_key_is_text(const struct config_key *key);
/* Whether a member is its own: it is neither a head nor a shorthand. */
bool config_key_has_value(const struct config_key *key);
/* Those that it may be, of a choice and of CONFIG_BOOL; NULL: any text or number in its range. */
const char *const *config_key_words(const struct config_key *key);

/* What follows the last dot of a name. */
const char *config_key_last(const char *name);

/* Appends the name with the numbers of the items that it lies in, the outer one first:
 * "listeners[0].certificates[2].key". */
#define CONFIG_DEPTH 2u /* of lists in lists */
void config_key_append_name(const struct config_key *key, const size_t numbers[CONFIG_DEPTH],
                            struct buf *to);

/* NULL when there is no such key. name is a path with "[]" for numbers. */
const struct config_key *config_key_find(const char *name);

/* The key that someone who wrote name may have meant; NULL: none is near. */
const struct config_key *config_key_nearest(const char *name);

/* The environment's name of a key, as "SSE_SERVER_SERVICES_#_QUEUE_BYTES" ('#': a number). */
#define CONFIG_VARIABLE_SIZE 96u
#define CONFIG_PREFIX        "SSE_SERVER_"
void config_key_variable(const char *name, char buffer[CONFIG_VARIABLE_SIZE]);

/* Whether a word at that distance (base/spelling.h) may be a slip of who meant the other. */
bool config_is_near(const char *word, size_t distance);
/* The one of names, which end with NULL, that may have been meant by word; NULL: there is none. */
const char *config_nearest(const char *word, const char *const *names);

#endif
