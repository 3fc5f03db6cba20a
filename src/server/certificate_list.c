/* SPDX-License-Identifier: Apache-2.0 */
#include "server/certificate_list.h"

#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdbool.h>
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

static void append_text(struct buf *json, const char *key, const char *text)
{
    buf_printf(json, ",\"%s\":", key);
    json_text_string(json, text);
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
    append_text(json, key, buf_str(&text));
    buf_release(&text);
    BIO_free(printed);
}

static void append_names(struct buf *json, const struct h2_tls_names *names)
{
    buf_append_str(json, ",\"names\":[");
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0)
            buf_append_char(json, ',');
        json_text_string(json, names->texts[i]);
    }
    buf_append_char(json, ']');
}

struct list {
    struct buf *json;
    bool has_some;
};

static void append(void *context, const struct tls_shown *shown)
{
    const X509 *certificate = h2_tls_context_certificate(shown->context, shown->index);
    struct list *list = context;
    char fault[FAULT_SIZE] = "";

    (void)h2_tls_context_warning(shown->context, shown->index, fault, sizeof(fault));
    buf_append_str(list->json, list->has_some ? ",{\"listener\":" : "{\"listener\":");
    json_text_string(list->json, shown->listener);
    append_text(list->json, "file", shown->file);
    append_names(list->json, h2_tls_context_names(shown->context, shown->index));
    append_name(list->json, "subject", X509_get_subject_name(certificate));
    append_name(list->json, "issuer", X509_get_issuer_name(certificate));
    append_time(list->json, "notBefore", h2_certificate_start(certificate));
    append_time(list->json, "notAfter", h2_certificate_end(certificate));
    buf_printf(list->json, ",\"isDevelopment\":%s", shown->is_development ? "true" : "false");
    append_text(list->json, "warning", fault);
    buf_append_char(list->json, '}');
    list->has_some = true;
}

void certificate_list_append(struct buf *json, const struct tls_contexts *contexts)
{
    struct list list = {.json = json};

    buf_append_str(json, "{\"certificates\":[");
    tls_contexts_show(contexts, append, &list);
    buf_append_str(json, "]}");
}
