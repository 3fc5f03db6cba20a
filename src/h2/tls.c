/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sslerr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/certificate.h"

#define STAPLE_FAULT_SIZE 256u

/* One certificate. Its SSL_CTX may hold those of other kinds of keys besides, for the same names.
 */
struct identity {
    SSL_CTX *ssl;
    X509 *certificate; /* borrowed from ssl */
    struct h2_tls_names names;
    struct h2_ocsp *ocsp; /* NULL: none */
    char *staple_fault;   /* why; NULL: none was asked for */
    size_t kinds;         /* of keys, in ssl */
    struct h2_tls_context *context;
};

struct h2_tls_context {
    atomic_uint references;
    struct h2_tickets *tickets;
    bool is_choosy; /* its certificates are for different names */
    size_t count;
    struct identity identities[];
};

/* Mozilla's "intermediate" for TLS 1.2, without its two DHE suites. The order is ours, but for
 * clients that put ChaCha20 first: they have no AES in hardware. */
static const char intermediate_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char tls13_ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";
/* In our order; the first alone where HTTP/1.1 is not spoken. */
static const unsigned char protocols[] = "\x02h2"
                                         "\x08http/1.1"
                                         "\x08http/1.0";
#define H2_ALONE 3u
static const char http1_too; /* its address marks the connections that may choose HTTP/1.1 */

static bool has_http1(const SSL *ssl)
{
    return SSL_get_app_data(ssl) == &http1_too;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                   const unsigned char *in, unsigned int in_length, void *context)
{
    unsigned char *selected = NULL;

    (void)context;
    if (SSL_select_next_proto(&selected, out_length, protocols,
                              has_http1(ssl) ? sizeof(protocols) - 1 : H2_ALONE, in,
                              in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* The certificate for a host that the client has named: the best that there is, and of equals the
 * one that more clients can check. */
static const struct identity *choose(const struct h2_tls_context *context, const char *host)
{
    const struct identity *chosen = &context->identities[0];
    enum h2_tls_match best = H2_TLS_NO_MATCH;

    for (size_t i = 0; i < context->count; i++) {
        const struct identity *identity = &context->identities[i];
        enum h2_tls_match match = h2_tls_names_match(&identity->names, host);

        if (match > best ||
            (match == best && match != H2_TLS_NO_MATCH && identity->kinds > chosen->kinds)) {
            best = match;
            chosen = identity;
        }
    }
    return chosen;
}

/* RFC 6066 3: a list with one name of the type host_name. */
static bool read_server_name(SSL *ssl, char host[H2_TLS_HOST_SIZE])
{
    enum { HEAD = 5, HOST_NAME = 0 };
    const unsigned char *data;
    size_t size, length;

    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) || size <= HEAD ||
        data[2] != HOST_NAME)
        return false;
    length = (size_t)data[3] << 8 | data[4];
    if (((size_t)data[0] << 8 | data[1]) != size - 2 || length != size - HEAD ||
        length >= H2_TLS_HOST_SIZE || memchr(data + HEAD, '\0', length))
        return false;
    memcpy(host, data + HEAD, length);
    host[length] = '\0';
    return true;
}

/* OpenSSL does not ask about ALPN when the client does not offer it: HTTP/1.1, or refused here (RFC
 * 9113 3.2 makes it the only way to speak HTTP/2 over TLS). */
static int on_client_hello(SSL *ssl, int *alert, void *shown)
{
    const struct h2_tls_context *context = shown;
    char host[H2_TLS_HOST_SIZE];
    const unsigned char *data;
    size_t length;

    /* Before OpenSSL looks at tickets: one is good for a connection with the same names only. */
    if (context->count > 1 && read_server_name(ssl, host))
        (void)SSL_set_SSL_CTX(ssl, choose(context, host)->ssl);
    if (has_http1(ssl) ||
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                  &length))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

/* OpenSSL would ask for it on the terminal, where nobody waits at three in the morning. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

static int on_server_name(SSL *ssl, int *alert, void *context)
{
    (void)ssl;
    (void)alert;
    (void)context;
    return SSL_TLSEXT_ERR_OK; /* the choice was made by on_client_hello() */
}

static int on_status(SSL *ssl, void *unused)
{
    const struct identity *shown = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const X509 *certificate = SSL_get_certificate(ssl);
    const unsigned char *staple = NULL;
    unsigned char *copy;
    size_t length = 0;

    (void)unused;
    for (size_t i = 0; i < shown->context->count && !staple; i++) {
        const struct identity *identity = &shown->context->identities[i];

        if (identity->ocsp && X509_cmp(identity->certificate, certificate) == 0)
            staple = h2_ocsp_get(identity->ocsp, &length);
    }
    if (!staple || !(copy = OPENSSL_memdup(staple, length)))
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)length); /* takes it over */
    return SSL_TLSEXT_ERR_OK;
}

static int on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int encrypts)
{
    const struct identity *shown = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    return h2_tickets_ready(shown->context->tickets, name, iv, cipher, mac, encrypts);
}

static int configure(SSL_CTX *ssl, enum h2_tls_profile profile, struct h2_tls_context *context)
{
    int oldest = profile == H2_TLS_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ssl, 0);
    SSL_CTX_set_default_passwd_cb(ssl, refuse_passphrase);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, context);
    if (context->count > 1)
        SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_tlsext_status_cb(ssl, on_status);
    SSL_CTX_set_timeout(ssl, H2_TICKET_SECONDS);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) &&
           SSL_CTX_set_min_proto_version(ssl, oldest) &&
           SSL_CTX_set_cipher_list(ssl, intermediate_ciphers) &&
           SSL_CTX_set_ciphersuites(ssl, tls13_ciphers) && SSL_CTX_set1_groups_list(ssl, groups) &&
           SSL_CTX_set_num_tickets(ssl, 1) && SSL_CTX_set_max_early_data(ssl, 0);
}

/* What a ticket is bound to: the names, which stay when the certificate is renewed, on all nodes.
 */
static bool bind_tickets(SSL_CTX *ssl, const struct identity *identity)
{
    unsigned char digest[SSL_MAX_SID_CTX_LENGTH];
    struct buf names = BUF_INIT;

    for (size_t i = 0; i < identity->names.count; i++)
        buf_append(&names, identity->names.texts[i], strlen(identity->names.texts[i]) + 1);
    const bool is_bound =
        EVP_Digest(buf_str(&names), names.length, digest, NULL, EVP_sha256(), NULL) == 1 &&
        SSL_CTX_set_session_id_context(ssl, digest, sizeof(digest)) == 1;
    buf_release(&names);
    return is_bound;
}

static int fail_openssl(char *fault, size_t fault_size)
{
    snprintf(fault, fault_size, "cannot set up TLS: %s",
             ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return -EIO;
}

static void staple(struct identity *identity, const struct h2_tls_files *files)
{
    char fault[STAPLE_FAULT_SIZE];
    STACK_OF(X509) *chain = NULL;

    if (!files->ocsp || *files->ocsp == '\0')
        return;
    (void)SSL_CTX_get0_chain_certs(identity->ssl, &chain);
    identity->ocsp =
        h2_ocsp_read(files->ocsp, identity->certificate,
                     sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL, fault, sizeof(fault));
    if (!identity->ocsp)
        identity->staple_fault = mem_strdup(fault);
}

static int load(struct identity *identity, const struct h2_tls_options *options,
                const struct h2_tls_files *files, char *fault, size_t fault_size)
{
    int rc;

    identity->ssl = SSL_CTX_new(TLS_server_method());
    if (!identity->ssl || !configure(identity->ssl, options->profile, identity->context))
        return fail_openssl(fault, fault_size);
    rc = h2_certificate_load(identity->ssl, files->certificate, files->key, fault, fault_size);
    if (rc != 0)
        return rc;
    identity->certificate = SSL_CTX_get0_certificate(identity->ssl);
    identity->names = h2_tls_names_of(identity->certificate);
    identity->kinds = 1;
    SSL_CTX_set_app_data(identity->ssl, identity);
    if (!bind_tickets(identity->ssl, identity))
        return fail_openssl(fault, fault_size);
    staple(identity, files);
    return 0;
}

static int kind_of(const struct identity *identity)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(identity->certificate));
}

/* Whether the SSL_CTX has a key of that kind. */
static bool has_kind(SSL_CTX *ssl, int kind)
{
    long rc = SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_FIRST);
    bool has = false;

    for (; rc == 1 && !has; rc = SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_NEXT))
        has = EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(ssl)) == kind;
    return has;
}

/* Puts certificates with other kinds of keys beside one that is for no other names than they. */
static int add_kinds(struct h2_tls_context *context, struct identity *identity,
                     const struct h2_tls_options *options, char *fault, size_t fault_size)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < context->count; i++) {
        const struct identity *other = &context->identities[i];

        if (has_kind(identity->ssl, kind_of(other)) ||
            !h2_tls_names_meet(&other->names, &identity->names, H2_TLS_WILDCARD_MATCH))
            continue;
        rc = h2_certificate_load(identity->ssl, options->files[i].certificate,
                                 options->files[i].key, fault, fault_size);
        identity->kinds++;
    }
    (void)SSL_CTX_select_current_cert(identity->ssl, identity->certificate);
    return rc;
}

static bool is_choosy(const struct h2_tls_context *context)
{
    for (size_t i = 1; i < context->count; i++) {
        if (!h2_tls_names_meet(&context->identities[0].names, &context->identities[i].names,
                               H2_TLS_WILDCARD_MATCH) ||
            !h2_tls_names_meet(&context->identities[i].names, &context->identities[0].names,
                               H2_TLS_WILDCARD_MATCH))
            return true;
    }
    return false;
}

struct h2_tls_context *h2_tls_context_new(const struct h2_tls_options *options, char *fault,
                                          size_t fault_size)
{
    struct h2_tls_context *context =
        mem_zalloc(sizeof(*context) + options->count * sizeof(struct identity));
    int rc = 0;

    atomic_init(&context->references, 1);
    context->count = options->count;
    context->tickets = options->tickets ? h2_tickets_ref(options->tickets) : h2_tickets_new();
    for (size_t i = 0; i < context->count; i++)
        context->identities[i].context = context;
    for (size_t i = 0; rc == 0 && i < context->count; i++)
        rc = load(&context->identities[i], options, &options->files[i], fault, fault_size);
    for (size_t i = 0; rc == 0 && i < context->count; i++)
        rc = add_kinds(context, &context->identities[i], options, fault, fault_size);
    if (rc != 0) {
        h2_tls_context_free(context);
        return NULL;
    }
    context->is_choosy = is_choosy(context);
    return context;
}

int h2_tls_context_warning(const struct h2_tls_context *context, size_t index, char *fault,
                           size_t fault_size)
{
    return h2_certificate_warning(context->identities[index].ssl, fault, fault_size);
}

bool h2_tls_context_has(const struct h2_tls_context *context, const struct h2_tls_context *other,
                        size_t index)
{
    for (size_t i = 0; i < context->count; i++) {
        if (h2_certificate_are_same(context->identities[i].ssl, other->identities[index].ssl))
            return true;
    }
    return false;
}

/* Whether one before it has all its names, and the same kind of key. */
static bool is_needless(const struct h2_tls_context *context, size_t index)
{
    const struct identity *identity = &context->identities[index];

    for (size_t i = 0; i < index; i++) {
        const struct identity *other = &context->identities[i];

        if (kind_of(other) == kind_of(identity) &&
            h2_tls_names_meet(&other->names, &identity->names, H2_TLS_EXACT_MATCH))
            return true;
    }
    return false;
}

int h2_tls_context_hint(const struct h2_tls_context *context, size_t index, char *hint,
                        size_t hint_size)
{
    const struct identity *identity = &context->identities[index];

    if (identity->staple_fault)
        snprintf(hint, hint_size, "nothing is stapled: %s", identity->staple_fault);
    else if (index > 0 && identity->names.count == 0)
        snprintf(hint, hint_size, "it is never shown: it has no names (subjectAltName)");
    else if (is_needless(context, index))
        snprintf(hint, hint_size, "it is never shown: one before it has its names and kind of key");
    else
        return 0;
    return -EINVAL;
}

struct h2_tls_context *h2_tls_context_ref(struct h2_tls_context *context)
{
    (void)atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void h2_tls_context_free(struct h2_tls_context *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < context->count; i++) {
        struct identity *identity = &context->identities[i];

        SSL_CTX_free(identity->ssl);
        h2_tls_names_release(&identity->names);
        free(identity->ocsp);
        free(identity->staple_fault);
    }
    h2_tickets_unref(context->tickets);
    free(context);
}

time_t h2_tls_context_end(const struct h2_tls_context *context, size_t index)
{
    return h2_certificate_end(context->identities[index].certificate);
}

const X509 *h2_tls_context_certificate(const struct h2_tls_context *context, size_t index)
{
    return context->identities[index].certificate;
}

const struct h2_tls_names *h2_tls_context_names(const struct h2_tls_context *context, size_t index)
{
    return &context->identities[index].names;
}

bool h2_tls_has_name(const SSL *ssl, const char *host)
{
    const struct identity *shown = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct h2_tls_context *context = shown->context;
    bool has_name = false;

    for (size_t i = 0; !has_name && i < context->count; i++)
        has_name = h2_tls_names_match(&context->identities[i].names, host) != H2_TLS_NO_MATCH;
    return has_name;
}

bool h2_tls_is_misdirected(const SSL *ssl, const char *authority)
{
    const struct identity *shown = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char host[H2_TLS_HOST_SIZE];

    return shown->context->is_choosy && h2_tls_host_of(authority, host) &&
           !h2_tls_is_address(host) && SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) &&
           h2_tls_names_match(&shown->names, host) == H2_TLS_NO_MATCH;
}

SSL *h2_tls_new(struct h2_tls_context *context, BIO *bio, bool http1)
{
    SSL *ssl = SSL_new(context->identities[0].ssl);

    if (!ssl)
        return NULL;
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    if (http1)
        SSL_set_app_data(ssl, (void *)(uintptr_t)&http1_too);
    return ssl;
}

/* In words of ours where OpenSSL's lead nowhere. */
static const char *sentence_of(int reason)
{
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return "it speaks HTTP without TLS on a TLS listener";
    case SSL_R_CALLBACK_FAILED:
        return "it offers no ALPN; only HTTP/2 is spoken here, by the name h2 "
               "(listeners[].http1)";
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return "it offers by ALPN no protocol that is spoken here: h2, and http/1.1 unless "
               "listeners[].http1 is false";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
        return "what it says is not TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return "its versions of TLS are too old (listeners[].tlsProfile)";
    default:
        return NULL;
    }
}

void h2_tls_fault(char fault[H2_TLS_FAULT_SIZE])
{
    const unsigned long error = ERR_peek_last_error();
    const int reason = ERR_GET_REASON(error);
    const char *sentence = error ? sentence_of(reason) : "the connection broke in the handshake";
    const char *text = ERR_reason_error_string(error);

    snprintf(fault, H2_TLS_FAULT_SIZE, "%s%s",
             reason > SSL_AD_REASON_OFFSET && !sentence ? "it ended the handshake: " : "",
             sentence ? sentence
             : text   ? text
                      : "TLS failed");
}
