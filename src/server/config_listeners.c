/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/listener.h"
#include "h2/tls.h"
#include "server/config_parts.h"

size_t config_tls_files(const struct config_listener *listener,
                        struct h2_tls_files files[CONFIG_MAX_TLS_FILES])
{
    size_t count = 0;

    if (*listener->files.certificate != '\0')
        files[count++] = listener->files;
    for (size_t i = 0; i < listener->certificate_count; i++)
        files[count++] = listener->certificates[i].files;
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
        char prefix[40];

        if (more->line > 0)
            subject.line = more->line;
        snprintf(prefix, sizeof(prefix), "certificates[%zu].", i);
        rc = check_pair(&subject, prefix, &more->files, listener->tls_profile);
    }
    return rc;
}

static int check_certificates(const struct config_subject *subject,
                              const struct config_listener *listener)
{
    const struct h2_tls_files *first = &listener->files;
    const bool has_first = *first->certificate != '\0' || *first->key != '\0';
    int rc = 0;

    if (!listener->tls && (has_first || listener->certificate_count > 0))
        return config_check_fail(subject, has_first ? "certificate" : "certificates",
                                 "has no use without TLS; leave it out, or set tls: true");
    if (!has_first && *first->ocsp != '\0')
        return config_check_fail(subject, "ocspFile",
                                 "has no use without a certificate; name that as well");
    if (has_first)
        rc = check_pair(subject, "", first, listener->tls_profile);
    return rc == 0 ? check_more(subject, listener) : rc;
}

int config_check_tickets(const struct config_subject *subject)
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

#define GROUP_BYTES 16384u /* more than a group's members need here: they are not looked at */

static bool read_mode(const char *text, mode_t *mode)
{
    *mode = (mode_t)strtoul(text, NULL, 8);
    return strspn(text, "01234567") == strlen(text) && *mode <= 0777;
}

static bool find_group(const char *text, gid_t *group)
{
    char bytes[GROUP_BYTES];
    struct group found, *result = NULL;
    char *end;
    const unsigned long number = strtoul(text, &end, 10);

    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && number < UINT32_MAX) {
        *group = (gid_t)number;
        return true;
    }
    if (getgrnam_r(text, &found, bytes, sizeof(bytes), &result) != 0 || !result)
        return false;
    *group = result->gr_gid;
    return true;
}

static int check_rights(const struct config_subject *subject,
                        const struct config_listener *listener)
{
    const char *key = *listener->socket_mode != '\0' ? "socketMode" : "socketGroup";
    mode_t mode;
    gid_t group;

    if (*listener->socket_mode == '\0' && *listener->socket_group == '\0')
        return 0;
    if (!h2_address_unix_path(listener->address))
        return config_check_fail(
            subject, key, "is of unix sockets only, such as unix:/run/sse.sock; leave it out");
    if (!read_mode(listener->socket_mode, &mode))
        return config_check_fail(subject, "socketMode",
                                 "\"%.10s\" is no mode; use octal digits such as \"0660\"",
                                 listener->socket_mode);
    if (*listener->socket_group != '\0' && !find_group(listener->socket_group, &group))
        return config_check_fail(subject, "socketGroup", "there is no group \"%.64s\" here",
                                 listener->socket_group);
    return 0;
}

int config_set_socket_rights(const struct config_listener *listener, char *fault, size_t size)
{
    const char *path = h2_address_unix_path(listener->address);
    mode_t mode;
    gid_t group;
    int rc = 0;

    if (!path)
        return 0;
    if (*listener->socket_group != '\0' &&
        (!find_group(listener->socket_group, &group) || chown(path, (uid_t)-1, group) != 0)) {
        rc = errno != 0 ? -errno : -ENOENT;
        snprintf(fault, size, "%s cannot be given to the group %s: %s", listener->address,
                 listener->socket_group, strerror(-rc));
    } else if (*listener->socket_mode != '\0' &&
               (!read_mode(listener->socket_mode, &mode) || chmod(path, mode) != 0)) {
        rc = errno != 0 ? -errno : -EINVAL;
        snprintf(fault, size, "%s cannot have the mode %s: %s", listener->address,
                 listener->socket_mode, strerror(-rc));
    }
    return rc;
}

static int check_proxy_protocol(const struct config_subject *subject,
                                const struct config_listener *listener)
{
    if (*listener->proxy_from != '\0' && !listener->proxy_protocol)
        return config_check_fail(
            subject, "proxyFrom",
            "has no use without proxyProtocol; leave it out, or set proxyProtocol: true");
    return config_check_networks(subject, "proxyFrom", listener->proxy_from);
}

/* RFC 6797, section 6.1, in the forms that browsers know. */
static bool is_transport_security(const char *text)
{
    static const char age[] = "max-age=";
    static const char *const more[] = {"; includeSubDomains", "; preload"};
    size_t digits;

    if (strncmp(text, age, strlen(age)) != 0)
        return false;
    text += strlen(age);
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    text += digits;
    for (size_t i = 0; i < COUNT(more); i++) {
        if (strncmp(text, more[i], strlen(more[i])) == 0)
            text += strlen(more[i]);
    }
    return *text == '\0';
}

static int check_transport_security(const struct config_subject *subject,
                                    const struct config_listener *listener)
{
    static const char key[] = "strictTransportSecurity";

    if (*listener->transport_security == '\0')
        return 0;
    if (!listener->tls)
        return config_check_fail(subject, key,
                                 "has no use without TLS; leave it out, or set tls: true");
    if (is_transport_security(listener->transport_security))
        return 0;
    return config_check_fail(subject, key,
                             "\"%.60s\" is none; write max-age= and seconds, and behind it \"; "
                             "includeSubDomains\" and \"; preload\" if that is meant",
                             listener->transport_security);
}

static bool has_development_auth(const struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        if (config->services[i].auth == CONFIG_AUTH_DEVELOPMENT)
            return true;
    }
    return false;
}

/* Port 0 is another one each time. */
static bool has_any_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon && strcmp(colon, ":0") == 0;
}

int config_check_listener(const struct config_subject *subject, const void *item)
{
    const struct config_listener *listener = item;
    bool local = false;
    int rc;

    if (h2_address_is_local(listener->address, &local) != 0)
        return config_check_fail(
            subject, "address",
            "\"%.100s\" is no address; use one such as 127.0.0.1:8443, [::1]:8443, *:8443, "
            "localhost:8443 or unix:/run/sse.sock",
            listener->address);
    rc = check_rights(subject, listener);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < subject->index; i++) {
        if (strcmp(subject->config->listeners[i].address, listener->address) == 0 &&
            !has_any_port(listener->address))
            return config_check_fail(subject, "address",
                                     "\"%.100s\" is that of listeners[%zu] too; keep one",
                                     listener->address, i);
    }
    if (!local && !subject->config->allow_development_remote &&
        has_development_auth(subject->config))
        return config_check_fail(
            subject, "address",
            "\"%.100s\" can be reached from other machines, and auth development believes "
            "anyone; listen on localhost, or set allowDevelopmentRemote: true",
            listener->address);
    if (listener->role == API_ROLE_ADMIN && !listener->tls && !local)
        return config_check_fail(
            subject, "tls",
            "false would send API keys in clear text over the network to "
            "\"%.100s\"; set tls: true, or listen on localhost or a unix socket",
            listener->address);
    rc = check_transport_security(subject, listener);
    if (rc == 0)
        rc = check_proxy_protocol(subject, listener);
    return rc == 0 ? check_certificates(subject, listener) : rc;
}
