/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_pairs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "server/config.h"
#include "server/config_compat.h"
#include "server/config_fault.h"
#include "server/config_keys.h"
#include "server/config_source.h"
#include "server/config_value.h"

#define SERVICE      "services[]."
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum rule {
    IN_ANY_CASE,
    IF_BOTH_SAID, /* else inner goes for as much as outer has, of which who said it is warned */
    IF_BOTH_SAID_AND_LESS, /* and may not be as much either */
    WARNED_OF,             /* nothing is lost: outer says it all */
};

/* inner may not be more than outer. 0 is no limit, for either. */
static const struct pair {
    const char *inner, *outer;
    enum rule rule;
} pairs[] = {
    {"limits.headerFieldBytes", "limits.headerListBytes", IN_ANY_CASE},
    {"limits.pathBytes", "limits.headerListBytes", IN_ANY_CASE},
    {"limits.streamWindow", "limits.sessionWindow", IN_ANY_CASE},
    {"limits.outputSoftBytes", "limits.outputHardBytes", IN_ANY_CASE},
    {"limits.pingAckTimeout", "limits.pingInterval", IN_ANY_CASE},
    {"limits.sessionWindow", "limits.inboundBytes", IF_BOTH_SAID},
    {"limits.sessionBodyBytes", "limits.inboundBytes", IF_BOTH_SAID},
    {"limits.unsentBytes", "limits.sendBufferBytes", IF_BOTH_SAID},
    {"limits.outboundAcks", "limits.outboundFrames", IF_BOTH_SAID},
    {"limits.handshakesPerAddress", "limits.handshakes", IF_BOTH_SAID},
    {"outbound.hostConnections", "outbound.inFlight", IF_BOTH_SAID},
    {SERVICE "jsonBodyBytes", "limits.sessionBodyBytes", IN_ANY_CASE},
    {SERVICE "sessionConnections", "limits.concurrentStreams", IF_BOTH_SAID_AND_LESS},
    {SERVICE "orderedCalls", "limits.concurrentStreams", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "history.bytes", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "qos.bytes", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "qos.waitingBytes", IF_BOTH_SAID},
    {SERVICE "handlers.answerBytes", SERVICE "idempotencyUserBytes", IF_BOTH_SAID},
    {SERVICE "idempotencyUserBytes", SERVICE "idempotencyBytes", IF_BOTH_SAID},
    {SERVICE "idempotencyUserKeys", SERVICE "idempotencyKeys", IF_BOTH_SAID},
    {SERVICE "clientConnections", SERVICE "limits.userConnections", IF_BOTH_SAID},
    {SERVICE "limits.userConnections", SERVICE "limits.connections", WARNED_OF},
    {SERVICE "limits.addressConnections", SERVICE "limits.connections", WARNED_OF},
    {SERVICE "qos.queue", SERVICE "qos.messages", IF_BOTH_SAID},
    {SERVICE "qos.window", SERVICE "qos.queue", IF_BOTH_SAID},
    {SERVICE "uploadBytes", SERVICE "limits.userUploadBytes", IF_BOTH_SAID},
    {SERVICE "uploadBytes", SERVICE "limits.uploadBytes", IF_BOTH_SAID},
    {SERVICE "uploadParts", SERVICE "limits.userOpenFiles", IF_BOTH_SAID},
    {SERVICE "uploadParts", SERVICE "limits.userUploadFiles", IF_BOTH_SAID},
    {SERVICE "limits.userOpenFiles", SERVICE "limits.userUploadFiles", IF_BOTH_SAID},
    {SERVICE "limits.userUploadBytes", SERVICE "limits.uploadBytes", IF_BOTH_SAID},
    {SERVICE "limits.userUploadFiles", SERVICE "limits.uploadFiles", IF_BOTH_SAID},
};

static uint64_t value_of(const struct config_subject *subject, const struct config_key *key)
{
    struct config *config = (struct config *)(uintptr_t)subject->config; /* is not changed */

    return config_value_number(key, key->list ? config_list_item(config, key->list, subject->index)
                                              : (const void *)config);
}

/* As it stands in a sentence that begins with "services[0].". */
static const char *short_name(const struct config_key *key)
{
    return key->name + (key->list ? strlen(SERVICE) : 0);
}

static bool is_said(const struct config *config, const struct config_key *key, size_t index)
{
    return config_is_given(config, key, key->list ? index : 0);
}

enum finding { FINE, DOUBTFUL, WRONG };

static enum finding look(const struct config_subject *subject, const struct pair *pair,
                         struct buf *sentence)
{
    const struct config *config = subject->config;
    const struct config_key *inner = config_key_find(pair->inner);
    const struct config_key *outer = config_key_find(pair->outer);
    const uint64_t value = value_of(subject, inner);
    const uint64_t most = value_of(subject, outer);
    const bool is_less = pair->rule == IF_BOTH_SAID_AND_LESS;
    const bool is_by_compat = config_compat_sets(config, inner, subject->index);
    const bool is_meant = is_by_compat || is_said(config, inner, subject->index);

    if (value == 0 || most == 0 || value < most || (value == most && !is_less))
        return FINE;
    buf_printf(sentence, "%" PRIu64 "%s %s %s (%" PRIu64 "); lower it, or raise that", value,
               is_by_compat ? ", which compat: java sets," : "",
               is_less ? "must be less than" : "is more than", short_name(outer), most);
    if (pair->rule == IN_ANY_CASE)
        return WRONG;
    if (!is_meant)
        return FINE;
    return pair->rule != WARNED_OF && is_said(config, outer, subject->index) ? WRONG : DOUBTFUL;
}

static bool is_about(const struct config_subject *subject, const struct pair *pair)
{
    return (config_key_find(pair->inner)->list != NULL) == (*subject->list != '\0');
}

int config_check_pairs(const struct config_subject *subject)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < COUNT(pairs); i++) {
        struct buf sentence = BUF_INIT;

        if (is_about(subject, &pairs[i]) && look(subject, &pairs[i], &sentence) == WRONG)
            rc = config_check_fail(subject, short_name(config_key_find(pairs[i].inner)), "%s",
                                   buf_str(&sentence));
        buf_release(&sentence);
    }
    return rc;
}

static void warn(const struct config_subject *subject, FILE *to)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct buf sentence = BUF_INIT;
        const char *name = short_name(config_key_find(pairs[i].inner));

        if (is_about(subject, &pairs[i]) && look(subject, &pairs[i], &sentence) == DOUBTFUL) {
            if (*subject->list != '\0')
                fprintf(to, "warning: services[%zu].%s: %s\n", subject->index, name,
                        buf_str(&sentence));
            else
                fprintf(to, "warning: %s: %s\n", name, buf_str(&sentence));
        }
        buf_release(&sentence);
    }
}

void config_warn_of_pairs(const struct config *config, FILE *to)
{
    struct config_subject subject = {.config = config, .list = ""};

    warn(&subject, to);
    subject.list = "services";
    for (; subject.index < config->service_count; subject.index++)
        warn(&subject, to);
}
