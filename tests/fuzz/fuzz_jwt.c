/* SPDX-License-Identifier: Apache-2.0 */
/* A token: whatever it is, it gets a sentence or claims. Nobody here knows the secret, nor what
 * belongs to the public keys, so that only the seeds are good. The same bytes as a JWK set: keys,
 * or a sentence. */
#include <stdlib.h>
#include <string.h>

#include "auth/claims.h"
#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "sse/user.h"

#define SECRET "a secret of 64 bytes, which is as many as HS512 needs: 123456789"
#define NOW_MS INT64_C(1800000000000)

/* Those of RFC 7515 (A.2, A.3) and RFC 8037 (A.2), and one more of each kind. */
static const char published[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
    "wWJcyQoTbji9"
    "k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2j"
    "Z47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMT"
    "BQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g"
    "b54h4FRWyuXpoQ\"},{\"kty\":\"RSA\",\"alg\":\"PS256\",\"e\":\"AQAB\",\"n\":"
    "\"ofgWCuLjybRlzo0tZWJjNiu"
    "Sfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD"
    "1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WT"
    "BEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q"
    "2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
    "\"f83OJ3D2xF1Bg8vu"
    "b9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":"
    "\"OK"
    "P\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static const struct auth_jwt_keys *public_keys(void)
{
    static struct auth_jwt_keys *set;
    char fault[400];

    if (!set)
        set = auth_jwk_set_read(published, sizeof(published) - 1, fault, sizeof(fault));
    assert(set && set->count == 4);
    return set;
}

static const struct auth_jwt_keys *keys(void)
{
    static struct auth_jwt_keys *set; /* kept: what the process still points to is no leak */
    char fault[400];

    if (!set) {
        set = auth_jwt_keys_new();
        auth_jwt_keys_add(set, auth_jwt_key_read("", auth_jwt_algorithm_find("HS256"), SECRET,
                                                 fault, sizeof(fault)));
    }
    return set;
}

static void take_user(const struct auth_jwt_answer *answer, const char *token)
{
    static const struct auth_jwt_claims names = {"sub",         "name",      "tenantId", "channels",
                                                 "permissions", "role, sub", false};
    const char *fault;
    unsigned permissions;
    struct sse_user *user =
        auth_jwt_user_new(answer->claims, &names, token, answer->expires_at, &fault);

    assert((user == NULL) == (fault != NULL));
    assert(!user || user->id[0] != '\0');
    (void)auth_jwt_permissions(answer->claims, &names, &permissions);
    sse_user_unref(user);
}

static void check(const char *token)
{
    static const struct auth_jwt_rules rules = {"", "", 0, true};
    const struct auth_jwt_keys *sets[] = {keys(), public_keys()};
    const struct auth_jwt_key_ring ring = {sets, 2, NULL};
    const struct auth_jwt_question question = {token, "", NOW_MS};
    struct auth_jwt_answer answer;
    int64_t expires_at;

    auth_jwt_check(&question, &ring, &rules, &answer);
    assert((answer.fault == NULL) == (answer.claims != NULL));
    if (!answer.fault)
        take_user(&answer, token);
    json_decref(answer.claims);
    json_decref(auth_jwt_claimed(token, &expires_at));
    assert(expires_at >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    char fault[400] = "";
    struct auth_jwt_keys *set = auth_jwk_set_read(text, size, fault, sizeof(fault));

    assert((set == NULL) == (fault[0] != '\0'));
    auth_jwt_keys_free(set);
    check(text);
    free(text);
    return 0;
}
