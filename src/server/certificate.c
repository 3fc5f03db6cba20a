/* SPDX-License-Identifier: Apache-2.0 */
#include "server/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "h2/certificate.h"
#include "server/config_value.h"

#define VALID_SECONDS (90L * 24 * 3600)
#define CLOCK_SECONDS 3600L /* how far a client's clock may be behind ours */

static const char *const own_names[] = {"localhost", "127.0.0.1", "::1"};

/* What is known of a failure of OpenSSL; empties its queue. */
static int fail_openssl(const char *what, struct config_fault *fault)
{
    char reason[128] = "no reason given";
    unsigned long error = ERR_get_error();

    if (error != 0)
        ERR_error_string_n(error, reason, sizeof(reason));
    ERR_clear_error();
    return config_fail(fault, -EIO, "the development certificate: %s: %s", what, reason);
}

static int fail_file(int error, const char *path, const char *what, struct config_fault *fault)
{
    return config_fail(fault, error, "%.200s: cannot be %s: %s", path, what, strerror(-error));
}

/* Letters, digits, '-', '.' and a '*' in front; nothing that could end the extension's text. */
static bool is_dns_name(const char *name)
{
    const char *c = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

    if (!isalnum((unsigned char)*c) || strlen(name) > 253)
        return false;
    for (; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
            return false;
    }
    return true;
}

/* "DNS:localhost,IP:127.0.0.1,…" */
static int list_names(const char *const *names, size_t count, struct buf *to,
                      struct config_fault *fault)
{
    size_t own = COUNT(own_names);

    if (count > CERTIFICATE_MAX_NAMES)
        return config_fail(fault, -E2BIG, "%zu names; at most %u are allowed", count,
                           CERTIFICATE_MAX_NAMES);
    for (size_t i = 0; i < own + count; i++) {
        const char *name = i < own ? own_names[i] : names[i - own];

        if (!h2_tls_is_address(name) && !is_dns_name(name))
            return config_fail(
                fault, -EINVAL,
                "\"%.100s\" is no name for a certificate; use one such as dev.example.org or "
                "192.0.2.7",
                name);
        buf_printf(to, "%s%s:%s", i > 0 ? "," : "", h2_tls_is_address(name) ? "IP" : "DNS", name);
    }
    return 0;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension = NULL;
    bool done = false;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension)
        done = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool set_serial(X509 *certificate)
{
    /* 127 bits: positive, and no two alike (RFC 5280 4.1.2.2). */
    BIGNUM *number = BN_new();
    bool done = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

    BN_free(number);
    return done;
}

static bool set_name(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char text[] = "sse-server development";

    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *names)
{
    time_t now = clock_wall_seconds();

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_time_adj(X509_getm_notBefore(certificate), -CLOCK_SECONDS, &now) &&
           X509_time_adj(X509_getm_notAfter(certificate), VALID_SECONDS, &now) &&
           set_name(certificate) && X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, NID_subject_alt_name, names) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static int make_directory(const char *directory, struct config_fault *fault)
{
    const int rc = directory_make(directory);

    return rc == 0 ? 0 : fail_file(rc, directory, "made", fault);
}

/* Writes the key, or (NULL) the certificate, to a file of mode 0600, which takes its name when it
 * is whole. */
static int write_file(const char *path, const EVP_PKEY *key, const X509 *certificate,
                      struct config_fault *fault)
{
    struct buf temporary = BUF_INIT;
    FILE *file = NULL;
    int fd = -1;
    int rc = 0;

    buf_printf(&temporary, "%s.XXXXXX", path);
    fd = mkostemp(temporary.data, O_CLOEXEC); /* makes it with mode 0600 */
    if (fd >= 0)
        file = fdopen(fd, "w");
    if (!file) {
        rc = fail_file(-errno, temporary.data, "made", fault);
        if (fd >= 0)
            close(fd);
    } else {
        bool done = key ? PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1
                        : PEM_write_X509(file, certificate) == 1;

        done = fflush(file) == 0 && fsync(fd) == 0 && done;
        done = fclose(file) == 0 && done;
        if (!done || rename(temporary.data, path) != 0) {
            rc = fail_file(-errno, path, "written", fault);
            unlink(temporary.data);
        }
    }
    buf_release(&temporary);
    return rc;
}

static void name_files(struct certificate_files *files, const char *directory)
{
    struct buf path = BUF_INIT;

    buf_printf(&path, "%s/development-cert.pem", directory);
    files->certificate = buf_detach(&path);
    buf_printf(&path, "%s/development-key.pem", directory);
    files->key = buf_detach(&path);
}

static int make_pair(const struct certificate_files *files, const char *names,
                     struct config_fault *fault)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int rc = 0;

    if (!key || !certificate || !fill(certificate, key, names))
        rc = fail_openssl("cannot be made", fault);
    if (rc == 0)
        rc = write_file(files->key, key, NULL, fault);
    if (rc == 0)
        rc = write_file(files->certificate, NULL, certificate, fault);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return rc;
}

int certificate_make(struct certificate_files *files, const char *directory,
                     const char *const *names, size_t count, struct config_fault *fault)
{
    struct certificate_files made = {NULL, NULL};
    struct buf list = BUF_INIT;
    int rc = list_names(names, count, &list, fault);

    name_files(&made, directory);
    if (rc == 0)
        rc = make_directory(directory, fault);
    if (rc == 0)
        rc = make_pair(&made, buf_str(&list), fault);
    if (rc == 0)
        *files = made;
    else
        certificate_files_release(&made);
    buf_release(&list);
    return rc;
}

/* Whether the pair can be used, and for some time yet. */
static bool is_usable(const struct certificate_files *files)
{
    FILE *certificate_file = fopen(files->certificate, "re");
    FILE *key_file = fopen(files->key, "re");
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    time_t horizon = clock_wall_seconds() + CERTIFICATE_RENEW_SECONDS;
    bool usable = false;

    if (certificate_file && key_file) {
        certificate = PEM_read_X509(certificate_file, NULL, NULL, NULL);
        key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
        usable = certificate && key && X509_check_private_key(certificate, key) == 1 &&
                 X509_cmp_time(X509_get0_notAfter(certificate), &horizon) > 0;
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(certificate);
    if (key_file)
        fclose(key_file);
    if (certificate_file)
        fclose(certificate_file);
    return usable;
}

/* Keeps two processes that start at once from writing the halves of two pairs. */
static int lock_directory(const char *directory, int *lock, struct config_fault *fault)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail_file(-errno, directory, "opened", fault);
    if (flock(fd, LOCK_EX) != 0) {
        int rc = fail_file(-errno, directory, "locked", fault);

        close(fd);
        return rc;
    }
    *lock = fd;
    return 0;
}

int certificate_ensure(struct certificate_files *files, const char *directory,
                       struct config_fault *fault)
{
    struct certificate_files there = {NULL, NULL};
    int lock = -1;
    int rc = make_directory(directory, fault);

    if (rc == 0)
        rc = lock_directory(directory, &lock, fault);
    if (rc != 0)
        return rc;
    name_files(&there, directory);
    if (is_usable(&there)) {
        *files = there;
    } else {
        certificate_files_release(&there);
        rc = certificate_make(files, directory, NULL, 0, fault);
    }
    close(lock);
    return rc;
}

void certificate_files_release(struct certificate_files *files)
{
    free(files->certificate);
    free(files->key);
    *files = (struct certificate_files){NULL, NULL};
}
