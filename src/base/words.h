/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H
/* Lists of words in one text, parted by commas: "send, query". Blanks around a word do not count,
 * empty words are none. */
#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *text; /* lies in the list; not NUL-terminated */
    size_t length;
};

/* The next word of *rest, which moves behind it. False at the end. */
bool words_next(const char **rest, struct word *word);

bool word_is(const struct word *word, const char *text);
size_t words_count(const char *words);
bool words_have(const char *words, const char *text);

#endif
