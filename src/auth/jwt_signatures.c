/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "base/buckets.h"
#include "base/loop.h"
#include "base/mem.h"

struct name {
    struct lru_item item;
    int number;
    char text[];
};

void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms)
{
    recent->kept_ms = kept_ms;
    lru_init(&recent->names, loop, LRU_BY_TEXT(struct name, item, text), most);
}

void auth_recent_release(struct auth_recent *recent)
{
    lru_release(&recent->names);
}

int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms)
{
    struct name *known = lru_find(&recent->names, name, now_ms);

    if (!known)
        return -1;
    lru_use(&recent->names, &known->item, now_ms + recent->kept_ms);
    return known->number;
}

void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms)
{
    struct name *added = lru_add(&recent->names, name, now_ms, now_ms + recent->kept_ms);

    if (added)
        added->number = number;
}

#define DIGEST_BYTES 32u
#define NAME_SIZE    (2 * DIGEST_BYTES + 1)

struct auth_jwt_signatures {
    struct loop *loop;
    EVP_MD *sha256; /* NULL: OpenSSL has none, and nothing is remembered */
    EVP_MD_CTX *digest;
    struct auth_recent right; /* the number is that of the key among the candidates */
    struct auth_recent wrong;
    struct buckets addresses;
    struct auth_standing standing;
    struct auth_work *work; /* the worker's; NULL: nobody waits */
    struct auth_counters counters;
};

struct auth_jwt_signatures *auth_jwt_signatures_new(const struct auth_jwt_signature_limits *limits,
                                                    struct auth_work *work, struct loop *loop)
{
    struct auth_jwt_signatures *signatures = mem_zalloc(sizeof(*signatures));

    signatures->loop = loop;
    signatures->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    signatures->digest = EVP_MD_CTX_new();
    auth_recent_init(&signatures->right, loop, limits->verified, AUTH_JWT_RIGHT_KEPT_MS);
    auth_recent_init(&signatures->wrong, loop, limits->forged, AUTH_JWT_WRONG_KEPT_MS);
    buckets_init(&signatures->addresses, loop, &limits->address_failures, limits->forged);
    auth_standing_init(&signatures->standing, loop, limits->verified, limits->forged);
    signatures->work = work;
    return signatures;
}

void auth_jwt_signatures_change(struct auth_jwt_signatures *signatures,
                                const struct auth_jwt_signature_limits *limits)
{
    signatures->right.names.most = limits->verified;
    signatures->wrong.names.most = limits->forged;
    buckets_change(&signatures->addresses, &limits->address_failures, limits->forged);
    auth_standing_change(&signatures->standing, limits->verified, limits->forged);
}

void auth_jwt_signatures_free(struct auth_jwt_signatures *signatures)
{
    if (!signatures)
        return;
    auth_recent_release(&signatures->right);
    auth_recent_release(&signatures->wrong);
    buckets_release(&signatures->addresses);
    auth_standing_release(&signatures->standing);
    EVP_MD_CTX_free(signatures->digest);
    EVP_MD_free(signatures->sha256);
    free(signatures);
}

/* What the question is remembered under: hex, since a name is a text. False when OpenSSL cannot. */
static bool name_question(const struct auth_jwt_signatures *signatures,
                          const struct auth_jwt_candidates *candidates, const char *token,
                          char name[NAME_SIZE])
{
    EVP_MD_CTX *digest = signatures->digest;
    const unsigned char count = (unsigned char)candidates->count;
    unsigned char bytes[DIGEST_BYTES];

    if (!digest || !signatures->sha256 ||
        EVP_DigestInit_ex2(digest, signatures->sha256, NULL) != 1 ||
        EVP_DigestUpdate(digest, &count, sizeof(count)) != 1)
        return false;
    for (size_t i = 0; i < candidates->count; i++) {
        if (EVP_DigestUpdate(digest, candidates->keys[i]->fingerprint,
                             AUTH_JWT_FINGERPRINT_BYTES) != 1)
            return false;
    }
    return EVP_DigestUpdate(digest, token, strlen(token)) == 1 &&
           EVP_DigestFinal_ex(digest, bytes, NULL) == 1 &&
           OPENSSL_buf2hexstr_ex(name, NAME_SIZE, NULL, bytes, sizeof(bytes), '\0') == 1;
}

/* The number of the key that has signed the token, or -1; -ENOMEM when it is not known. */
static int find_signer(const struct auth_jwt_candidates *candidates, const char *token)
{
    int number = -1;

    for (size_t i = 0; i < candidates->count; i++) {
        const int status = auth_jwt_key_signed(candidates->keys[i], token);

        if (status == 1)
            return (int)i;
        if (status < 0)
            number = status;
    }
    return number;
}

static enum auth_jwt_finding say(const struct auth_jwt_candidates *candidates, int number,
                                 const struct auth_jwt_key **signer)
{
    *signer = number >= 0 ? candidates->keys[number] : NULL;
    if (number == -ENOMEM)
        return AUTH_JWT_NO_MEMORY;
    return number >= 0 ? AUTH_JWT_RIGHT : AUTH_JWT_WRONG;
}

enum auth_rank auth_jwt_signatures_rank(struct auth_jwt_signatures *signatures, const char *address)
{
    const struct auth_work *work = signatures->work;

    if (!address)
        return AUTH_RANK_GOOD;
    return auth_standing_of(&signatures->standing, address,
                            work ? auth_work_share(work) : UINT64_MAX,
                            loop_now_ms(signatures->loop));
}

static bool may_compute(struct auth_jwt_signatures *signatures, const char *address)
{
    const struct auth_work *work = signatures->work;
    uint64_t now_ms = loop_now_ms(signatures->loop);

    if (!address)
        return true;
    return buckets_has(&signatures->addresses, address, now_ms) &&
           (!work || auth_work_admits(work, auth_jwt_signatures_rank(signatures, address), now_ms));
}

/* The last may overdraw: its work has been done, and the next finds nothing left. */
static void count_failure(struct auth_jwt_signatures *signatures, size_t tries, const char *address,
                          uint64_t us)
{
    uint64_t now_ms = loop_now_ms(signatures->loop);

    signatures->counters.signatures_wrong++;
    if (!address)
        return;
    auth_standing_failed(&signatures->standing, address, us, now_ms);
    for (size_t i = 0; i < tries; i++)
        (void)buckets_take(&signatures->addresses, address, now_ms);
}

void auth_jwt_signatures_accept(struct auth_jwt_signatures *signatures, const char *address)
{
    if (address)
        auth_standing_succeeded(&signatures->standing, address, loop_now_ms(signatures->loop));
}

void auth_jwt_signatures_reject(struct auth_jwt_signatures *signatures, const char *address)
{
    if (address)
        auth_standing_failed(&signatures->standing, address, 0, loop_now_ms(signatures->loop));
}

/* As find_signer(), with the time that it takes. */
static int compute(struct auth_jwt_signatures *signatures,
                   const struct auth_jwt_candidates *candidates, const char *token,
                   const char *address)
{
    struct auth_work *work = signatures->work;
    const uint64_t begun_us = work ? work->clock_us() : 0;
    const int number = find_signer(candidates, token);
    const uint64_t us = work ? work->clock_us() - begun_us : 0;

    signatures->counters.signatures_computed++;
    signatures->counters.signatures_us += us;
    if (work)
        auth_work_spend(work, us, number == -1, loop_now_ms(signatures->loop));
    if (number == -1)
        count_failure(signatures, candidates->count, address, us);
    return number;
}

/* True when the answer is known; then *number is as find_signer() has said it. */
static bool recall(struct auth_jwt_signatures *signatures, const char *name, int *number)
{
    uint64_t now_ms = loop_now_ms(signatures->loop);

    *number = auth_recent_find(&signatures->right, name, now_ms);
    return *number >= 0 || auth_recent_find(&signatures->wrong, name, now_ms) >= 0;
}

static void remember(struct auth_jwt_signatures *signatures, const char *name, int number)
{
    uint64_t now_ms = loop_now_ms(signatures->loop);

    if (number >= 0)
        auth_recent_add(&signatures->right, name, number, now_ms);
    else
        auth_recent_add(&signatures->wrong, name, 0, now_ms);
}

enum auth_jwt_finding auth_jwt_signatures_check(struct auth_jwt_signatures *signatures,
                                                const struct auth_jwt_candidates *candidates,
                                                const char *token, const char *address,
                                                const struct auth_jwt_key **signer)
{
    char name[NAME_SIZE];
    bool has_name;
    int number;

    if (!signatures)
        return say(candidates, find_signer(candidates, token), signer);
    has_name = name_question(signatures, candidates, token, name);
    if (has_name && recall(signatures, name, &number)) {
        signatures->counters.signatures_recalled++;
        if (number < 0)
            auth_jwt_signatures_reject(signatures, address);
        return say(candidates, number, signer);
    }
    if (!may_compute(signatures, address)) {
        signatures->counters.signatures_refused++;
        return AUTH_JWT_NOT_COMPUTED;
    }
    number = compute(signatures, candidates, token, address);
    if (has_name && number != -ENOMEM)
        remember(signatures, name, number);
    return say(candidates, number, signer);
}

void auth_jwt_signatures_count(const struct auth_jwt_signatures *signatures,
                               struct auth_counters *counters)
{
    *counters = signatures->counters;
    auth_standing_count(&signatures->standing, counters);
    counters->signatures_kept = signatures->right.names.count + signatures->wrong.names.count +
                                signatures->addresses.lru.count;
    counters->signatures_displaced = signatures->right.names.evicted +
                                     signatures->wrong.names.evicted +
                                     signatures->addresses.lru.evicted;
}
