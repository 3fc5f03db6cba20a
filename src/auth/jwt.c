/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/jwt_key.h"
#include "base/json.h"
#include "base/text.h"

#define MAX_SECONDS                                                                                \
    1e11 /* some three thousand years: as milliseconds it fits with room to spare                  \
          */

static const char too_long[] =
    "the access token is longer than 8 KiB; put less into it, it travels with every request";
static const char malformed[] =
    "the access token is malformed: a JWT has three parts of base64url (without =), with dots "
    "between them";
static const char bad_header[] =
    "the access token's header is malformed: it must be a JSON object with alg, with kid (a text) "
    "if there is one, with typ JWT if there is one, and without crit and b64";
static const char bad_payload[] = "the access token's payload is malformed: it must be a JSON "
                                  "object, in which no name comes twice";
static const char not_signed[] =
    "the access token is not signed with an algorithm that is allowed here: its alg must be that "
    "of a configured key, and one of " AUTH_JWT_ALGORITHM_NAMES;
static const char unknown_key[] =
    "the access token is signed with a key that is not known here: none that is configured has its "
    "kid and its alg";
static const char wrong_signature[] =
    "the access token's signature is wrong: it was changed, or signed with another key than the "
    "one that is configured here";
static const char too_many_failures[] =
    "too many access tokens with wrong signatures have come lately (signatureShare; from this "
    "address: services[].jwt.addressFailures), so that no new one is looked at now; come again in "
    "a few seconds";
static const char no_memory[] =
    "there is no memory to look at the access token now; come again in a few seconds";
static const char bad_times[] =
    "the access token's exp, nbf or iat is malformed: each must be a number of seconds since 1970";
static const char no_expiry[] = "the access token does not say when it expires; give it an exp";
static const char expired[] = "the access token has expired; get a new one";
static const char too_early[] =
    "the access token is not valid yet: its nbf or iat lies in the future; compare the clocks";
static const char wrong_issuer[] =
    "the access token is from another issuer: its iss must be the one that is configured here";
static const char wrong_audience[] =
    "the access token is for another audience: its aud must have one that is configured here";

struct part {
    const char *text;
    size_t length;
};

struct header {
    const struct auth_jwt_algorithm *algorithm;
    const char *kid; /* NULL: none */
};

struct times {
    double expires, not_before, issued; /* NAN: the token does not say */
};

static bool is_base64url(const struct part *part)
{
    unsigned char bytes[BASE64_SPACE(AUTH_JWT_MAX_BYTES)];

    return base64_decode(BASE64_URL, part->text, part->length, bytes) > 0;
}

/* Three parts, of which none is empty, with nothing before, between or behind them but two dots. */
static bool split(const char *token, struct part parts[3])
{
    for (size_t i = 0; i < 3; i++) {
        parts[i] = (struct part){token, strcspn(token, ".")};
        token += parts[i].length;
        if (*token != (i < 2 ? '.' : '\0') || !is_base64url(&parts[i]))
            return false;
        token++;
    }
    return true;
}

/* The object that the part holds, or NULL; *lacks_memory: it is not known whether it holds one. */
static json_t *parse(const struct part *part, bool *lacks_memory)
{
    unsigned char bytes[BASE64_SPACE(AUTH_JWT_MAX_BYTES)];
    ssize_t length = base64_decode(BASE64_URL, part->text, part->length, bytes);
    struct json_fault fault;
    json_t *value = json_parse((const char *)bytes, length > 0 ? (size_t)length : 0, &fault);

    *lacks_memory = !value && fault.is_out_of_memory;
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

/* RFC 7519 5.1, RFC 9068 2.1; "application/" may be left out (RFC 7515 4.1.9). NULL: no text. */
static bool is_type(const char *type)
{
    static const char prefix[] = "application/";

    if (type && strncasecmp(type, prefix, sizeof(prefix) - 1) == 0)
        type += sizeof(prefix) - 1;
    return type && (strcasecmp(type, "JWT") == 0 || strcasecmp(type, "at+jwt") == 0);
}

/* What is wrong with the header, or NULL. Keys that it names or holds (jku, jwk, x5u, x5c) are not
 * even looked at: it is not the token that says whom to trust. */
static const char *read_header(const json_t *object, struct header *header)
{
    const char *alg = json_string_value(json_object_get(object, "alg"));
    const json_t *kid = json_object_get(object, "kid");
    const json_t *typ = json_object_get(object, "typ");

    if (!alg || (kid && !json_is_string(kid)) || json_object_get(object, "crit") ||
        json_object_get(object, "b64"))
        return bad_header;
    if (typ && !is_type(json_string_value(typ)))
        return bad_header;
    header->kid = json_string_value(kid);
    header->algorithm = auth_jwt_algorithm_find(alg);
    return header->algorithm ? NULL : not_signed;
}

/* As many keys as a token may be tried with. */
static void find_candidates(const struct header *header, const struct auth_jwt_key_ring *ring,
                            struct auth_jwt_candidates *candidates)
{
    candidates->count = 0;
    for (size_t i = 0; i < ring->count; i++) {
        const struct auth_jwt_key *key;
        size_t at = 0;

        while (ring->sets[i] && candidates->count < AUTH_JWT_MAX_TRIES &&
               (key = auth_jwt_keys_next(ring->sets[i], header->kid, header->algorithm, &at)))
            candidates->keys[candidates->count++] = key;
    }
}

static const char *check_signature(const struct auth_jwt_question *question,
                                   const struct header *header,
                                   const struct auth_jwt_key_ring *ring,
                                   struct auth_jwt_answer *answer)
{
    struct auth_jwt_candidates candidates;

    find_candidates(header, ring, &candidates);
    answer->is_unknown_key = candidates.count == 0;
    answer->is_named_key = header->kid != NULL;
    if (candidates.count == 0)
        return unknown_key;
    switch (auth_jwt_signatures_check(ring->signatures, &candidates, question->token,
                                      question->address, &answer->key)) {
    case AUTH_JWT_RIGHT:
        return NULL;
    case AUTH_JWT_NOT_COMPUTED:
        answer->is_postponed = true;
        return too_many_failures;
    case AUTH_JWT_NO_MEMORY:
        answer->is_postponed = true;
        return no_memory;
    default:
        /* Without a kid, and with other keys than this one, only a newer set can tell. */
        answer->is_unknown_key = !header->kid;
        return wrong_signature;
    }
}

/* False when there is something that is no such number. */
static bool read_time(const json_t *claims, const char *name, double *seconds)
{
    const json_t *value = json_object_get(claims, name);

    *seconds = NAN;
    if (!value)
        return true;
    *seconds = json_number_value(value);
    return json_is_number(value) && fabs(*seconds) < MAX_SECONDS;
}

static bool read_times(const json_t *claims, struct times *times)
{
    return read_time(claims, "exp", &times->expires) &&
           read_time(claims, "nbf", &times->not_before) && read_time(claims, "iat", &times->issued);
}

static const char *check_times(const struct times *times, const struct auth_jwt_rules *rules,
                               int64_t now_ms)
{
    const double now = (double)now_ms / 1000;
    const double leeway = rules->leeway_ms / 1000.0;

    if (isnan(times->expires) && rules->require_expiry)
        return no_expiry;
    if (times->expires + leeway <= now)
        return expired;
    return times->not_before > now + leeway || times->issued > now + leeway ? too_early : NULL;
}

static bool is_for(const json_t *audience, const char *audiences)
{
    const json_t *one;
    size_t i;

    if (json_is_string(audience))
        return words_have(audiences, json_string_value(audience));
    json_array_foreach(audience, i, one) {
        if (json_is_string(one) && words_have(audiences, json_string_value(one)))
            return true;
    }
    return false;
}

static const char *check_parties(const json_t *claims, const struct auth_jwt_rules *rules)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));

    if (*rules->issuer != '\0' && (!issuer || strcmp(issuer, rules->issuer) != 0))
        return wrong_issuer;
    if (*rules->audiences != '\0' && !is_for(json_object_get(claims, "aud"), rules->audiences))
        return wrong_audience;
    return NULL;
}

static const char *check_claims(const json_t *claims, const struct auth_jwt_rules *rules,
                                int64_t now_ms, struct auth_jwt_answer *answer)
{
    struct times times;
    const char *fault;

    if (!claims)
        return bad_payload;
    if (!read_times(claims, &times))
        return bad_times;
    fault = check_times(&times, rules, now_ms);
    answer->is_expired = fault == expired;
    if (fault)
        return fault;
    answer->expires_at = isnan(times.expires) ? 0 : (int64_t)(times.expires * 1000);
    answer->issued_at = isnan(times.issued) ? INT64_MIN : (int64_t)times.issued;
    return check_parties(claims, rules);
}

void auth_jwt_check(const struct auth_jwt_question *question, const struct auth_jwt_key_ring *ring,
                    const struct auth_jwt_rules *rules, struct auth_jwt_answer *answer)
{
    struct part parts[3];
    struct header header;
    json_t *object = NULL;
    bool lacks_memory = false;

    *answer = (struct auth_jwt_answer){.issued_at = INT64_MIN};
    if (strnlen(question->token, AUTH_JWT_MAX_BYTES + 1) > AUTH_JWT_MAX_BYTES) {
        answer->fault = too_long;
        return;
    }
    if (!split(question->token, parts)) {
        answer->fault = malformed;
        return;
    }
    object = parse(&parts[0], &lacks_memory);
    answer->fault = object ? read_header(object, &header) : bad_header;
    if (!answer->fault)
        answer->fault = check_signature(question, &header, ring, answer);
    json_decref(object);
    if (!answer->fault)
        answer->claims = parse(&parts[1], &lacks_memory);
    if (lacks_memory) {
        answer->is_postponed = true;
        answer->fault = no_memory;
    }
    if (answer->fault)
        return;
    answer->fault = check_claims(answer->claims, rules, question->now_ms, answer);
    if (answer->fault) {
        json_decref(answer->claims);
        answer->claims = NULL;
    }
}

json_t *auth_jwt_claimed(const char *token, int64_t *expires_at)
{
    struct part parts[3];
    json_t *claims = NULL;
    double expires = NAN;
    bool lacks_memory;

    if (strnlen(token, AUTH_JWT_MAX_BYTES + 1) <= AUTH_JWT_MAX_BYTES && split(token, parts))
        claims = parse(&parts[1], &lacks_memory);
    *expires_at = 0;
    if (read_time(claims, "exp", &expires) && expires > 0)
        *expires_at = (int64_t)(expires * 1000);
    return claims;
}
