/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/random.h"

struct siphash {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64u - bits));
}

static inline void siphash_round(struct siphash *state)
{
    state->v0 += state->v1;
    state->v1 = rotate_left(state->v1, 13) ^ state->v0;
    state->v0 = rotate_left(state->v0, 32);
    state->v2 += state->v3;
    state->v3 = rotate_left(state->v3, 16) ^ state->v2;
    state->v0 += state->v3;
    state->v3 = rotate_left(state->v3, 21) ^ state->v0;
    state->v2 += state->v1;
    state->v1 = rotate_left(state->v1, 17) ^ state->v2;
    state->v2 = rotate_left(state->v2, 32);
}

static inline void siphash_word(struct siphash *state, uint64_t word)
{
    state->v3 ^= word;
    siphash_round(state);
    state->v0 ^= word;
}

struct hash_key hash_key_new(void)
{
    struct hash_key key;

    random_bytes(&key, sizeof(key));
    return key;
}

/* Words in the machine's byte order: no other machine has to come to the same result. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length)
{
    struct siphash state = {
        .v0 = key->words[0] ^ 0x736f6d6570736575u,
        .v1 = key->words[1] ^ 0x646f72616e646f6du,
        .v2 = key->words[0] ^ 0x6c7967656e657261u,
        .v3 = key->words[1] ^ 0x7465646279746573u,
    };
    const char *text = bytes;
    size_t at = 0;
    uint64_t word;

    for (; at + sizeof(word) <= length; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        siphash_word(&state, word);
    }
    word = (uint64_t)length << 56;
    memcpy(&word, text + at, length - at);
    siphash_word(&state, word);
    state.v2 ^= 0xffu;
    siphash_round(&state);
    siphash_round(&state);
    siphash_round(&state);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
