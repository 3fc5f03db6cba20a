/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_qos.h"

#include <string.h>

#include "api/api.h"
#include "base/http_url.h"
#include "server/config.h"
#include "server/config_fault.h"

/* How messages come again (qos/desk.h). */
#define ACK_LONGEST_MS 600000u
#define TAKEOVER_MS    10000u
#define DESK_BATCH     64u

struct api_qos_settings config_make_qos(const struct config_service *service, bool has_proxy)
{
    const struct config_qos *config = &service->qos;
    const uint32_t ack_ms = config->ack_ms;

    return (struct api_qos_settings){
        .is_in_memory = config->store == CONFIG_STORE_MEMORY,
        .file = config->file,
        .ttl_ms = config->ttl_ms,
        .ttl_ms_most = config->ttl_ms_most,
        .queue = config->queue,
        .messages = config->messages,
        .bytes = config->bytes,
        .waiting_bytes = config->waiting_bytes,
        .waiting_ms = config->waiting_ms,
        .remember_ms = config->remember_ms,
        .remembered = config->remembered,
        .receipts = config->receipts,
        .revocations = service->jwt.revocations,
        .receipt_hosts = config->receipt_hosts,
        .has_proxy = has_proxy,
        .desk = {.window = config->window,
                 .ack_ms = ack_ms,
                 .ack_ms_most = ack_ms > ACK_LONGEST_MS ? ack_ms : ACK_LONGEST_MS,
                 .takeover_ms = ack_ms < TAKEOVER_MS ? ack_ms : TAKEOVER_MS,
                 .batch = DESK_BATCH,
                 .ack_on_write = config->acknowledgement == CONFIG_ACK_WRITE},
    };
}

static int check_file(const struct config_subject *subject, const struct config_qos *qos,
                      size_t other_index)
{
    const struct config_qos *other = &subject->config->services[other_index].qos;

    if (qos->store != CONFIG_STORE_SQLITE || other->store != CONFIG_STORE_SQLITE ||
        strcmp(qos->file, other->file) != 0)
        return 0;
    return config_check_fail(subject, "qos.file",
                             "\"%.120s\" is that of services[%zu] too; each service has its own",
                             qos->file, other_index);
}

int config_check_qos(const struct config_subject *subject, const struct config_service *service)
{
    const struct config_qos *qos = &service->qos;
    struct word wrong;
    int rc = 0;

    if (!http_url_hosts_are_valid(qos->receipt_hosts, &wrong))
        return config_check_fail(subject, "qos.receiptHosts",
                                 "\"%.*s\" is no host; use such as hooks.example, *.example.com, "
                                 "192.0.2.1:8080 or [2001:db8::1]",
                                 wrong.length < 64 ? (int)wrong.length : 64, wrong.text);
    if (qos->ttl_ms > qos->ttl_ms_most)
        return config_check_fail(subject, "qos.ttl",
                                 "%us is more than qos.ttlMost (%us); lower it, or raise that",
                                 qos->ttl_ms / 1000, qos->ttl_ms_most / 1000);
    for (size_t i = 0; rc == 0 && i < subject->index; i++)
        rc = check_file(subject, qos, i);
    return rc;
}
