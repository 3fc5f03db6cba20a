/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/ocsp.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define MOST_OCTETS ((size_t)64 * 1024)

struct h2_ocsp {
    time_t end; /* seconds since 1970; 0: it says none */
    size_t length;
    unsigned char octets[];
};

/* Whether the response speaks of that certificate: its serial number, its issuer's name and, where
 * we have that, key. */
static bool is_about(const OCSP_SINGLERESP *single, const X509 *certificate, const X509 *issuer)
{
    ASN1_OCTET_STRING *name_hash = NULL, *key_hash = NULL;
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    /* It is OpenSSL's function that has no const. */
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const EVP_MD *md;

    if (OCSP_id_get0_info(&name_hash, &algorithm, &key_hash, &serial, id) != 1 ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0 ||
        !(md = EVP_get_digestbyobj(algorithm)) ||
        X509_NAME_digest(X509_get_issuer_name(certificate), md, digest, &length) != 1 ||
        (int)length != ASN1_STRING_length(name_hash) ||
        memcmp(digest, ASN1_STRING_get0_data(name_hash), length) != 0)
        return false;
    if (!issuer)
        return true;
    return X509_pubkey_digest(issuer, md, digest, &length) == 1 &&
           (int)length == ASN1_STRING_length(key_hash) &&
           memcmp(digest, ASN1_STRING_get0_data(key_hash), length) == 0;
}

static time_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
    struct tm parts;

    return time && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

/* NULL, or what keeps the response from being stapled; *end as in h2_ocsp. */
static const char *find_fault(OCSP_BASICRESP *basic, const X509 *certificate, const X509 *issuer,
                              time_t *end)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;

        if (!is_about(single, certificate, issuer))
            continue;
        if (OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update) !=
            V_OCSP_CERTSTATUS_GOOD)
            return "does not say that the certificate is good";
        *end = seconds_of(next_update);
        if (*end != 0 && *end <= clock_wall_seconds())
            return "is over; fetch a new response";
        if (seconds_of(this_update) > clock_wall_seconds())
            return "is not valid yet";
        return NULL;
    }
    return "is for another certificate";
}

static const char *examine(const unsigned char *octets, size_t length, const X509 *certificate,
                           const X509 *issuer, time_t *end)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &octets, (long)length);
    OCSP_BASICRESP *basic = NULL;
    const char *fault;

    if (!response)
        return "is no OCSP response in DER";
    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        fault = "holds the failure of an OCSP responder";
    else if (!(basic = OCSP_response_get1_basic(response)))
        fault = "is no basic OCSP response";
    else
        fault = find_fault(basic, certificate, issuer, end);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return fault;
}

struct h2_ocsp *h2_ocsp_read(const char *file, const X509 *certificate, const X509 *issuer,
                             char *fault, size_t fault_size)
{
    size_t length = 0;
    char *octets = file_read(file, MOST_OCTETS, &length);
    struct h2_ocsp *ocsp = NULL;
    const char *wrong;
    time_t end = 0;

    if (!octets) {
        snprintf(fault, fault_size, "\"%.120s\" cannot be read: %s", file, strerror(errno));
        return NULL;
    }
    wrong = examine((const unsigned char *)octets, length, certificate, issuer, &end);
    ERR_clear_error();
    if (wrong) {
        snprintf(fault, fault_size, "\"%.120s\" %s", file, wrong);
    } else {
        ocsp = mem_alloc(sizeof(*ocsp) + length);
        ocsp->end = end;
        ocsp->length = length;
        memcpy(ocsp->octets, octets, length);
    }
    free(octets);
    return ocsp;
}

void h2_ocsp_free(struct h2_ocsp *ocsp)
{
    free(ocsp);
}

const unsigned char *h2_ocsp_get(const struct h2_ocsp *ocsp, size_t *length)
{
    if (ocsp->end != 0 && ocsp->end <= clock_wall_seconds())
        return NULL;
    *length = ocsp->length;
    return ocsp->octets;
}
