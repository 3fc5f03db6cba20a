/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/recipient.h"

struct qos_recipient qos_recipient_at(const struct sse_target *target, size_t index)
{
    return (struct qos_recipient){
        .dimension = target->dimension,
        .value = target->dimension == SSE_ALL ? "" : target->values[index],
        .listening = target->listening ? target->listening : "",
    };
}

bool qos_recipient_is_individual(const struct qos_recipient *recipient)
{
    return recipient->dimension == SSE_BY_USER || recipient->dimension == SSE_BY_TOKEN ||
           recipient->dimension == SSE_BY_CONNECTION;
}
