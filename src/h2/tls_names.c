/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/tls_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct h2_tls_names {
    size_t count;
    char **texts;
};

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

struct h2_tls_names *h2_tls_names_of(const X509 *certificate)
{
    struct h2_tls_names *names = mem_zalloc(sizeof(*names));
    GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);

        if (name->type == GEN_DNS)
            add(names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_address(names, name->d.iPAddress);
    }
    if (!alternatives)
        add_common_name(names, certificate);
    GENERAL_NAMES_free(alternatives);
    ERR_clear_error();
    if (names->count > 0)
        qsort(names->texts, names->count, sizeof(*names->texts), compare);
    return names;
}

void h2_tls_names_free(struct h2_tls_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->texts);
    free(names);
}

size_t h2_tls_names_count(const struct h2_tls_names *names)
{
    return names->count;
}

const char *h2_tls_names_at(const struct h2_tls_names *names, size_t index)
{
    return names->texts[index];
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

static bool meet(const struct h2_tls_names *names, const struct h2_tls_names *others,
                 enum h2_tls_match least)
{
    for (size_t i = 0; i < others->count; i++) {
        if (h2_tls_names_match(names, others->texts[i]) < least)
            return false;
    }
    return true;
}

bool h2_tls_names_cover(const struct h2_tls_names *names, const struct h2_tls_names *others)
{
    return meet(names, others, H2_TLS_WILDCARD_MATCH);
}

bool h2_tls_names_include(const struct h2_tls_names *names, const struct h2_tls_names *others)
{
    return meet(names, others, H2_TLS_EXACT_MATCH);
}
