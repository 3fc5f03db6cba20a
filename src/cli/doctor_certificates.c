/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates beyond what a start asks of them: their end, their names, who can read their keys.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

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
    h2_tls_names_release(&names);
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
