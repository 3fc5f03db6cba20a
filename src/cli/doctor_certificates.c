/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates beyond what a start asks of them: their end, their names, who can read their keys.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/doctor.h"
#include "h2/certificate.h"
#include "h2/listener.h"
#include "server/config_parts.h"

#define DAY          (24L * 3600)
#define WARNING_DAYS 21L /* before its end; who renews by itself does so a month before */

static void write_date(time_t when, char to[16])
{
    struct tm date;

    if (!gmtime_r(&when, &date) || strftime(to, 16, "%Y-%m-%d", &date) == 0)
        snprintf(to, 16, "?");
}

/* What is over the preflight has found. */
static void check_end(const struct doctor_subject *subject, const X509 *certificate)
{
    const time_t end = h2_certificate_end(certificate), now = clock_wall_seconds();
    char date[16];

    if (end == 0 || end <= now)
        return;
    write_date(end, date);
    if (end - now < WARNING_DAYS * DAY)
        doctor_find(subject, DOCTOR_WARNING,
                    "renew it, and see why nothing has; the server takes the new files by itself",
                    "ends in %ld days, on %s", (long)(end - now) / DAY, date);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "good until %s", date);
}

/* Who asks for another host is refused by its browser, of which the server does not hear. */
static void tell_names(const struct doctor_subject *subject, const struct h2_tls_names *names)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < names->count; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", names->texts[i]);
    doctor_find(subject, DOCTOR_OK, NULL, "good for %.500s", buf_str(&text));
    buf_release(&text);
}

static void check_names(const struct doctor_subject *subject, const X509 *certificate)
{
    struct h2_tls_names names = h2_tls_names_of(certificate);

    if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
        doctor_find(
            subject, DOCTOR_ERROR,
            "get one with the host's names as subjectAltName; no browser takes a common name",
            "has no subjectAltName");
    else if (names.count == 0)
        doctor_find(subject, DOCTOR_ERROR, "get one with the host's names as DNS names",
                    "its subjectAltName has no DNS name and no address");
    else
        tell_names(subject, &names);
    h2_tls_names_release(&names);
}

static void check_purpose(const struct doctor_subject *subject, X509 *certificate)
{
    if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) == 0)
        doctor_find(subject, DOCTOR_ERROR,
                    "get one whose extendedKeyUsage has serverAuth, or that has none",
                    "is not for servers: clients refuse it");
}

/* The rest of the file: what clients are shown beside it. */
static STACK_OF(X509) * read_chain(FILE *file)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *next;

    while (chain && (next = PEM_read_X509(file, NULL, NULL, NULL))) {
        if (sk_X509_push(chain, next) == 0)
            X509_free(next);
    }
    return chain;
}

/* X509_V_OK: this machine's authorities vouch for it. */
static int verify(X509 *certificate, STACK_OF(X509) * chain)
{
    X509_STORE *authorities = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int result = X509_V_ERR_OUT_OF_MEM;

    if (authorities && context && X509_STORE_set_default_paths(authorities) == 1 &&
        X509_STORE_CTX_init(context, authorities, certificate, chain) == 1) {
        (void)X509_verify_cert(context);
        result = X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(authorities);
    return result;
}

/* One that vouches for itself is meant so. */
static void check_chain(const struct doctor_subject *subject, X509 *certificate, FILE *file)
{
    STACK_OF(X509) *chain = read_chain(file);
    const int result = verify(certificate, chain);
    const X509 *last =
        sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : certificate;
    char issuer[200] = "";

    (void)X509_NAME_oneline(X509_get_issuer_name(last), issuer, sizeof(issuer));
    if (result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
        result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
        doctor_find(subject, DOCTOR_WARNING,
                    "put the certificates between it and an authority behind it in the file; with "
                    "an authority of your own, every client has to know that",
                    "its chain ends at \"%s\", which this machine does not know: clients that do "
                    "not know it refuse the certificate",
                    issuer);
    sk_X509_pop_free(chain, X509_free);
}

static void check_key(const struct doctor_subject *subject, const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0)
        doctor_find(subject, DOCTOR_WARNING, "chmod o-rwx; if others have read it, get a new pair",
                    "its key \"%.200s\" can be read by everybody on this machine", path);
}

static void check_pair(const struct doctor_subject *subject, const struct h2_tls_files *files)
{
    FILE *file = fopen(files->certificate, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (certificate) { /* else the preflight has found why not */
        check_end(subject, certificate);
        check_names(subject, certificate);
        check_purpose(subject, certificate);
        check_chain(subject, certificate, file);
    }
    check_key(subject, files->key);
    ERR_clear_error();
    X509_free(certificate);
    if (file)
        fclose(file);
}

static void check_development(const struct doctor_subject *subject,
                              const struct config_listener *listener)
{
    bool is_local = true;

    if (h2_address_is_local(listener->address, &is_local) == 0 && !is_local)
        doctor_find(subject, DOCTOR_WARNING,
                    "set listeners[].certificate and key, or listen on this machine alone",
                    "others can reach %.100s, which shows the development certificate: browsers "
                    "refuse it",
                    listener->address);
    else
        doctor_find(subject, DOCTOR_OK, NULL,
                    "the development certificate, which browsers warn of");
}

static void check_listener(struct doctor *doctor, size_t index)
{
    const struct config_listener *listener = &doctor->config->listeners[index];
    struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
    const size_t count = config_tls_files(listener, files);
    char name[80];
    struct doctor_subject subject = {doctor, "certificate", name};

    snprintf(name, sizeof(name), "listeners[%zu]", index);
    if (count == 0)
        check_development(&subject, listener);
    for (size_t i = 0; i < count; i++) {
        subject.name = files[i].certificate;
        check_pair(&subject, &files[i]);
    }
}

void doctor_check_certificates(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->config->listener_count; i++) {
        if (doctor->config->listeners[i].tls)
            check_listener(doctor, i);
    }
}
