/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/presence_kind.h"

const char *const presence_kind_words[PRESENCE_KINDS] = {
    [PRESENCE_CONNECT] = "connect",           [PRESENCE_DISCONNECT] = "disconnect",
    [PRESENCE_LISTENING] = "listening",       [PRESENCE_USER_ONLINE] = "user-online",
    [PRESENCE_USER_OFFLINE] = "user-offline", [PRESENCE_RECEIPT] = "receipt",
};

static unsigned bit_of(const struct word *word)
{
    for (unsigned kind = 0; kind < PRESENCE_KINDS; kind++) {
        if (word_is(word, presence_kind_words[kind]))
            return PRESENCE_BIT(kind);
    }
    return 0;
}

bool presence_kinds_parse(const char *words, unsigned *kinds, struct word *unknown)
{
    struct word word;

    *kinds = 0;
    while (words_next(&words, &word)) {
        const unsigned bit = bit_of(&word);

        if (bit == 0) {
            *unknown = word;
            return false;
        }
        *kinds |= bit;
    }
    if (*kinds == 0)
        *kinds = PRESENCE_ALL;
    return true;
}
