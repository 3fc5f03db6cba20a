/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/certificate.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define MOST_BYTES  ((size_t)1024 * 1024)
#define MOST_OCTETS ((size_t)64 * 1024) /* of a response */
#define DATE_SIZE   64u

static void add(struct h2_tls_names *names, const char *text, size_t length)
{
    char host[H2_TLS_HOST_SIZE];

    if (length == 0 || length >= sizeof(host) || memchr(text, '\0', length))
        return;
    for (size_t i = 0; i < length; i++)
        host[i] = (char)tolower((unsigned char)text[i]);
    if (length > 1 && host[length - 1] == '.')
        length--;
    names->texts = mem_realloc(names->texts, (names->count + 1) * sizeof(*names->texts));
    names->texts[names->count++] = mem_strndup(host, length);
}

static void add_address(struct h2_tls_names *names, const ASN1_OCTET_STRING *octets)
{
    const int length = ASN1_STRING_length(octets);
    const int family = length == 4 ? AF_INET : length == 16 ? AF_INET6 : AF_UNSPEC;
    char text[INET6_ADDRSTRLEN];

    if (family != AF_UNSPEC && inet_ntop(family, ASN1_STRING_get0_data(octets), text, sizeof(text)))
        add(names, text, strlen(text));
}

static void add_common_name(struct h2_tls_names *names, const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int length;

    if (at < 0)
        return;
    length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (length > 0)
        add(names, (const char *)text, (size_t)length);
    OPENSSL_free(text);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

struct h2_tls_names h2_tls_names_of(const X509 *certificate)
{
    struct h2_tls_names names = {0};
    GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);

        if (name->type == GEN_DNS)
            add(&names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_address(&names, name->d.iPAddress);
    }
    if (!alternatives)
        add_common_name(&names, certificate);
    GENERAL_NAMES_free(alternatives);
    ERR_clear_error();
    if (names.count > 0)
        qsort(names.texts, names.count, sizeof(*names.texts), compare);
    return names;
}

void h2_tls_names_release(struct h2_tls_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->texts);
}

bool h2_tls_is_address(const char *host)
{
    unsigned char octets[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, octets) == 1 || inet_pton(AF_INET6, host, octets) == 1;
}

/* One spelling for each address. */
static void normalize_address(char host[H2_TLS_HOST_SIZE])
{
    unsigned char octets[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET6, host, octets) == 1)
        (void)inet_ntop(AF_INET6, octets, host, H2_TLS_HOST_SIZE);
}

bool h2_tls_host_of(const char *authority, char host[H2_TLS_HOST_SIZE])
{
    const bool is_bracketed = *authority == '[';
    const char *text = authority + is_bracketed;
    size_t length = strcspn(text, is_bracketed ? "]" : ":");

    if (!is_bracketed && h2_tls_is_address(authority)) /* IPv6 that came without brackets */
        length = strlen(text);
    if (length > 1 && !is_bracketed && text[length - 1] == '.')
        length--;
    if (length == 0 || length >= H2_TLS_HOST_SIZE)
        return false;
    for (size_t i = 0; i < length; i++)
        host[i] = (char)tolower((unsigned char)text[i]);
    host[length] = '\0';
    normalize_address(host);
    return true;
}

static enum h2_tls_match match(const char *name, const char *host, bool is_address)
{
    const char *dot;

    if (strcmp(name, host) == 0)
        return H2_TLS_EXACT_MATCH;
    if (is_address || strncmp(name, "*.", 2) != 0 || *host == '*')
        return H2_TLS_NO_MATCH;
    dot = strchr(host, '.');
    return dot && dot > host && strcmp(name + 1, dot) == 0 ? H2_TLS_WILDCARD_MATCH
                                                           : H2_TLS_NO_MATCH;
}

enum h2_tls_match h2_tls_names_match(const struct h2_tls_names *names, const char *host)
{
    enum h2_tls_match best = H2_TLS_NO_MATCH;
    char plain[H2_TLS_HOST_SIZE];
    bool is_address;

    if (!h2_tls_host_of(host, plain))
        return best;
    is_address = h2_tls_is_address(plain);
    for (size_t i = 0; i < names->count; i++) {
        enum h2_tls_match this = match(names->texts[i], plain, is_address);

        if (this > best)
            best = this;
    }
    return best;
}

bool h2_tls_names_meet(const struct h2_tls_names *names, const struct h2_tls_names *others,
                       enum h2_tls_match least)
{
    for (size_t i = 0; i < others->count; i++) {
        if (h2_tls_names_match(names, others->texts[i]) < least)
            return false;
    }
    return true;
}

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

/* What keeps a file from being PEM; NULL: it is. */
static const char *find_other_form(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (strspn(text, " \t\r\n") == length)
        return "is empty";
    if (strstr(text, "-----BEGIN "))
        return strstr(text, "ENCRYPTED") ? "is protected by a password, which nobody could type; "
                                           "take it away (openssl pkey)"
                                         : NULL;
    if (is_certificate(bytes, length))
        return "is a certificate in DER; make it PEM with openssl x509 -inform DER";
    if (is_store(bytes, length))
        return "is PKCS #12; make it PEM with openssl pkcs12 -nodes";
    return is_key(bytes, length) ? "is a key in DER; make it PEM with openssl pkey -inform DER"
                                 : "is not PEM";
}

/* what: it should hold. Takes OpenSSL's own words where the form is right. */
static int explain(const char *file, const char *what, char *fault, size_t size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    size_t length = 0;
    char *text = file_read(file, MOST_BYTES, &length);
    const char *other;

    if (!text) {
        snprintf(fault, size, "\"%.120s\" cannot be read: %s", file, strerror(errno));
        ERR_clear_error();
        return -EINVAL;
    }
    other = find_other_form(text, length);
    free(text);
    if (!other)
        snprintf(fault, size, "\"%.120s\" holds no %s that can be used (%s)", file, what,
                 reason ? reason : "nothing of the kind is in it");
    else
        snprintf(fault, size, "\"%.120s\" %s", file, other);
    ERR_clear_error();
    return -EINVAL;
}

/* It is OpenSSL's macro that has no const. */
static STACK_OF(X509) * chain_of(const SSL_CTX *ssl)
{
    STACK_OF(X509) *chain = NULL;

    return SSL_CTX_get0_chain_certs((SSL_CTX *)(uintptr_t)ssl, &chain) == 1 ? chain : NULL;
}

/* Whether the key belongs to a certificate behind the first one. */
static bool is_of_chain(SSL_CTX *ssl, const EVP_PKEY *key)
{
    const STACK_OF(X509) *chain = chain_of(ssl);

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

/* OpenSSL would wait for who writes to it. */
static bool is_pipe(const char *file, char *fault, size_t size)
{
    struct stat facts;

    if (stat(file, &facts) != 0 || !S_ISFIFO(facts.st_mode))
        return false;
    snprintf(fault, size, "\"%.120s\" is a pipe; give a file, which can be read again", file);
    return true;
}

int h2_certificate_load(SSL_CTX *ssl, const char *certificate_file, const char *key_file,
                        char *fault, size_t fault_size)
{
    EVP_PKEY *key;
    int rc = 0;

    if (is_pipe(certificate_file, fault, fault_size) || is_pipe(key_file, fault, fault_size))
        return -EINVAL;
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

static time_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;

    return time && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

time_t h2_certificate_start(const X509 *certificate)
{
    return seconds_of(X509_get0_notBefore(certificate));
}

time_t h2_certificate_end(const X509 *certificate)
{
    return seconds_of(X509_get0_notAfter(certificate));
}

static int warn_of_times(const X509 *certificate, const char *whose, char *fault, size_t size)
{
    const time_t now = clock_wall_seconds();
    const time_t start = h2_certificate_start(certificate);
    const time_t end = h2_certificate_end(certificate);
    const bool is_over = end != 0 && end <= now;
    const time_t moment = is_over ? end : start;
    char date[DATE_SIZE];
    struct tm parts;

    if (!is_over && start <= now)
        return 0;
    if (!gmtime_r(&moment, &parts) ||
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &parts) == 0)
        date[0] = '\0';
    snprintf(fault, size,
             is_over
                 ? "%s has expired on %s; get a new one"
                 : "%s is not valid before %s; wait until then, or correct this machine's clock",
             whose, date);
    return -EINVAL;
}

bool h2_certificate_are_same(const SSL_CTX *one, const SSL_CTX *other)
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

int h2_certificate_warning(const SSL_CTX *ssl, char *fault, size_t fault_size)
{
    X509 *before = SSL_CTX_get0_certificate(ssl);
    const STACK_OF(X509) *chain = chain_of(ssl);
    const int length = chain ? sk_X509_num(chain) : 0;
    int rc = warn_of_times(before, "the certificate", fault, fault_size);

    for (int i = 0; rc == 0 && i < length; i++) {
        X509 *next = sk_X509_value(chain, i);

        if (X509_check_issued(next, before) != X509_V_OK) {
            snprintf(fault, fault_size,
                     "the chain is not in order: its certificate %d did not sign the one before "
                     "it; put the server's own first, and behind each the one that signed it",
                     i + 2);
            return -EINVAL;
        }
        rc = warn_of_times(next, "a certificate of the chain", fault, fault_size);
        before = next;
    }
    return rc;
}

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

const unsigned char *h2_ocsp_get(const struct h2_ocsp *ocsp, size_t *length)
{
    if (ocsp->end != 0 && ocsp->end <= clock_wall_seconds())
        return NULL;
    *length = ocsp->length;
    return ocsp->octets;
}
