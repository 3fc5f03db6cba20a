/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "h2/tls.h"

#define NAME_OCTETS  16u
#define KEY_OCTETS   32u
#define LONG_OCTETS  80u
#define SHORT_OCTETS 48u

struct key {
    unsigned char name[NAME_OCTETS];
    unsigned char cipher[KEY_OCTETS];
    unsigned char mac[KEY_OCTETS];
    size_t octets;  /* of each of the two that count */
    uint64_t since; /* seconds of the monotonic clock; when it was made */
};

struct h2_tickets {
    atomic_uint references;
    pthread_mutex_t lock; /* guards what follows, while keys are made here */
    bool is_made_here;
    size_t count;
    struct key keys[H2_TICKET_KEYS_IN_FILE]; /* the first encrypts */
};

static uint64_t now(void)
{
    return clock_monotonic_ns() / (1000u * CLOCK_NS_PER_MS);
}

struct h2_tickets *h2_tickets_new(void)
{
    struct h2_tickets *tickets = mem_zalloc(sizeof(*tickets));

    atomic_init(&tickets->references, 1);
    tickets->is_made_here = true;
    (void)pthread_mutex_init(&tickets->lock, NULL);
    return tickets;
}

/* False when there is no randomness. */
static bool make_key(struct key *key)
{
    key->octets = KEY_OCTETS;
    key->since = now();
    return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
           RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
           RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

static void take_key(struct key *key, const unsigned char *octets, size_t size)
{
    memcpy(key->name, octets, NAME_OCTETS);
    octets += NAME_OCTETS;
    if (size == LONG_OCTETS) {
        key->octets = KEY_OCTETS;
        memcpy(key->mac, octets, KEY_OCTETS);
        memcpy(key->cipher, octets + KEY_OCTETS, KEY_OCTETS);
    } else {
        key->octets = KEY_OCTETS / 2;
        memcpy(key->cipher, octets, KEY_OCTETS / 2);
        memcpy(key->mac, octets + KEY_OCTETS / 2, KEY_OCTETS / 2);
    }
}

struct h2_tickets *h2_tickets_read(const char *file, char *fault, size_t fault_size)
{
    struct h2_tickets *tickets = NULL;
    size_t length = 0;
    char *octets = file_read(file, (size_t)LONG_OCTETS * H2_TICKET_KEYS_IN_FILE, &length);
    const size_t size = length % LONG_OCTETS == 0 ? LONG_OCTETS : SHORT_OCTETS;

    if (!octets) {
        snprintf(fault, fault_size, "\"%.120s\" cannot be read: %s", file, strerror(errno));
        return NULL;
    }
    if (length == 0 || length % size != 0 || length / size > H2_TICKET_KEYS_IN_FILE) {
        snprintf(fault, fault_size,
                 "\"%.120s\" has %zu octets; a key has 80, or 48, and at most %u stand behind each "
                 "other (openssl rand 80)",
                 file, length, H2_TICKET_KEYS_IN_FILE);
    } else {
        tickets = h2_tickets_new();
        tickets->is_made_here = false;
        for (size_t at = 0; at < length; at += size)
            take_key(&tickets->keys[tickets->count++], (unsigned char *)octets + at, size);
    }
    OPENSSL_cleanse(octets, length);
    free(octets);
    return tickets;
}

struct h2_tickets *h2_tickets_ref(struct h2_tickets *tickets)
{
    (void)atomic_fetch_add_explicit(&tickets->references, 1, memory_order_relaxed);
    return tickets;
}

void h2_tickets_unref(struct h2_tickets *tickets)
{
    if (!tickets || atomic_fetch_sub_explicit(&tickets->references, 1, memory_order_acq_rel) != 1)
        return;
    (void)pthread_mutex_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
}

/* Of those made here: the first gives its place when it has served its time, and the last goes when
 * no ticket of it can be valid. Nobody has to wake up for it. */
static bool rotate(struct h2_tickets *tickets)
{
    const uint64_t moment = now();

    while (tickets->count > 0 && moment - tickets->keys[tickets->count - 1].since >
                                     (uint64_t)(H2_TICKET_KEY_SECONDS + H2_TICKET_SECONDS))
        OPENSSL_cleanse(&tickets->keys[--tickets->count], sizeof(struct key));
    if (tickets->count > 0 && moment - tickets->keys[0].since < (uint64_t)H2_TICKET_KEY_SECONDS)
        return true;
    if (tickets->count == H2_TICKET_KEYS)
        tickets->count--;
    memmove(&tickets->keys[1], &tickets->keys[0], tickets->count * sizeof(struct key));
    tickets->count++;
    return make_key(&tickets->keys[0]);
}

/* The key to encrypt with (name NULL), or the one of that name. *is_first: the one to encrypt with.
 */
static bool find_key(struct h2_tickets *tickets, const unsigned char *name, struct key *key,
                     bool *is_first)
{
    bool is_found = false;

    pthread_mutex_lock(&tickets->lock);
    if (!tickets->is_made_here || rotate(tickets)) {
        for (size_t i = 0; !is_found && i < (name ? tickets->count : 1); i++) {
            is_found = !name || CRYPTO_memcmp(tickets->keys[i].name, name, NAME_OCTETS) == 0;
            if (is_found)
                *key = tickets->keys[i];
            *is_first = i == 0;
        }
    }
    pthread_mutex_unlock(&tickets->lock);
    return is_found;
}

static bool ready_mac(EVP_MAC_CTX *mac, struct key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, key->octets),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static const EVP_CIPHER *cipher_of(const struct key *key)
{
    return key->octets == KEY_OCTETS ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
}

int h2_tickets_ready(struct h2_tickets *tickets, unsigned char name[16], unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    enum { FAILED = -1, NOT_OURS = 0, READY = 1, READY_AND_OLD = 2 };
    bool is_first = false;
    int result = FAILED;
    struct key key;

    if (!find_key(tickets, encrypts ? NULL : name, &key, &is_first))
        return encrypts ? FAILED : NOT_OURS;
    if (encrypts) {
        memcpy(name, key.name, NAME_OCTETS);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_of(&key))) == 1 &&
            EVP_EncryptInit_ex2(cipher, cipher_of(&key), key.cipher, iv, NULL) == 1 &&
            ready_mac(mac, &key))
            result = READY;
    } else if (EVP_DecryptInit_ex2(cipher, cipher_of(&key), key.cipher, iv, NULL) == 1 &&
               ready_mac(mac, &key)) {
        result = is_first ? READY : READY_AND_OLD;
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}
