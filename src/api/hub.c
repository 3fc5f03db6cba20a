/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hub.h"

#include "api/worker.h"
#include "broker/broker.h"

size_t hub_worker(const struct api_service *service)
{
    return broker_owner(service->api->broker, service->index);
}
