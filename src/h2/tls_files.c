/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/tls_files.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define MOST_BYTES ((size_t)1024 * 1024)
#define DATE_SIZE  64u

enum form { NOT_PEM, EMPTY, DER_CERTIFICATE, DER_KEY, PKCS12_STORE, LOCKED_KEY, OTHER_PEM };

static const char *const sentences[] = {
    [NOT_PEM] = "is not PEM",
    [EMPTY] = "is empty",
    [DER_CERTIFICATE] = "is a certificate in DER; make it PEM with openssl x509 -inform DER",
    [DER_KEY] = "is a key in DER; make it PEM with openssl pkey -inform DER",
    [PKCS12_STORE] = "is PKCS #12; make it PEM with openssl pkcs12 -nodes",
    [LOCKED_KEY] =
        "is protected by a password, which nobody could type; take it away (openssl pkey)",
};

static bool is_certificate(const unsigned char *bytes, size_t length)
{
    X509 *certificate = d2i_X509(NULL, &bytes, (long)length);

    X509_free(certificate);
    return certificate != NULL;
}

static bool is_key(const unsigned char *bytes, size_t length)
{
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &bytes, (long)length);

    EVP_PKEY_free(key);
    return key != NULL;
}

static bool is_store(const unsigned char *bytes, size_t length)
{
    PKCS12 *store = d2i_PKCS12(NULL, &bytes, (long)length);

    PKCS12_free(store);
    return store != NULL;
}

static enum form form_of(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (strspn(text, " \t\r\n") == length)
        return EMPTY;
    if (strstr(text, "-----BEGIN "))
        return strstr(text, "ENCRYPTED") ? LOCKED_KEY : OTHER_PEM;
    if (is_certificate(bytes, length))
        return DER_CERTIFICATE;
    if (is_store(bytes, length))
        return PKCS12_STORE;
    return is_key(bytes, length) ? DER_KEY : NOT_PEM;
}

/* what: it should hold. Takes OpenSSL's own words where the form is right. */
static int explain(const char *file, const char *what, char *fault, size_t size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    size_t length = 0;
    char *text = file_read(file, MOST_BYTES, &length);
    enum form form;

    if (!text) {
        snprintf(fault, size, "\"%.120s\" cannot be read: %s", file, strerror(errno));
        ERR_clear_error();
        return -EINVAL;
    }
    form = form_of(text, length);
    free(text);
    if (form == OTHER_PEM)
        snprintf(fault, size, "\"%.120s\" holds no %s that can be used (%s)", file, what,
                 reason ? reason : "nothing of the kind is in it");
    else
        snprintf(fault, size, "\"%.120s\" %s", file, sentences[form]);
    ERR_clear_error();
    return -EINVAL;
}

/* Whether the key belongs to a certificate behind the first one. */
static bool is_of_chain(SSL_CTX *ssl, const EVP_PKEY *key)
{
    STACK_OF(X509) *chain = NULL;

    if (!key || SSL_CTX_get0_chain_certs(ssl, &chain) != 1)
        return false;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (X509_check_private_key(sk_X509_value(chain, i), key) == 1)
            return true;
    }
    return false;
}

static EVP_PKEY *read_key(SSL_CTX *ssl, const char *file)
{
    FILE *stream = fopen(file, "re");
    EVP_PKEY *key =
        stream ? PEM_read_PrivateKey(stream, NULL, SSL_CTX_get_default_passwd_cb(ssl), NULL) : NULL;

    if (stream)
        fclose(stream);
    return key;
}

int h2_tls_files_load(SSL_CTX *ssl, const char *certificate_file, const char *key_file, char *fault,
                      size_t fault_size)
{
    EVP_PKEY *key;
    int rc = 0;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate_file) != 1)
        return explain(certificate_file, "certificate", fault, fault_size);
    key = read_key(ssl, key_file);
    if (!key)
        return explain(key_file, "private key", fault, fault_size);
    if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1) {
        if (is_of_chain(ssl, key))
            snprintf(
                fault, fault_size,
                "\"%.100s\": the chain begins with another certificate than the key's; put the "
                "server's own first",
                certificate_file);
        else
            snprintf(fault, fault_size,
                     "certificate and key do not belong together: \"%.100s\" is the key of another "
                     "certificate",
                     key_file);
        rc = -EINVAL;
    } else if (SSL_CTX_use_PrivateKey(ssl, key) != 1) {
        rc = explain(key_file, "private key", fault, fault_size);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return rc;
}

time_t h2_tls_files_end(const X509 *certificate)
{
    struct tm parts;

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? timegm(&parts) : 0;
}

static void print_date(const ASN1_TIME *time, char text[DATE_SIZE])
{
    struct tm parts;

    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        strftime(text, DATE_SIZE, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        text[0] = '\0';
}

static int doubt_times(const X509 *certificate, const char *whose, char *fault, size_t size)
{
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    const ASN1_TIME *start = X509_get0_notBefore(certificate);
    time_t now = clock_wall_seconds();
    char date[DATE_SIZE];

    if (X509_cmp_time(end, &now) < 0) {
        print_date(end, date);
        snprintf(fault, size, "%s has expired on %s; get a new one", whose, date);
        return -EINVAL;
    }
    if (X509_cmp_time(start, &now) > 0) {
        print_date(start, date);
        snprintf(fault, size, "%s is not valid before %s", whose, date);
        return -EINVAL;
    }
    return 0;
}

/* It is OpenSSL's macro that has no const. */
static STACK_OF(X509) * chain_of(const SSL_CTX *ssl)
{
    STACK_OF(X509) *chain = NULL;

    return SSL_CTX_get0_chain_certs((SSL_CTX *)(uintptr_t)ssl, &chain) == 1 ? chain : NULL;
}

bool h2_tls_files_are_same(const SSL_CTX *one, const SSL_CTX *other)
{
    const STACK_OF(X509) *chain = chain_of(one);
    const STACK_OF(X509) *other_chain = chain_of(other);
    const int length = chain ? sk_X509_num(chain) : 0;
    bool is_same = X509_cmp(SSL_CTX_get0_certificate(one), SSL_CTX_get0_certificate(other)) == 0 &&
                   length == (other_chain ? sk_X509_num(other_chain) : 0);

    for (int i = 0; is_same && i < length; i++)
        is_same = X509_cmp(sk_X509_value(chain, i), sk_X509_value(other_chain, i)) == 0;
    return is_same;
}

int h2_tls_files_doubt(const SSL_CTX *ssl, char *fault, size_t fault_size)
{
    X509 *before = SSL_CTX_get0_certificate(ssl);
    const STACK_OF(X509) *chain = chain_of(ssl);
    const int length = chain ? sk_X509_num(chain) : 0;
    int rc = doubt_times(before, "the certificate", fault, fault_size);

    for (int i = 0; rc == 0 && i < length; i++) {
        X509 *next = sk_X509_value(chain, i);

        if (X509_check_issued(next, before) != X509_V_OK) {
            snprintf(fault, fault_size,
                     "the chain is not in order: its certificate %d did not sign the one before "
                     "it; put the server's own first, and behind each the one that signed it",
                     i + 2);
            return -EINVAL;
        }
        rc = doubt_times(next, "a certificate of the chain", fault, fault_size);
        before = next;
    }
    return rc;
}
