/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a certificate is for, and which of them meet a host. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "h2/certificate.h"
#include "support/test.h"

static X509 *make(const char *common_name, const char *alternatives)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                               -1, 0);
    if (alternatives) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternatives);

        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    return certificate;
}

static struct h2_tls_names names_of(const char *common_name, const char *alternatives)
{
    X509 *certificate = make(common_name, alternatives);
    struct h2_tls_names names = h2_tls_names_of(certificate);

    X509_free(certificate);
    assert_int_equal(ERR_peek_error(), 0);
    return names;
}

static void test_match(void **state)
{
    static const struct {
        const char *host;
        enum h2_tls_match match;
    } rows[] = {
        {"push.example.org", H2_TLS_EXACT_MATCH},
        {"PUSH.Example.ORG", H2_TLS_EXACT_MATCH},
        {"push.example.org.", H2_TLS_EXACT_MATCH},
        {"push.example.org:8443", H2_TLS_EXACT_MATCH},
        {"example.org", H2_TLS_NO_MATCH},
        {"xpush.example.org", H2_TLS_NO_MATCH},
        {"push.example.orgx", H2_TLS_NO_MATCH},
        {"a.wild.example", H2_TLS_WILDCARD_MATCH},
        {"A.WILD.example:1", H2_TLS_WILDCARD_MATCH},
        {"xn--mnchen-3ya.wild.example", H2_TLS_WILDCARD_MATCH},
        {"b.a.wild.example", H2_TLS_NO_MATCH},
        {"wild.example", H2_TLS_NO_MATCH},
        {".wild.example", H2_TLS_NO_MATCH},
        {"*.wild.example", H2_TLS_EXACT_MATCH},
        {"a.part.example", H2_TLS_NO_MATCH},
        {"xa.part.example", H2_TLS_NO_MATCH},
        {"xn--bcher-kva.example", H2_TLS_EXACT_MATCH},
        {"XN--BCHER-KVA.example", H2_TLS_EXACT_MATCH},
        {"192.0.2.7", H2_TLS_EXACT_MATCH},
        {"192.0.2.7:443", H2_TLS_EXACT_MATCH},
        {"192.0.2.8", H2_TLS_NO_MATCH},
        {"[2001:db8::7]:443", H2_TLS_EXACT_MATCH},
        {"2001:DB8:0:0:0:0:0:7", H2_TLS_EXACT_MATCH},
        {"[2001:db8::8]", H2_TLS_NO_MATCH},
        {"198.51.100.1", H2_TLS_NO_MATCH}, /* "*.51.100.1" is no wildcard of addresses */
        {"only-common.example", H2_TLS_NO_MATCH},
        {"", H2_TLS_NO_MATCH},
        {":443", H2_TLS_NO_MATCH},
        {"[", H2_TLS_NO_MATCH},
    };
    struct h2_tls_names names =
        names_of("only-common.example",
                 "DNS:push.example.org,DNS:*.wild.example,DNS:x*.part.example,"
                 "DNS:xn--bcher-kva.example,DNS:*.51.100.1,IP:192.0.2.7,IP:2001:db8::7,"
                 "email:push@example.net");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (h2_tls_names_match(&names, rows[i].host) != rows[i].match)
            fail_msg("%s: %d", rows[i].host, h2_tls_names_match(&names, rows[i].host));
    }
    h2_tls_names_release(&names);
}

static void test_common_name(void **state)
{
    struct h2_tls_names names = names_of("old.example", NULL);

    (void)state;
    assert_int_equal(h2_tls_names_match(&names, "old.example"), H2_TLS_EXACT_MATCH);
    h2_tls_names_release(&names);
    names = names_of("old.example", "email:push@example.net");
    assert_int_equal(names.count, 0);
    h2_tls_names_release(&names);
}

static void test_cover(void **state)
{
    struct h2_tls_names many = names_of("x", "DNS:a.example,DNS:*.b.example,IP:192.0.2.1");
    struct h2_tls_names few = names_of("x", "DNS:A.example,DNS:c.b.example");
    struct h2_tls_names wild = names_of("x", "DNS:*.b.example");

    (void)state;
    assert_true(h2_tls_names_meet(&many, &few, H2_TLS_WILDCARD_MATCH));
    assert_true(h2_tls_names_meet(&many, &wild, H2_TLS_WILDCARD_MATCH));
    assert_true(h2_tls_names_meet(&many, &many, H2_TLS_WILDCARD_MATCH));
    assert_false(h2_tls_names_meet(&few, &many, H2_TLS_WILDCARD_MATCH));
    assert_false(h2_tls_names_meet(&few, &wild, H2_TLS_WILDCARD_MATCH));
    assert_true(h2_tls_names_meet(&many, &wild, H2_TLS_EXACT_MATCH));
    assert_false(h2_tls_names_meet(&many, &few, H2_TLS_EXACT_MATCH));
    h2_tls_names_release(&many);
    h2_tls_names_release(&few);
    h2_tls_names_release(&wild);
}

static void test_host(void **state)
{
    char host[H2_TLS_HOST_SIZE];
    char longest[300];

    (void)state;
    assert_true(h2_tls_host_of("Push.Example:443", host));
    assert_string_equal(host, "push.example");
    assert_true(h2_tls_host_of("[2001:DB8::0:1]:443", host));
    assert_string_equal(host, "2001:db8::1");
    assert_true(h2_tls_is_address(host));
    assert_true(h2_tls_host_of("127.0.0.1", host));
    assert_true(h2_tls_is_address(host));
    assert_false(h2_tls_is_address("127.0.0.1.example"));
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(h2_tls_host_of(longest, host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_common_name),
        cmocka_unit_test(test_cover),
        cmocka_unit_test(test_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
