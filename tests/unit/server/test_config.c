/* SPDX-License-Identifier: Apache-2.0 */
/* What wins over what, the environment, and what follows from the settings. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "server/certificate.h"
#include "server/config_keys.h"
#include "server/config_value.h"
#include "support/certificate.h"
#include "unit/server/config_fixture.h"

static void without_anything_it_is_the_demo(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load_variable(&config, "A=b"), 0);
    assert_true(config.demo);
    assert_int_equal(config.listener_count, 1);
    assert_string_equal(config.listeners[0].address, "localhost:8443");
    assert_true(config.listeners[0].tls);
    assert_string_equal(config.listeners[0].files.certificate, "");
    assert_int_equal(config.service_count, 1);
    assert_string_equal(config.services[0].settings.name, "demo");
    assert_string_equal(config.services[0].settings.base_path, "/sse/demo");
    assert_string_equal(config.services[0].api.upload_directory, "/nowhere/demo/uploads");
    assert_int_equal(config.services[0].auth, CONFIG_AUTH_DEVELOPMENT);
    assert_true(strlen(config.services[0].settings.version) > 0);
    config_release(&config);
}

static void the_demo_makes_another_key_at_each_start(void **state)
{
    struct config first, second;

    (void)state;
    assert_int_equal(fixture_load_variable(&first, "A=b"), 0);
    assert_int_equal(fixture_load_variable(&second, "A=b"), 0);
    assert_true(first.api_key_made);
    assert_int_equal(first.api_key_count, 1);
    assert_int_equal(strlen(first.api_keys[0].key), 32);
    assert_string_not_equal(first.api_keys[0].key, second.api_keys[0].key);
    config_release(&first);
    config_release(&second);
}

static void shorthands_move_the_demo(void **state)
{
    char *const environment[] = {(char *)NOWHERE,
                                 (char *)"SSE_SERVER_LISTEN=127.0.0.1:9443, http://[::1]:9080",
                                 (char *)"SSE_SERVER_API_KEY=one,two", NULL};
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(fixture_load_from(&config, NULL, environment, &fault), 0);
    assert_int_equal(config.listener_count, 2);
    assert_string_equal(config.listeners[0].address, "127.0.0.1:9443");
    assert_true(config.listeners[0].tls);
    assert_string_equal(config.listeners[1].address, "[::1]:9080");
    assert_false(config.listeners[1].tls);
    assert_int_equal(config.api_key_count, 2);
    assert_string_equal(config.api_keys[1].key, "two");
    assert_false(config.api_key_made);
    config_release(&config);
}

static void who_moves_a_port_keeps_the_certificate(void **state)
{
    char *const environment[] = {(char *)NOWHERE,
                                 (char *)"SSE_SERVER_LISTEN=127.0.0.1:2,http://127.0.0.1:3", NULL};
    char directory[] = "/tmp/sse-certificate-XXXXXX";
    struct certificate_files files;
    struct config config;
    struct config_fault fault;
    char text[400];

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(certificate_make(&files, directory, NULL, 0, &fault), 0);
    snprintf(text, sizeof(text),
             "services: [{name: a}]\nlisteners: [{address: \"127.0.0.1:1\", certificate: %s, "
             "key: %s, tlsProfile: modern}]\n",
             files.certificate, files.key);
    assert_int_equal(fixture_load_bytes(&config, text, strlen(text), environment), 0);
    assert_string_equal(config.listeners[0].files.certificate, files.certificate);
    assert_string_equal(config.listeners[0].files.key, files.key);
    assert_int_equal(config.listeners[0].tls_profile, H2_TLS_MODERN);
    assert_string_equal(config.listeners[1].files.certificate, "");
    config_release(&config);
    assert_int_equal(unlink(files.certificate), 0);
    assert_int_equal(unlink(files.key), 0);
    assert_int_equal(rmdir(directory), 0);
    certificate_files_release(&files);
}

static void later_sources_win(void **state)
{
    static const char text[] = "workers: 2\nlog: {level: error}\nservices: [{name: a}]\n";
    char *const environment[] = {(char *)NOWHERE, (char *)"SSE_SERVER_WORKERS=3", NULL};
    const struct config_sources sources = {
        .environment = environment, .listen = "127.0.0.1:9", .workers = "4", .log_level = "debug"};
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(fixture_load_bytes(&config, text, strlen(text), environment), 0);
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.log_level, LOG_ERROR_LEVEL);
    config_release(&config);
    assert_int_equal(config_load_from(&config, &sources, &fault), 0);
    assert_int_equal(config.workers, 4);
    assert_int_equal(config.log_level, LOG_DEBUG_LEVEL);
    assert_string_equal(config.listeners[0].address, "127.0.0.1:9");
    config_release(&config);
}

static void a_wrong_flag_is_named(void **state)
{
    const struct config_sources sources = {.environment = fixture_bare, .workers = "many"};
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(config_load_from(&config, &sources, &fault), -EINVAL);
    assert_non_null(strstr(fault.message, "--workers: \"many\" is not a whole number; use "));
}

/* NAME=value for the first item, with what the key allows and another than its default. */
static void assign_another(const struct config_key *key, struct buf *to)
{
    char variable[CONFIG_VARIABLE_SIZE];
    char *number = NULL;

    config_key_variable(key->name, variable);
    number = strchr(variable, '#');
    if (number)
        *number = '0';
    buf_printf(to, "%s=", variable);
    if (config_key_words(key))
        buf_append_str(to,
                       config_key_words(key)[config_key_words(key)[1] &&
                                             strcmp(config_key_words(key)[0], key->fallback) == 0]);
    else if (config_key_is_text(key))
        buf_append_str(to, "another");
    else
        buf_printf(to, "%llu", (unsigned long long)key->low + 5);
}

static bool is_bound_to_others(const char *name)
{
    /* Limits below which another setting would be too large, and what must name a thing. */
    static const char *const names[] = {
        "listeners[].address",
        "listeners[].certificate",
        "listeners[].key",
        "listeners[].ocspFile",
        "listeners[].certificates[].certificate",
        "listeners[].certificates[].key",
        "listeners[].certificates[].ocspFile",
        "tls.ticketKeyFile",
        "listeners[].socketMode",
        "listeners[].socketGroup",
        "services[].basePath",
        "services[].queueBytes",
        "services[].qos.ttlMost",
        "limits.headerListBytes",
        "limits.sessionWindow",
        "limits.outputHardBytes",
        "limits.pingInterval",
        "limits.sessionBodyBytes",
        "apiKeys[].hash",
        "apiKeys[].name",
        "apiKeys[].permissions",
        "apiKeys[].services",
        "apiKeys[].tenants",
        "services[].origins",
        "services[].envelopeOk",
        "services[].envelopeError",
        "trustedProxies",
        "services[].auth",
        "outbound.caFile",
        "listeners[].proxyFrom",
        "listeners[].strictTransportSecurity",
        "services[].handlers.messageUrl",
        "services[].handlers.uploadUrl",
        "services[].handlers.uploadStreams",
        "services[].notifications.url",
        "services[].notifications.events",
        "services[].authWebhook.url",
    };
    static const char keys[] = "tokenKeys[].";
    static const char handlers[] = "services[].handlers.u";

    if (strncmp(name, keys, sizeof(keys) - 1) == 0)
        return true; /* an item is a whole key */
    if (strncmp(name, handlers, sizeof(handlers) - 1) == 0)
        return true; /* addresses, and what needs one */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void every_key_is_a_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct buf variable = BUF_INIT, value = BUF_INIT;
        struct config config;

        /* The file of a secret has to be there: test_config_secrets.c. */
        if (!key->fallback || key->is_file || is_bound_to_others(key->name))
            continue;
        assign_another(key, &variable);
        if (fixture_load_variable(&config, buf_str(&variable)) != 0)
            fail_msg("%s: %s", buf_str(&variable), fixture_fault);
        config_value_print(key, key->list ? (char *)&config + key->list->items : (char *)&config,
                           &value);
        if (key->type == CONFIG_TEXT)
            assert_string_equal(buf_str(&value), "\"another\"");
        else if (key->type == CONFIG_TEXTS)
            assert_string_equal(buf_str(&value), "[\"another\"]");
        else if (!config_key_words(key) || config_key_words(key)[1])
            assert_string_not_equal(buf_str(&value), key->fallback);
        config_release(&config);
        buf_release(&variable);
        buf_release(&value);
    }
}

static void variables_have_these_names(void **state)
{
    static const char *const cases[][2] = {
        {"limits.handshakeTimeout", "SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT"},
        {"listeners[].address", "SSE_SERVER_LISTENERS_#_ADDRESS"},
        {"listeners[].certificates[].key", "SSE_SERVER_LISTENERS_#_CERTIFICATES_#_KEY"},
        {"services[].queueBytes", "SSE_SERVER_SERVICES_#_QUEUE_BYTES"},
        {"apiKeys[]", "SSE_SERVER_API_KEYS_#"},
        {"limits.pings.perSecond", "SSE_SERVER_LIMITS_PINGS_PER_SECOND"},
    };
    char variable[CONFIG_VARIABLE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_key_variable(cases[i][0], variable);
        assert_string_equal(variable, cases[i][1]);
    }
}

static void items_are_added_in_any_order(void **state)
{
    char *const environment[] = {(char *)NOWHERE, (char *)"SSE_SERVER_SERVICES_2_NAME=c",
                                 (char *)"SSE_SERVER_SERVICES_1_QUEUE_BYTES=2MiB",
                                 (char *)"SSE_SERVER_SERVICES_1_NAME=b", NULL};
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(fixture_load_from(&config, NULL, environment, &fault), 0);
    assert_int_equal(config.service_count, 3);
    assert_string_equal(config.services[0].settings.name, "demo");
    assert_string_equal(config.services[1].settings.name, "b");
    assert_int_equal(config.services[1].settings.queue_bytes, 2 << 20);
    assert_string_equal(config.services[2].settings.base_path, "/sse/c");
    config_release(&config);
}

struct pair {
    char certificate[48], key[48];
};

static void write_pairs(struct pair *pairs, size_t count)
{
    char directory[] = "/tmp/test-config-XXXXXX";

    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < count; i++) {
        snprintf(pairs[i].certificate, sizeof(pairs[i].certificate), "%s/c%zu", directory, i);
        snprintf(pairs[i].key, sizeof(pairs[i].key), "%s/k%zu", directory, i);
        write_certificate(pairs[i].certificate, pairs[i].key);
    }
}

static void remove_pairs(struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unlink(pairs[i].certificate);
        unlink(pairs[i].key);
    }
    *strrchr(pairs[0].key, '/') = '\0';
    rmdir(pairs[0].key);
}

static void lists_lie_in_items(void **state)
{
    struct buf text = BUF_INIT, variables[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
    struct pair pairs[4];
    struct config config;

    (void)state;
    write_pairs(pairs, 4);
    buf_printf(&text,
               "listeners:\n- {address: \"127.0.0.1:1\", certificate: %s, key: %s}\n"
               "- address: \"127.0.0.1:2\"\n  certificates:\n  - {certificate: %s, key: %s}\n"
               "  - {certificate: %s, key: %s}\n  role: public\n"
               "- {address: \"127.0.0.1:3\"}\nservices: [{name: a}, {name: b}]\n",
               pairs[0].certificate, pairs[0].key, pairs[1].certificate, pairs[1].key,
               pairs[2].certificate, pairs[2].key);
    buf_printf(&variables[0], "SSE_SERVER_LISTENERS_1_CERTIFICATES_2_KEY=%s", pairs[3].key);
    buf_printf(&variables[1], "SSE_SERVER_LISTENERS_1_CERTIFICATES_2_CERTIFICATE=%s",
               pairs[3].certificate);
    char *const environment[] = {(char *)NOWHERE, variables[0].data, variables[1].data, NULL};
    assert_int_equal(fixture_load_bytes(&config, text.data, text.length, environment), 0);
    assert_int_equal(config.listener_count, 3);
    assert_int_equal(config.listeners[0].certificate_count, 0);
    assert_int_equal(config.listeners[1].certificate_count, 3);
    assert_int_equal(config.listeners[2].certificate_count, 0);
    assert_int_equal(config.listeners[1].certificates[1].line, 6);
    assert_string_equal(config.listeners[1].certificates[0].files.certificate,
                        pairs[1].certificate);
    assert_string_equal(config.listeners[1].certificates[1].files.key, pairs[2].key);
    assert_string_equal(config.listeners[1].certificates[2].files.key, pairs[3].key);
    assert_string_equal(config.listeners[1].certificates[2].files.ocsp, "");
    assert_int_equal(config.listeners[1].role, API_ROLE_PUBLIC); /* of the item around it again */
    assert_string_equal(config.listeners[2].address, "127.0.0.1:3");
    assert_string_equal(config.services[1].settings.name, "b");
    config_release(&config);
    /* Who moves the port keeps all of them. */
    buf_append_str(&variables[2], "SSE_SERVER_LISTEN=127.0.0.1:9,https://127.0.0.1:8");
    buf_clear(&text);
    buf_printf(&text,
               "listeners:\n- certificates:\n  - {certificate: %s, key: %s}\n"
               "services: [{name: a}]\n",
               pairs[1].certificate, pairs[1].key);
    char *const moved[] = {(char *)NOWHERE, variables[2].data, NULL};
    assert_int_equal(fixture_load_bytes(&config, text.data, text.length, moved), 0);
    assert_int_equal(config.listener_count, 2);
    assert_string_equal(config.listeners[1].certificates[0].files.key, pairs[1].key);
    config_release(&config);
    remove_pairs(pairs, 4);
    for (size_t i = 0; i < 3; i++)
        buf_release(&variables[i]);
    buf_release(&text);
}

static void pages_acknowledge_where_no_write_does(void **state)
{
    char *const environment[] = {(char *)NOWHERE, (char *)"SSE_SERVER_SERVICES_1_NAME=b",
                                 (char *)"SSE_SERVER_SERVICES_1_QOS_ACKNOWLEDGEMENT=write", NULL};
    struct config config;
    struct config_fault fault;

    (void)state;
    assert_int_equal(fixture_load_from(&config, NULL, environment, &fault), 0);
    assert_true(config.services[0].settings.asks_acknowledgement);
    assert_false(config.services[1].settings.asks_acknowledgement);
    config_release(&config);
}

static void wrong_variables_are_named(void **state)
{
    static const char *const cases[][2] = {
        {"SSE_SERVER_WORKER=1", "SSE_SERVER_WORKER: there is no such setting; the nearest is "
                                "SSE_SERVER_WORKERS (all of them: sse-server default-config)"},
        {"SSE_SERVER_APIKEY=1", "SSE_SERVER_APIKEY: there is no such setting; the nearest is "
                                "SSE_SERVER_API_KEY (all of them: sse-server default-config)"},
        {"SSE_SERVER_SERVICES_0_QUEUE=1",
         "SSE_SERVER_SERVICES_0_QUEUE: there is no such setting; the nearest is "
         "SSE_SERVER_SERVICES_0_NAME (all of them: sse-server default-config)"},
        {"SSE_SERVER_SERVICES_0_QUEUE_BYTES=lots",
         "SSE_SERVER_SERVICES_0_QUEUE_BYTES: \"lots\" is not a size; use a number of bytes such as "
         "1048576 or 1MiB (allowed: 4KiB to 1GiB)"},
        {"SSE_SERVER_SERVICES_2_NAME=x",
         "SSE_SERVER_SERVICES_2_NAME: there are 1 of them, so that the next has the number 1"},
        {"SSE_SERVER_SERVICES_64_NAME=x",
         "SSE_SERVER_SERVICES_64_NAME: the number must be below 64"},
        {"SSE_SERVER_SERVICES_99999999999999999999_NAME=x",
         "SSE_SERVER_SERVICES_99999999999999999999_NAME: the number must be below 64"},
        {"SSE_SERVER_LISTENERS_0_CERTIFICATES_1_KEY=/k",
         "SSE_SERVER_LISTENERS_0_CERTIFICATES_1_KEY: there are 0 of them, so that the next has the "
         "number 0"},
        {"SSE_SERVER_LISTENERS_1_CERTIFICATES_0_KEY=/k",
         "SSE_SERVER_LISTENERS_1_CERTIFICATES_0_KEY: there are 1 of them, so that the next has the "
         "number 1"},
        {"SSE_SERVER_LISTENERS_0_CERTIFICATES_0_KEYS=/k",
         "SSE_SERVER_LISTENERS_0_CERTIFICATES_0_KEYS: there is no such setting; the nearest is "
         "SSE_SERVER_LISTENERS_0_CERTIFICATES_0_KEY (all of them: sse-server default-config)"},
        {"SSE_SERVER_LISTEN=a:1,,b:2",
         "SSE_SERVER_LISTEN: is empty; write a text of 1 to 255 bytes"},
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_not_equal(fixture_load_variable(&config, cases[i][0]), 0);
        assert_string_equal(fixture_fault, cases[i][1]);
    }
}

static void what_kubernetes_sets_is_no_fault(void **state)
{
    static const char *const theirs[] = {
        "SSE_SERVER_SERVICE_HOST=10.0.0.1",
        "SSE_SERVER_SERVICE_PORT=8443",
        "SSE_SERVER_SERVICE_PORT_HTTPS=8443",
        "SSE_SERVER_PORT=tcp://10.0.0.1:8443",
        "SSE_SERVER_PORT_8443_TCP_ADDR=10.0.0.1",
        "SSE_SERVERS=1",
        "SSE_SERVER_PORT_8443_TCP=tcp://10.0.0.1:1",
        "SSE_SERVER=1",
        /* Of services beside ours whose names begin as ours does. */
        "SSE_SERVER_ADMIN_SERVICE_HOST=10.0.0.1",
        "SSE_SERVER_ADMIN_SERVICE_HOST=fd00::1",
        "SSE_SERVER_ADMIN_SERVICE_PORT=9443",
        "SSE_SERVER_ADMIN_SERVICE_PORT_HTTPS=9443",
        "SSE_SERVER_ADMIN_PORT=tcp://10.0.0.1:9443",
        "SSE_SERVER_ADMIN_PORT=sctp://10.0.0.1:9443",
        "SSE_SERVER_ADMIN_PORT_9443_TCP=tcp://10.0.0.1:9443",
        "SSE_SERVER_ADMIN_PORT_9443_TCP_PROTO=tcp",
        "SSE_SERVER_ADMIN_PORT_9443_TCP_PORT=9443",
        "SSE_SERVER_ADMIN_PORT_9443_TCP_ADDR=10.0.0.1",
        "SSE_SERVER_2_SERVICE_HOST=10.0.0.1",
        "SSE_SERVER_LIMITS_SERVICE_PORT=80",
        "SSE_SERVER_LISTEN_SERVICE_HOST=10.0.0.1",
        "SSE_SERVER_ADMIN_NAME=/web/admin",
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        assert_int_equal(fixture_load_variable(&config, theirs[i]), 0);
        config_release(&config);
    }
    /* But somebody who means it must hear that it does nothing. */
    assert_int_equal(fixture_load_variable(&config, "SSE_SERVER_PORT=9443"), -EINVAL);
    assert_int_equal(fixture_load_variable(&config, "SSE_SERVER_ADMIN_PORT=9443"), -EINVAL);
    assert_int_equal(fixture_load_variable(&config, "SSE_SERVER_SERVICE_HOST=localhost"), -EINVAL);
    assert_int_equal(fixture_load_variable(&config, "SSE_SERVER_SERVICES_0_NAMES=/a"), -EINVAL);
    assert_int_equal(fixture_load_variable(&config, "SSE_SERVER_LIMITS_PORT_TCP=1"), -EINVAL);
}

static void too_many_of_a_shorthand_are_refused(void **state)
{
    struct buf variable = BUF_INIT;
    struct config config;

    (void)state;
    buf_append_str(&variable, "SSE_SERVER_API_KEY=k");
    for (unsigned i = 0; i < CONFIG_MAX_KEYS; i++)
        buf_append_str(&variable, ",k");
    assert_int_equal(fixture_load_variable(&config, buf_str(&variable)), -E2BIG);
    assert_string_equal(fixture_fault, "SSE_SERVER_API_KEY: more than 64; at most 64 are allowed");
    buf_release(&variable);
}

static void the_state_directory_is_found(void **state)
{
    static const struct {
        char *environment[4];
        const char *directory;
    } cases[] = {
        {{(char *)"STATE_DIRECTORY=/var/lib/a:/var/lib/b", (char *)"HOME=/h"}, "/var/lib/a"},
        {{(char *)"XDG_STATE_HOME=/x", (char *)"HOME=/h"}, "/x/sse-server"},
        {{(char *)"XDG_STATE_HOME=", (char *)"HOME=/h"}, "/h/.local/state/sse-server"},
        {{(char *)"SSE_SERVER_STATE_DIRECTORY=/own", (char *)"HOME=/h"}, "/own"},
    };
    char *const nothing[] = {NULL};
    struct config config;
    struct config_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fixture_load_from(&config, NULL, cases[i].environment, &fault), 0);
        assert_string_equal(config.state_directory, cases[i].directory);
        config_release(&config);
    }
    assert_int_equal(fixture_load_from(&config, NULL, nothing, &fault), -EINVAL);
    assert_memory_equal(fault.message, "stateDirectory: ", 16);
}

static void what_has_the_credential_is_a_secret(void **state)
{
    static const char text[] =
        "services: [{name: a, auth: jwt, secretNames: [ticket], jwt: {parameter: t}}, {name: b},\n"
        "           {name: c, auth: webhook, secretNames: [ticket], authWebhook: {\n"
        "            url: 'http://localhost/', parameters: [t, v], headers: [x-badge]}}]\n"
        "tokenKeys: [{algorithm: HS256, secret: \"0123456789abcdef0123456789abcdef\"}]\n";
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, text), 0);
    assert_true(words_have(config.services[0].api.secret_names, "ticket"));
    assert_true(words_have(config.services[0].api.secret_names, "t"));
    assert_string_equal(config.services[1].api.secret_names, "");
    for (size_t i = 0; i < 4; i++)
        assert_true(words_have(config.services[2].api.secret_names,
                               (const char *[]){"ticket", "t", "v", "x-badge"}[i]));
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_it_is_the_demo),
        cmocka_unit_test(the_demo_makes_another_key_at_each_start),
        cmocka_unit_test(shorthands_move_the_demo),
        cmocka_unit_test(who_moves_a_port_keeps_the_certificate),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(a_wrong_flag_is_named),
        cmocka_unit_test(every_key_is_a_variable),
        cmocka_unit_test(variables_have_these_names),
        cmocka_unit_test(items_are_added_in_any_order),
        cmocka_unit_test(lists_lie_in_items),
        cmocka_unit_test(pages_acknowledge_where_no_write_does),
        cmocka_unit_test(wrong_variables_are_named),
        cmocka_unit_test(what_kubernetes_sets_is_no_fault),
        cmocka_unit_test(too_many_of_a_shorthand_are_refused),
        cmocka_unit_test(the_state_directory_is_found),
        cmocka_unit_test(what_has_the_credential_is_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
