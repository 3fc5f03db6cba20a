/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/certificate.h"
#include "server/config_value.h"
#include "support/test.h"

struct fixture {
    char root[32];
    char directory[64]; /* does not exist yet */
    struct config_fault fault;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    snprintf(fixture->root, sizeof(fixture->root), "/tmp/test-cert-XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    snprintf(fixture->directory, sizeof(fixture->directory), "%s/a/b", fixture->root);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[64];

    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->root);
    assert_int_equal(system(command), 0); /* NOLINT: our own directory */
    free(fixture);
    return 0;
}

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = NULL;

    assert_non_null(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(certificate);
    fclose(file);
    return certificate;
}

static void it_is_for_this_machine_and_the_names_given(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"dev.example.org", "192.0.2.7", "2001:db8::1", "*.x.test"};
    struct certificate_files files;
    X509 *certificate = NULL;
    int days = 0, seconds = 0;

    assert_int_equal(certificate_make(&files, fixture->directory, names, 4, &fixture->fault), 0);
    certificate = read_certificate(files.certificate);
    assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "dev.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "a.x.test", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "192.0.2.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "2001:db8::1", 0), 1);
    assert_int_equal(X509_check_ca(certificate), 0);
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)), 1);
    assert_in_range(days, 89, 90);
    assert_true(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notBefore(certificate)) == 1 &&
                seconds < 0);
    X509_free(certificate);
    certificate_files_release(&files);
}

static void the_key_is_for_its_owner_only(void **state)
{
    struct fixture *fixture = *state;
    struct certificate_files files;
    struct stat status;
    mode_t mask = umask(0);

    assert_int_equal(certificate_ensure(&files, fixture->directory, &fixture->fault), 0);
    umask(mask);
    assert_int_equal(stat(files.key, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(fixture->directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    certificate_files_release(&files);
}

/* Whether a second call keeps what the first left there, after change did something to it. */
static bool is_kept(struct fixture *fixture, void (*change)(const struct certificate_files *files))
{
    struct certificate_files files, again;
    X509 *first = NULL, *second = NULL;
    bool same = false;

    assert_int_equal(certificate_ensure(&files, fixture->directory, &fixture->fault), 0);
    first = read_certificate(files.certificate);
    if (change)
        change(&files);
    assert_int_equal(certificate_ensure(&again, fixture->directory, &fixture->fault), 0);
    second = read_certificate(again.certificate);
    same = X509_cmp(first, second) == 0;
    X509_free(first);
    X509_free(second);
    certificate_files_release(&files);
    certificate_files_release(&again);
    return same;
}

static void remove_key(const struct certificate_files *files)
{
    assert_int_equal(unlink(files->key), 0);
}

static void spoil_certificate(const struct certificate_files *files)
{
    assert_int_equal(truncate(files->certificate, 100), 0);
}

static void replace_key(const struct certificate_files *files)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(files->key, "we");

    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    EVP_PKEY_free(key);
}

static void expire_within(const struct certificate_files *files, long seconds)
{
    X509 *certificate = read_certificate(files->certificate);
    FILE *file = fopen(files->key, "re");
    EVP_PKEY *key = NULL;

    assert_non_null(file);
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), seconds));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    file = fopen(files->certificate, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void expire_soon(const struct certificate_files *files)
{
    expire_within(files, 6L * 24 * 3600);
}

static void it_is_kept_while_it_is_good(void **state)
{
    assert_true(is_kept(*state, NULL));
}

static void it_is_renewed_without_its_key(void **state)
{
    assert_false(is_kept(*state, remove_key));
}

static void it_is_renewed_when_spoilt(void **state)
{
    assert_false(is_kept(*state, spoil_certificate));
}

static void it_is_renewed_with_another_key(void **state)
{
    assert_false(is_kept(*state, replace_key));
}

static void it_is_renewed_a_week_before_its_end(void **state)
{
    assert_false(is_kept(*state, expire_soon));
}

static void names_that_are_none_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"a,DNS:evil", "", "a b", "-a", "*.", "x\n", "a:b", "@sect"};
    struct certificate_files files;
    struct stat status;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            certificate_make(&files, fixture->directory, &wrong[i], 1, &fixture->fault), -EINVAL);
        assert_non_null(
            strstr(fixture->fault.message, "is no name for a certificate; use one such as"));
    }
    assert_int_equal(stat(fixture->directory, &status), -1); /* nothing was made */
}

static void a_place_that_is_none_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct certificate_files files;

    assert_int_equal(certificate_ensure(&files, "/dev/null/x", &fixture->fault), -ENOTDIR);
    assert_non_null(strstr(fixture->fault.message, "/dev/null"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_for_this_machine_and_the_names_given),
        TEST(the_key_is_for_its_owner_only),
        TEST(it_is_kept_while_it_is_good),
        TEST(it_is_renewed_without_its_key),
        TEST(it_is_renewed_when_spoilt),
        TEST(it_is_renewed_with_another_key),
        TEST(it_is_renewed_a_week_before_its_end),
        TEST(names_that_are_none_are_refused),
        TEST(a_place_that_is_none_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
