/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/tls.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "h2/tls_files.h"

struct h2_tls_context {
    SSL_CTX *ssl;
};

/* Mozilla's "intermediate" for TLS 1.2, without its two DHE suites. */
static const char intermediate_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char tls13_ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";
static const unsigned char protocol_h2[] = {2, 'h', '2'};

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                   const unsigned char *in, unsigned int in_length, void *context)
{
    unsigned char *selected = NULL;

    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&selected, out_length, protocol_h2, sizeof(protocol_h2), in,
                              in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL does not ask about ALPN when the client does not offer it: refused here (RFC 9113 3.2
 * makes it the only way to speak HTTP/2 over TLS). */
static int on_client_hello(SSL *ssl, int *alert, void *context)
{
    const unsigned char *data;
    size_t length;

    (void)context;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
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

static int configure(SSL_CTX *ssl, enum h2_tls_profile profile)
{
    int oldest = profile == H2_TLS_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ssl, 0);
    SSL_CTX_set_default_passwd_cb(ssl, refuse_passphrase);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    return SSL_CTX_set_min_proto_version(ssl, oldest) &&
           SSL_CTX_set_cipher_list(ssl, intermediate_ciphers) &&
           SSL_CTX_set_ciphersuites(ssl, tls13_ciphers) && SSL_CTX_set1_groups_list(ssl, groups) &&
           SSL_CTX_set_num_tickets(ssl, 1) && SSL_CTX_set_max_early_data(ssl, 0);
}

struct h2_tls_context *h2_tls_context_new(const char *certificate_file, const char *key_file,
                                          enum h2_tls_profile profile, char *fault,
                                          size_t fault_size)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

    if (!ssl || !configure(ssl, profile)) {
        snprintf(fault, fault_size, "cannot set up TLS: %s",
                 ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        SSL_CTX_free(ssl);
        return NULL;
    }
    if (h2_tls_files_load(ssl, certificate_file, key_file, fault, fault_size) != 0) {
        SSL_CTX_free(ssl);
        return NULL;
    }
    struct h2_tls_context *context = mem_zalloc(sizeof(*context));
    context->ssl = ssl;
    return context;
}

int h2_tls_context_doubt(const struct h2_tls_context *context, char *fault, size_t fault_size)
{
    return h2_tls_files_doubt(context->ssl, fault, fault_size);
}

void h2_tls_context_free(struct h2_tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

SSL *h2_tls_new(struct h2_tls_context *context, BIO *bio)
{
    SSL *ssl = SSL_new(context->ssl);

    if (!ssl)
        return NULL;
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
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
        return "it offers no ALPN; only HTTP/2 is spoken here, by the name h2";
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return "it does not offer h2 by ALPN; only HTTP/2 is spoken here";
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
