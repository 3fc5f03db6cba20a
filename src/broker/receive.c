/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive.h"

#include "broker/broker.h"
#include "broker/owner.h"
#include "broker/service.h"
#include "broker/shard.h"

static void receive(void *context, const struct broker_message *message)
{
    if (broker_role(message->kind) == BROKER_TO_OWNER)
        broker_owner_receive(context, message);
    else
        broker_shard_receive(context, message);
}

void broker_service_receive(struct broker_service *service)
{
    broker_set_receiver(service->broker, service->index,
                        &(struct broker_receiver){receive, service});
}
