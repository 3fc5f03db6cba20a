/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <string.h>

#define BLANKS " \t"

bool words_next(const char **rest, struct word *word)
{
    while (**rest != '\0') {
        const char *text = *rest + strspn(*rest, BLANKS);
        size_t length = strcspn(text, ",");

        *rest = text + length + (text[length] == ',' ? 1 : 0);
        while (length > 0 && strchr(BLANKS, text[length - 1]))
            length--;
        if (length > 0) {
            *word = (struct word){text, length};
            return true;
        }
    }
    return false;
}

bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}

bool words_have(const char *words, const char *text)
{
    struct word word;

    while (words_next(&words, &word)) {
        if (word_is(&word, text))
            return true;
    }
    return false;
}

size_t words_count(const char *words)
{
    struct word word;
    size_t count = 0;

    while (words_next(&words, &word))
        count++;
    return count;
}
