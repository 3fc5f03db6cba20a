/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_tls.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "h2/tickets.h"
#include "h2/tls.h"
#include "server/config_fault.h"

size_t config_tls_files(const struct config_listener *listener,
                        struct h2_tls_files files[CONFIG_MAX_TLS_FILES])
{
    size_t count = 0;

    if (*listener->certificate != '\0')
        files[count++] =
            (struct h2_tls_files){listener->certificate, listener->key, listener->ocsp_file};
    for (size_t i = 0; i < listener->certificate_count; i++) {
        const struct config_certificate *more = &listener->certificates[i];

        files[count++] = (struct h2_tls_files){more->certificate, more->key, more->ocsp_file};
    }
    return count;
}

/* prefix: of the keys, "" or that of an item. */
static int check_pair(const struct config_subject *subject, const char *prefix,
                      const struct h2_tls_files *files, enum h2_tls_profile profile)
{
    const bool certificate = *files->certificate != '\0';
    const bool key = *files->key != '\0';
    struct h2_tls_context *tls;
    char certificate_key[60], key_key[60], fault[240];
    int rc;

    snprintf(certificate_key, sizeof(certificate_key), "%scertificate", prefix);
    snprintf(key_key, sizeof(key_key), "%skey", prefix);
    if (!key)
        return config_check_fail(subject, key_key,
                                 "is missing; a certificate needs its private key");
    if (!certificate)
        return config_check_fail(subject, certificate_key,
                                 "is missing; a private key needs its certificate");
    rc = config_check_readable(subject, certificate_key, files->certificate);
    if (rc == 0)
        rc = config_check_readable(subject, key_key, files->key);
    if (rc != 0)
        return rc;
    tls =
        h2_tls_context_new(&(struct h2_tls_options){.files = files, .count = 1, .profile = profile},
                           fault, sizeof(fault));
    if (!tls)
        return config_check_fail(subject, certificate_key, "%s", fault);
    h2_tls_context_free(tls);
    return 0;
}

static int check_more(const struct config_subject *listener_subject,
                      const struct config_listener *listener)
{
    struct config_subject subject = *listener_subject;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < listener->certificate_count; i++) {
        const struct config_certificate *more = &listener->certificates[i];
        const struct h2_tls_files files = {more->certificate, more->key, more->ocsp_file};
        char prefix[40];

        if (more->line > 0)
            subject.line = more->line;
        snprintf(prefix, sizeof(prefix), "certificates[%zu].", i);
        rc = check_pair(&subject, prefix, &files, listener->tls_profile);
    }
    return rc;
}

int config_check_listener_tls(const struct config_subject *subject,
                              const struct config_listener *listener)
{
    const bool has_first = *listener->certificate != '\0' || *listener->key != '\0';
    const struct h2_tls_files first = {listener->certificate, listener->key, listener->ocsp_file};
    int rc = 0;

    if (!listener->tls && (has_first || listener->certificate_count > 0))
        return config_check_fail(subject, has_first ? "certificate" : "certificates",
                                 "has no use without TLS; leave it out, or set tls: true");
    if (!has_first && *listener->ocsp_file != '\0')
        return config_check_fail(subject, "ocspFile",
                                 "has no use without a certificate; name that as well");
    if (has_first)
        rc = check_pair(subject, "", &first, listener->tls_profile);
    return rc == 0 ? check_more(subject, listener) : rc;
}

int config_check_tls(const struct config_subject *subject)
{
    const char *file = subject->config->ticket_key_file;
    struct h2_tickets *tickets;
    char fault[240];

    if (*file == '\0')
        return 0;
    tickets = h2_tickets_read(file, fault, sizeof(fault));
    if (!tickets)
        return config_check_fail(subject, "tls.ticketKeyFile", "%s", fault);
    h2_tickets_unref(tickets);
    return 0;
}
