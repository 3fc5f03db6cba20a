/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_CERTIFICATE_H
#define SUPPORT_CERTIFICATE_H
/* A certificate for localhost, signed by itself, and its key. */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "support/test.h"

static inline void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

static inline void write_certificate(const char *certificate_file, const char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *file = fopen(certificate_file, "w");

    assert_true(key && certificate && file);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_sign(certificate, key, EVP_sha256());
    PEM_write_X509(file, certificate);
    fclose(file);
    write_key(key_file, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

#endif
