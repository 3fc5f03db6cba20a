/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hub.h"

#include "api/worker.h"
#include "cluster/peers.h"
#include "sse/service.h"

size_t hub_worker(const struct api_service *service)
{
    return peers_owner(service->api->peers, service->settings->core->name);
}
