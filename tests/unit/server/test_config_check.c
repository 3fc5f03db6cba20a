/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between settings. */
#include "unit/server/config_fixture.h"

static void settings_that_contradict_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"workers: 1\n", "conf.yaml: services: there is none; give at least one, such as "
                         "\"services: [{name: hr}]\""},
        {"services: [{name: a}]\nlisteners: []\n",
         "conf.yaml: listeners: there is none; give at least one, such as \"listeners: [{address: "
         "localhost:8443}]\""},
        {"services:\n  - queueBytes: 1MiB\n",
         "conf.yaml:2: services[0].name: is missing; give one of a-z, 0-9, _ and -"},
        {"services: [{name: Hr}]\n",
         "conf.yaml:1: services[0].name: \"Hr\" is no name; use a-z, 0-9, _ and - only"},
        {"services:\n  - name: a\n  - name: a\n    basePath: /b\n",
         "conf.yaml:3: services[1].name: \"a\" is that of services[0] too; rename one"},
        {"services:\n  - {name: a, basePath: /s}\n  - {name: b, basePath: /s}\n",
         "conf.yaml:3: services[1].basePath: \"/s\" and \"/s\" of services[0] overlap; neither may "
         "lie below the other"},
        {"services:\n  - {name: a, basePath: /s/b}\n  - {name: b, basePath: /s}\n",
         "conf.yaml:3: services[1].basePath: \"/s\" and \"/s/b\" of services[0] overlap; neither "
         "may lie below the other"},
        {"services: [{name: a, basePath: /health/x}]\n",
         "conf.yaml:1: services[0].basePath: \"/health/x\" is where the server has its own "
         "/health; "
         "use another, such as /sse/hr"},
        {"services: [{name: a, basePath: /console/a}]\n",
         "conf.yaml:1: services[0].basePath: \"/console/a\" is where the server has its own "
         "/console; use another, such as /sse/hr"},
        {"services: [{name: a, basePath: /metrics}]\n",
         "conf.yaml:1: services[0].basePath: \"/metrics\" is where the server has its own "
         "/metrics; "
         "use another, such as /sse/hr"},
        {"services: [{name: a, origins: [\"https://b.test\", \"*\"]}]\n",
         "conf.yaml:1: services[0].origins: \"*\" is no origin; use one such as "
         "https://app.example.com, https://app.example.com:8443 or https://*.example.com, without "
         "a path"},
        {"services: [{name: a, corsHeaders: [X-Own, \"*\", \"x own\"]}]\n",
         "conf.yaml:1: services[0].corsHeaders: \"x own\" is no name of a header field; use one "
         "such "
         "as x-session, or * for any"},
        {"services: [{name: a, notifications: {url: \"ftp://b.test\"}}]\n",
         "conf.yaml:1: services[0].notifications.url: \"ftp://b.test\" is no address; write one "
         "such as https://back.example/hook"},
        {"services: [{name: a, notifications: {events: [connect, nap]}}]\n",
         "conf.yaml:1: services[0].notifications.events: \"nap\" is no presence event; there are "
         "connect, disconnect, listening, user-online, user-offline, receipt"},
        {"services: [{name: a, qos: {ttl: 2h, ttlMost: 1h}}]\n",
         "conf.yaml:1: services[0].qos.ttl: 7200s is more than qos.ttlMost (3600s); lower it, or "
         "raise that"},
        {"services:\n  - {name: a, qos: {file: /f}}\n  - {name: b, qos: {file: /f}}\n",
         "conf.yaml:3: services[1].qos.file: \"/f\" is that of services[0] too; each service has "
         "its own"},
        {"services: [{name: a, queueBytes: 32KiB}]\n",
         "conf.yaml:1: services[0].queueBytes: 32768 is less than eventDataBytes (65536): the "
         "largest event would never fit; make it larger"},
        {"services: [{name: a}]\nlisteners:\n  - address: nowhere\n",
         "conf.yaml:3: listeners[0].address: \"nowhere\" is no address; use one such as "
         "127.0.0.1:8443, [::1]:8443, *:8443, localhost:8443 or unix:/run/sse.sock"},
        {"services: [{name: a}]\nlisteners:\n  - address: \"*:443\"\n",
         "conf.yaml:3: listeners[0].address: \"*:443\" can be reached from other machines, and "
         "auth "
         "development believes anyone; listen on localhost, or set allowDevelopmentRemote: true"},
        {"services: [{name: a}]\nlisteners: [{address: \"127.0.0.1:1\"}, {address: "
         "\"127.0.0.1:1\"}]\n",
         "conf.yaml:2: listeners[1].address: \"127.0.0.1:1\" is that of listeners[0] too; keep "
         "one"},
        {"services: [{name: a}]\nlisteners: [{certificate: /dev/null}]\n",
         "conf.yaml:2: listeners[0].key: is missing; a certificate needs its private key"},
        {"services: [{name: a}]\nlisteners: [{key: /dev/null}]\n",
         "conf.yaml:2: listeners[0].certificate: is missing; a private key needs its certificate"},
        {"services: [{name: a}]\nlisteners: [{key: /k, certificate: /c}]\n",
         "conf.yaml:2: listeners[0].certificate: \"/c\": No such file or directory; give a PEM "
         "file that this user may read"},
        {"services: [{name: a}]\nlisteners: [{key: /k, certificate: /c, tls: false}]\n",
         "conf.yaml:2: listeners[0].certificate: has no use without TLS; leave it out, or set tls: "
         "true"},
        {"services: [{name: a}]\nlisteners: [{strictTransportSecurity: \"max-age=x\"}]\n",
         "conf.yaml:2: listeners[0].strictTransportSecurity: \"max-age=x\" is none; write max-age= "
         "and seconds, and behind it \"; includeSubDomains\" and \"; preload\" if that is meant"},
        {"services: [{name: a}]\nlisteners: [{proxyFrom: \"::1\"}]\n",
         "conf.yaml:2: listeners[0].proxyFrom: has no use without proxyProtocol; leave it out, or "
         "set proxyProtocol: true"},
        {"services: [{name: a}]\nlisteners: [{proxyProtocol: true, proxyFrom: [unix, x]}]\n",
         "conf.yaml:2: listeners[0].proxyFrom: \"x\" is no IP network; use one such as 127.0.0.1, "
         "10.0.0.0/8, ::1 or fd00::/8"},
        {"services:\n- name: a\n  handlers: {messageUrl: back.example}\n",
         "conf.yaml:2: services[0].handlers.messageUrl: \"back.example\" is no address; write one "
         "such "
         "as https://back.example/hook"},
        {"services:\n- name: a\n  handlers: {uploadUrl: \"https:///hook\"}\n",
         "conf.yaml:2: services[0].handlers.uploadUrl: \"https:///hook\" is no address; write one "
         "such "
         "as https://back.example/hook"},
        {"services:\n- name: a\n  handlers: {uploadStreams: true}\n",
         "conf.yaml:2: services[0].handlers.uploadStreams: has no use without handlers.uploadUrl; "
         "give one"},
        {"services: [{name: a}]\napiKeys: [good, \"two words\"]\n",
         "conf.yaml:2: apiKeys[1]: is empty or holds white space; write a text without, or a hash: "
         "sse-server make-key prints both"},
        {"services: [{name: a}]\nallowDevelopmentRemote: true\nlisteners:\n"
         "  - {address: \"*:443\", tls: false, role: admin}\n",
         "conf.yaml:4: listeners[0].tls: false would send API keys in clear text over the network "
         "to \"*:443\"; set tls: true, or listen on localhost or a unix socket"},
        {"services: [{name: a}]\nlimits: {outputSoftBytes: 1MiB}\n",
         "conf.yaml: limits.outputSoftBytes: 1048576 is more than limits.outputHardBytes (524288); "
         "lower it, or raise that"},
        {"services: [{name: a}]\nlimits: {pingInterval: 5s}\n",
         "conf.yaml: limits.pingAckTimeout: 10000 is more than limits.pingInterval (5000); lower "
         "it, or raise that"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fixture_expect_fault(cases[i][0], cases[i][1]);
}

static void certificates_that_are_not_whole_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"services: [{name: a}]\nlisteners:\n- tls: false\n  certificates: [{key: /k, certificate: "
         "/c}]\n",
         "conf.yaml:3: listeners[0].certificates: has no use without TLS; leave it out, or set "
         "tls: "
         "true"},
        {"services: [{name: a}]\nlisteners: [{ocspFile: /o}]\n",
         "conf.yaml:2: listeners[0].ocspFile: has no use without a certificate; name that as well"},
        {"services: [{name: a}]\nlisteners:\n- certificates:\n  - certificate: /c\n",
         "conf.yaml:4: listeners[0].certificates[0].key: is missing; a certificate needs its "
         "private key"},
        {"services: [{name: a}]\nlisteners:\n- certificates:\n  - key: /k\n",
         "conf.yaml:4: listeners[0].certificates[0].certificate: is missing; a private key needs "
         "its certificate"},
        {"services: [{name: a}]\nlisteners:\n- certificates:\n  - {certificate: /c, key: /k}\n",
         "conf.yaml:4: listeners[0].certificates[0].certificate: \"/c\": No such file or "
         "directory; give a PEM file that this user may read"},
        {"services: [{name: a}]\nlisteners: [{certificates: [{ocsp: /c}]}]\n",
         "conf.yaml:2: listeners[0].certificates[0].ocsp: there is no such key; the nearest is "
         "listeners[].ocspFile (all of them: sse-server default-config)"},
        {"services: [{name: a}]\ntls: {ticketKeyFile: /dev/null}\n",
         "conf.yaml: tls.ticketKeyFile: \"/dev/null\" has 0 octets; a key has 80, or 48, and at "
         "most 16 stand behind each other (openssl rand 80)"},
        {"services: [{name: a}]\ntls: {ticketKeyFile: /nowhere}\n",
         "conf.yaml: tls.ticketKeyFile: \"/nowhere\" cannot be read: No such file or directory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fixture_expect_fault(cases[i][0], cases[i][1]);
}

static void base_paths_are_plain(void **state)
{
    static const char *const wrong[] = {"sse",   "/",    "/sse/", "//sse", "/a//b", "/a/../b",
                                        "/a/..", "/a/.", "/a?b",  "/a b",  "/a%2f", "/ä",
                                        "/.",    "/./a", "/a#b",  "/a\\b", "/a;b",  "/{path}"};
    static const char *const right[] = {"/a",   "/sse/hr",  "/a.b/c~d/_e-f",
                                        "/...", "/healthy", "/metrics2/x"};
    struct config config;
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text), "services: [{name: a, basePath: '%s'}]\n", wrong[i]);
        assert_int_equal(fixture_load(&config, text), -EINVAL);
        assert_non_null(strstr(fixture_fault, "is no base path; "));
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        snprintf(text, sizeof(text), "services: [{name: a, basePath: '%s'}]\n", right[i]);
        assert_int_equal(fixture_load(&config, text), 0);
        config_release(&config);
    }
}

static void neighbours_are_no_overlap(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "services: [{name: hr}, {name: hr2}, {name: h}]\n"), 0);
    config_release(&config);
}

static void the_demo_page_keeps_its_place(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "services: [{name: a, basePath: /demo}]\n"), 0);
    config_release(&config);
    assert_int_equal(fixture_load(&config, "demo: true\nservices: [{name: a, basePath: /demo}]\n"),
                     -EINVAL);
    assert_non_null(strstr(fixture_fault, "where the server has its own /demo"));
}

static void any_port_may_be_asked_for_twice(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "services: [{name: a}]\nlisteners: [{address: "
                                           "\"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]\n"),
                     0);
    config_release(&config);
}

static void strangers_are_let_in_when_told(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, "services: [{name: a}]\nallowDevelopmentRemote: true\n"
                                           "listeners: [{address: \"*:8443\"}]\n"),
                     0);
    config_release(&config);
}

static void local_addresses_need_no_word(void **state)
{
    static const char *const local[] = {"127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/run/s"};
    struct config config;
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        snprintf(text, sizeof(text), "services: [{name: a}]\nlisteners: [{address: \"%s\"}]\n",
                 local[i]);
        assert_int_equal(fixture_load(&config, text), 0);
        config_release(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_contradict_are_refused),
        cmocka_unit_test(certificates_that_are_not_whole_are_refused),
        cmocka_unit_test(base_paths_are_plain),
        cmocka_unit_test(neighbours_are_no_overlap),
        cmocka_unit_test(the_demo_page_keeps_its_place),
        cmocka_unit_test(any_port_may_be_asked_for_twice),
        cmocka_unit_test(strangers_are_let_in_when_told),
        cmocka_unit_test(local_addresses_need_no_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
