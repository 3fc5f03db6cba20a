/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hub.h"

#include "api/worker.h"
#include "cluster/peers.h"

size_t hub_worker(const struct api_service *service)
{
    return service->index % peers_count(service->api->peers);
}
