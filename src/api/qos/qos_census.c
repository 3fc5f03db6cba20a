/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_census.h"

#include <stdlib.h>
#include <string.h>

#include "api/qos/qos_hub.h"
#include "api/qos/qos_visitor.h"
#include "api/worker.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "qos/copies.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"

/* Members of a group that one worker looks at. Individuals have fewer; of a large group nobody
 * needs to know more than that somebody lives. */
#define MEMBERS_MOST 256u

/* What one worker has found. */
struct finding {
    size_t holders;
    bool is_anybody;
    struct qos_client newest;
    int64_t create_time; /* of the newest */
};

struct census {
    struct peers_call call;
    size_t service;
    uint64_t box;
    struct qos_recipient *recipient;
    uint64_t position, instance;
    struct finding findings[]; /* one for each worker */
};

static void count(const struct census *census, size_t worker,
                  const struct sse_connection *connection, struct finding *finding)
{
    const char *listening = census->recipient->listening;
    const uint64_t instance = qos_visitor_instance(connection);

    if (*listening != '\0' && !sse_connection_is_listening(connection, listening))
        return;
    if (connection->joined < census->position && (instance == 0 || instance != census->instance))
        finding->holders++;
    if (finding->is_anybody && connection->create_time < finding->create_time)
        return;
    finding->is_anybody = true;
    finding->create_time = connection->create_time;
    finding->newest = (struct qos_client){
        .worker = worker,
        .instance = instance,
        .joined = connection->joined,
    };
    memcpy(finding->newest.id, connection->id, sizeof(finding->newest.id));
}

static void count_group(const struct census *census, size_t worker, const struct sse_group *group,
                        struct finding *finding)
{
    const size_t least = group && group->count > MEMBERS_MOST ? group->count - MEMBERS_MOST : 0;

    for (size_t i = group ? group->count : 0; i > least; i--)
        count(census, worker, group->members[i - 1], finding);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct census *census = container_of(call, struct census, call);
    const struct api *api = context;
    const struct sse_registry *registry = api->services[census->service].core->registry;
    const struct qos_recipient *recipient = census->recipient;
    struct finding *finding = &census->findings[worker];
    const struct sse_connection *one = NULL;

    if (recipient->dimension == SSE_BY_CONNECTION)
        one = sse_registry_find(registry, recipient->value);
    else if (recipient->dimension == SSE_ALL)
        count_group(census, worker, sse_registry_all(registry), finding);
    else
        count_group(census, worker,
                    sse_registry_group(registry, (enum sse_group_kind)recipient->dimension,
                                       recipient->value),
                    finding);
    if (one)
        count(census, worker, one, finding);
    peers_call_done(call);
}

static void finish(struct peers_call *call, void *context)
{
    struct census *census = container_of(call, struct census, call);
    const struct api *api = context;
    const struct qos_hub *hub = api->services[census->service].qos;
    struct qos_census result = {.holders = 0};
    int64_t create_time = 0;

    for (size_t i = 0; i < peers_count(api->peers); i++) {
        const struct finding *finding = &census->findings[i];

        result.holders += finding->holders;
        if (!finding->is_anybody || (result.is_anybody && finding->create_time < create_time))
            continue;
        result.is_anybody = true;
        result.newest = finding->newest;
        create_time = finding->create_time;
    }
    if (!hub->is_stopped)
        qos_desk_counted(hub->desk, census->box, &result);
    free(census->recipient);
    free(census);
}

void qos_census_start(void *context, uint64_t box, const struct qos_recipient *recipient,
                      uint64_t position, uint64_t instance)
{
    const struct qos_hub *hub = context;
    struct api *api = hub->service->api;
    struct census *census =
        mem_zalloc(sizeof(*census) + peers_count(api->peers) * sizeof(census->findings[0]));

    census->service = hub->service->index;
    census->box = box;
    census->recipient = qos_recipient_copy(recipient);
    census->position = position;
    census->instance = instance;
    census->call.run = run;
    census->call.finish = finish;
    peers_call_start(api->peers, api->worker, &census->call);
}
