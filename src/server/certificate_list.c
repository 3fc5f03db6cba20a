/* SPDX-License-Identifier: Apache-2.0 */
#include "server/certificate_list.h"

#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "h2/certificate.h"
#include "h2/tls.h"
#include "server/tls_contexts.h"

#define FAULT_SIZE 400u

/* In ms since 1970; null: it does not say. */
static void append_time(struct buf *json, const char *key, time_t seconds)
{
    buf_printf(json, ",\"%s\":", key);
    if (seconds == 0)
        buf_append_str(json, "null");
    else
        buf_printf(json, "%" PRId64, (int64_t)seconds * 1000);
}

/* As "CN=push.example.org, O=Example". */
static void append_name(struct buf *json, const char *key, const X509_NAME *name)
{
    const unsigned long form = (XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) & ~ASN1_STRFLGS_ESC_MSB;
    BIO *printed = BIO_new(BIO_s_mem());
    struct buf text = BUF_INIT;
    char *start;
    long length;

    if (printed && X509_NAME_print_ex(printed, name, 0, form) >= 0) {
        length = BIO_get_mem_data(printed, &start);
        buf_append(&text, start, (size_t)length);
    }
    json_text_member(json, key, buf_str(&text));
    buf_release(&text);
    BIO_free(printed);
}

static void append_names(struct buf *json, const struct h2_tls_names *names)
{
    buf_append_str(json, ",\"names\":[");
    for (size_t i = 0; i < names->count; i++) {
        json_text_next(json);
        json_text_string(json, names->texts[i]);
    }
    buf_append_char(json, ']');
}

static void append(void *context, const struct tls_shown *shown)
{
    const X509 *certificate = h2_tls_context_certificate(shown->context, shown->index);
    struct buf *json = context;
    char fault[FAULT_SIZE] = "";

    (void)h2_tls_context_warning(shown->context, shown->index, fault, sizeof(fault));
    json_text_next(json);
    buf_append_char(json, '{');
    json_text_member(json, "listener", shown->listener);
    json_text_member(json, "file", shown->file);
    append_names(json, h2_tls_context_names(shown->context, shown->index));
    append_name(json, "subject", X509_get_subject_name(certificate));
    append_name(json, "issuer", X509_get_issuer_name(certificate));
    append_time(json, "notBefore", h2_certificate_start(certificate));
    append_time(json, "notAfter", h2_certificate_end(certificate));
    buf_printf(json, ",\"isDevelopment\":%s", shown->is_development ? "true" : "false");
    json_text_member(json, "warning", fault);
    buf_append_char(json, '}');
}

void certificate_list_append(struct buf *json, const struct tls_contexts *contexts)
{
    buf_append_str(json, "{\"certificates\":[");
    tls_contexts_show(contexts, append, json);
    buf_append_str(json, "]}");
}
