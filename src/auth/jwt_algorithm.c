/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_algorithm.h"

#include <string.h>

static const struct auth_jwt_algorithm algorithms[] = {
    {"HS256", JWT_ALG_HS256, AUTH_JWT_SECRET, .least_bytes = 32},
    {"HS384", JWT_ALG_HS384, AUTH_JWT_SECRET, .least_bytes = 48},
    {"HS512", JWT_ALG_HS512, AUTH_JWT_SECRET, .least_bytes = 64},
    {"RS256", JWT_ALG_RS256, AUTH_JWT_RSA, .least_bytes = 0},
    {"RS384", JWT_ALG_RS384, AUTH_JWT_RSA, .least_bytes = 0},
    {"RS512", JWT_ALG_RS512, AUTH_JWT_RSA, .least_bytes = 0},
    {"ES256", JWT_ALG_ES256, AUTH_JWT_EC, .curve = "prime256v1", .crv = "P-256"},
    {"ES384", JWT_ALG_ES384, AUTH_JWT_EC, .curve = "secp384r1", .crv = "P-384"},
    {"ES512", JWT_ALG_ES512, AUTH_JWT_EC, .curve = "secp521r1", .crv = "P-521"},
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

bool auth_jwt_algorithm_is_lacking(const char *name)
{
    static const char *const lacking[] = {"PS256", "PS384", "PS512", "EdDSA", "ES256K"};

    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
        if (strcmp(lacking[i], name) == 0)
            return true;
    }
    return false;
}
