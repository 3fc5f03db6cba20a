/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by their names, right or nearly so. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/spelling.h"
#include "server/config_keys.h"

void config_key_append_name(const struct config_key *key, const size_t numbers[CONFIG_DEPTH],
                            struct buf *to)
{
    for (const char *c = key->name; *c; c++) {
        buf_append_char(to, *c);
        if (*c == '[')
            buf_printf(to, "%zu", *numbers++);
    }
}

const struct config_key *config_key_beside(const struct config_key *key)
{
    if (key->is_file)
        return key - 1;
    return key->is_secret && !key->is_shorthand ? key + 1 : NULL;
}

const struct config_key *config_key_find(const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    }
    return NULL;
}

const char *config_key_last(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? dot + 1 : name;
}

/* Whether name lies below key: then key is not what it should have been called. */
static bool lies_below(const char *name, const char *key)
{
    size_t length = strlen(key);

    return strncmp(name, key, length) == 0 && name[length] == '.';
}

/* How far name is from key, where it may be the right word in the wrong place or its beginning. */
static size_t distance_to(const char *name, const char *key)
{
    enum { ELSEWHERE = 2, SHORTEST_BEGINNING = 3 };
    const char *word = config_key_last(name);
    const char *key_word = config_key_last(key);
    size_t whole = spelling_distance(name, key);
    size_t last = spelling_distance(word, key_word);

    if (strlen(word) >= SHORTEST_BEGINNING && strncasecmp(word, key_word, strlen(word)) == 0)
        last = 0;
    return whole < last + ELSEWHERE ? whole : last + ELSEWHERE;
}

const struct config_key *config_key_nearest(const char *name)
{
    const struct config_key *nearest = &config_keys[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < config_key_count; i++) {
        size_t distance = distance_to(name, config_keys[i].name);

        if (distance < least && !lies_below(name, config_keys[i].name)) {
            least = distance;
            nearest = &config_keys[i];
        }
    }
    return config_is_near(config_key_last(name), least) ? nearest : NULL;
}

void config_key_variable(const char *name, char buffer[CONFIG_VARIABLE_SIZE])
{
    const size_t end = CONFIG_VARIABLE_SIZE - 3;
    size_t at = strlen(CONFIG_PREFIX);

    memcpy(buffer, CONFIG_PREFIX, at);
    for (const char *c = name; *c && at < end; c++) {
        if (*c == '[') {
            buffer[at++] = '_';
            buffer[at++] = '#';
        } else if (*c == '.') {
            buffer[at++] = '_';
        } else if (*c != ']') {
            if (isupper((unsigned char)*c))
                buffer[at++] = '_';
            buffer[at++] = (char)toupper((unsigned char)*c);
        }
    }
    buffer[at] = '\0';
}

bool config_is_near(const char *word, size_t distance)
{
    return distance <= strlen(word) / 3 + 1;
}

const char *config_nearest(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (; *names; names++) {
        const size_t distance = spelling_distance(word, *names);

        if (distance < least) {
            least = distance;
            nearest = *names;
        }
    }
    return config_is_near(word, least) ? nearest : NULL;
}
