/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_algorithm.h"

#include <openssl/evp.h>
#include <string.h>

static const struct auth_jwt_algorithm algorithms[] = {
    {"HS256", AUTH_JWT_SECRET, EVP_sha256, .least_bytes = 32},
    {"HS384", AUTH_JWT_SECRET, EVP_sha384, .least_bytes = 48},
    {"HS512", AUTH_JWT_SECRET, EVP_sha512, .least_bytes = 64},
    {"RS256", AUTH_JWT_RSA, EVP_sha256, .least_bytes = 0},
    {"RS384", AUTH_JWT_RSA, EVP_sha384, .least_bytes = 0},
    {"RS512", AUTH_JWT_RSA, EVP_sha512, .least_bytes = 0},
    {"PS256", AUTH_JWT_PSS, EVP_sha256, .least_bytes = 0},
    {"PS384", AUTH_JWT_PSS, EVP_sha384, .least_bytes = 0},
    {"PS512", AUTH_JWT_PSS, EVP_sha512, .least_bytes = 0},
    {"ES256", AUTH_JWT_EC, EVP_sha256, .curve = "prime256v1", .crv = "P-256"},
    {"ES384", AUTH_JWT_EC, EVP_sha384, .curve = "secp384r1", .crv = "P-384"},
    {"ES512", AUTH_JWT_EC, EVP_sha512, .curve = "secp521r1", .crv = "P-521"},
    {"Ed25519", AUTH_JWT_ED, NULL, .curve = "ED25519", .crv = "Ed25519"},
    {"Ed448", AUTH_JWT_ED, NULL, .curve = "ED448", .crv = "Ed448"},
    {"EdDSA", AUTH_JWT_ED, NULL, .curve = NULL, .crv = NULL},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

const struct auth_jwt_algorithm *auth_jwt_algorithm_find(const char *name)
{
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}

const struct auth_jwt_algorithm *auth_jwt_algorithm_of_curve(const char *crv)
{
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (algorithms[i].crv && strcmp(algorithms[i].crv, crv) == 0)
            return &algorithms[i];
    }
    return NULL;
}
