/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that contradict each other are refused, and what only lowers a default is not. */
#include "server/config_parts.h"
#include "unit/server/config_fixture.h"

#define PROCESS "services: [{name: a}]\n"
#define SERVICE "services: [{name: a, "

static const char *const contradictions[][2] = {
    {PROCESS "limits: {headerFieldBytes: 32KiB}\n",
     "conf.yaml: limits.headerFieldBytes: 32768 is more than limits.headerListBytes (16384); lower "
     "it, or raise that"},
    {PROCESS "limits: {pathBytes: 17KiB}\n",
     "conf.yaml: limits.pathBytes: 17408 is more than limits.headerListBytes (16384); lower it, or "
     "raise that"},
    {PROCESS "limits: {sessionWindow: 4MiB, inboundBytes: 3MiB}\n",
     "conf.yaml: limits.sessionWindow: 4194304 is more than limits.inboundBytes (3145728); lower "
     "it, or raise that"},
    {PROCESS "limits: {sessionBodyBytes: 128MiB, inboundBytes: 64MiB}\n",
     "conf.yaml: limits.sessionBodyBytes: 134217728 is more than limits.inboundBytes (67108864); "
     "lower it, or raise that"},
    {PROCESS "limits: {unsentBytes: 1MiB, sendBufferBytes: 512KiB}\n",
     "conf.yaml: limits.unsentBytes: 1048576 is more than limits.sendBufferBytes (524288); lower "
     "it, or raise that"},
    {PROCESS "limits: {outboundAcks: 1001, outboundFrames: 1000}\n",
     "conf.yaml: limits.outboundAcks: 1001 is more than limits.outboundFrames (1000); lower it, or "
     "raise that"},
    {PROCESS "limits: {handshakesPerAddress: 513, handshakes: 512}\n",
     "conf.yaml: limits.handshakesPerAddress: 513 is more than limits.handshakes (512); lower it, "
     "or raise that"},
    {PROCESS "outbound: {hostConnections: 5, inFlight: 4}\n",
     "conf.yaml: outbound.hostConnections: 5 is more than outbound.inFlight (4); lower it, or "
     "raise that"},
    {SERVICE "sessionConnections: 100}]\nlimits: {concurrentStreams: 100}\n",
     "conf.yaml:1: services[0].sessionConnections: 100 must be less than limits.concurrentStreams "
     "(100); lower it, or raise that"},
    {SERVICE "orderedCalls: 101}]\nlimits: {concurrentStreams: 100}\n",
     "conf.yaml:1: services[0].orderedCalls: 101 is more than limits.concurrentStreams (100); "
     "lower it, or raise that"},
    {SERVICE "eventDataBytes: 128KiB, history: {bytes: 64KiB}}]\n",
     "conf.yaml:1: services[0].eventDataBytes: 131072 is more than history.bytes (65536); lower "
     "it, or raise that"},
    {SERVICE "eventDataBytes: 128KiB, qos: {bytes: 64KiB}}]\n",
     "conf.yaml:1: services[0].eventDataBytes: 131072 is more than qos.bytes (65536); lower it, or "
     "raise that"},
    {SERVICE "eventDataBytes: 128KiB, qos: {waitingBytes: 64KiB}}]\n",
     "conf.yaml:1: services[0].eventDataBytes: 131072 is more than qos.waitingBytes (65536); lower "
     "it, or raise that"},
    {SERVICE "idempotencyUserBytes: 2MiB, handlers: {answerBytes: 4MiB}}]\n",
     "conf.yaml:1: services[0].handlers.answerBytes: 4194304 is more than idempotencyUserBytes "
     "(2097152); lower it, or raise that"},
    {SERVICE "idempotencyUserBytes: 32MiB, idempotencyBytes: 16MiB}]\n",
     "conf.yaml:1: services[0].idempotencyUserBytes: 33554432 is more than idempotencyBytes "
     "(16777216); lower it, or raise that"},
    {SERVICE "idempotencyUserKeys: 3, idempotencyKeys: 2}]\n",
     "conf.yaml:1: services[0].idempotencyUserKeys: 3 is more than idempotencyKeys (2); lower it, "
     "or raise that"},
    {SERVICE "clientConnections: 5, limits: {userConnections: 4}}]\n",
     "conf.yaml:1: services[0].clientConnections: 5 is more than limits.userConnections (4); lower "
     "it, or raise that"},
    {SERVICE "qos: {queue: 5, messages: 4, window: 1}}]\n",
     "conf.yaml:1: services[0].qos.queue: 5 is more than qos.messages (4); lower it, or raise "
     "that"},
    {SERVICE "qos: {queue: 4, window: 5}}]\n",
     "conf.yaml:1: services[0].qos.window: 5 is more than qos.queue (4); lower it, or raise that"},
    {SERVICE "uploadBytes: 1GiB, limits: {userUploadBytes: 256MiB}}]\n",
     "conf.yaml:1: services[0].uploadBytes: 1073741824 is more than limits.userUploadBytes "
     "(268435456); lower it, or raise that"},
    {SERVICE "uploadBytes: 2MiB, limits: {uploadBytes: 1MiB}}]\n",
     "conf.yaml:1: services[0].uploadBytes: 2097152 is more than limits.uploadBytes (1048576); "
     "lower it, or raise that"},
    {SERVICE "uploadParts: 129, limits: {userOpenFiles: 128}}]\n",
     "conf.yaml:1: services[0].uploadParts: 129 is more than limits.userOpenFiles (128); lower it, "
     "or raise that"},
    {SERVICE "uploadParts: 5, limits: {userUploadFiles: 4}}]\n",
     "conf.yaml:1: services[0].uploadParts: 5 is more than limits.userUploadFiles (4); lower it, "
     "or "
     "raise that"},
    {SERVICE "limits: {userOpenFiles: 1001, userUploadFiles: 1000}}]\n",
     "conf.yaml:1: services[0].limits.userOpenFiles: 1001 is more than limits.userUploadFiles "
     "(1000); lower it, or raise that"},
    {SERVICE "limits: {userUploadBytes: 2MiB, uploadBytes: 1MiB}}]\n",
     "conf.yaml:1: services[0].limits.userUploadBytes: 2097152 is more than limits.uploadBytes "
     "(1048576); lower it, or raise that"},
    {SERVICE "limits: {userUploadFiles: 100001, uploadFiles: 100000}}]\n",
     "conf.yaml:1: services[0].limits.userUploadFiles: 100001 is more than limits.uploadFiles "
     "(100000); lower it, or raise that"},
    /* Also where only one of the two was said. */
    {SERVICE "compat: java, history: {bytes: 64KiB}}]\n",
     "conf.yaml:1: services[0].eventDataBytes: 1048576, which compat: java sets, is more than "
     "history.bytes (65536); lower it, or raise that"},
    {SERVICE "compat: java, queueBytes: 512KiB}]\n",
     "conf.yaml:1: services[0].queueBytes: 524288 is less than eventDataBytes (1048576, which "
     "compat: java sets): the largest event would never fit; make it larger"},
    {SERVICE "compat: java}]\nlimits: {headerListBytes: 8KiB}\n",
     "conf.yaml: limits.pathBytes: 16384, which compat: java sets, is more than "
     "limits.headerListBytes (8192); lower it, or raise that"},
    {SERVICE "compat: java}]\nlimits: {concurrentStreams: 50}\n",
     "conf.yaml:1: services[0].sessionConnections: 90, which compat: java sets, must be less than "
     "limits.concurrentStreams (50); lower it, or raise that"},
    {SERVICE "compat: java}]\nlimits: {sessionBodyBytes: 2MiB}\n",
     "conf.yaml:1: services[0].jsonBodyBytes: 4194304, which compat: java sets, is more than "
     "limits.sessionBodyBytes (2097152); lower it, or raise that"},
};

static void contradictions_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++)
        fixture_expect_fault(contradictions[i][0], contradictions[i][1]);
}

static const char *const doubtful[][2] = {
    {SERVICE "limits: {userConnections: 5, connections: 4}}]\n",
     "warning: services[0].limits.userConnections: 5 is more than limits.connections (4); lower "
     "it, "
     "or raise that\n"},
    {SERVICE "limits: {addressConnections: 5, connections: 4}}]\n",
     "warning: services[0].limits.addressConnections: 5 is more than limits.connections (4); lower "
     "it, or raise that\n"},
    {SERVICE "compat: java, limits: {connections: 500}}]\n",
     "warning: services[0].limits.userConnections: 1000, which compat: java sets, is more than "
     "limits.connections (500); lower it, or raise that\n"},
    {SERVICE "uploadBytes: 1GiB}]\n", "warning: services[0].uploadBytes: 1073741824 is more than "
                                      "limits.userUploadBytes (268435456); "
                                      "lower it, or raise that\n"},
    {PROCESS "limits: {unsentBytes: 1MiB}\n",
     "warning: limits.unsentBytes: 1048576 is more than limits.sendBufferBytes (524288); lower it, "
     "or raise that\n"},
    {PROCESS "limits: {handshakes: 4}\n", ""},
};

static void what_meets_a_default_is_worth_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++) {
        struct config config;
        char *text = NULL;
        size_t size = 0;
        FILE *to = open_memstream(&text, &size);

        if (fixture_load(&config, doubtful[i][0]) != 0)
            fail_msg("%s: %s", doubtful[i][0], fixture_fault);
        config_warn(&config, to);
        fclose(to);
        assert_string_equal(text, doubtful[i][1]);
        free(text);
        config_release(&config);
    }
}

static const char *const consistent[] = {
    /* One limit lowered: the defaults of others, which are above it, go for as much. */
    PROCESS "limits: {handshakes: 4, outboundFrames: 100, concurrentStreams: 7}\n",
    PROCESS "outbound: {inFlight: 1}\n",
    SERVICE "idempotencyKeys: 2, idempotencyBytes: 64KiB}]\n",
    SERVICE "limits: {connections: 2, uploadBytes: 1MiB, userOpenFiles: 10}}]\n",
    SERVICE "qos: {queue: 3}}]\n",
    /* No limit is above none. */
    SERVICE "uploadBytes: 1GiB, limits: {userUploadBytes: 0, uploadBytes: 0}}]\n",
    SERVICE "clientConnections: 0, limits: {userConnections: 1}}]\n",
    PROCESS "limits: {unsentBytes: 1MiB, sendBufferBytes: 0}\n",
    /* As much is not more. */
    PROCESS "limits: {pathBytes: 16KiB, headerFieldBytes: 8KiB}\n",
    SERVICE "compat: java, limits: {connections: 1000}}]\n",
    SERVICE "compat: java, limits: {connections: 500, userConnections: 20}}]\n",
    SERVICE "compat: java, eventDataBytes: 64KiB, queueBytes: 512KiB, history: {bytes: 1MiB}}]\n",
};

static void what_goes_together_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(consistent) / sizeof(consistent[0]); i++) {
        struct config config;

        if (fixture_load(&config, consistent[i]) != 0)
            fail_msg("%s: %s", consistent[i], fixture_fault);
        config_release(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(what_meets_a_default_is_worth_a_warning),
        cmocka_unit_test(what_goes_together_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
