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
    uint64_t question;
    struct qos_recipient *recipient;
    uint64_t position, instance;
    struct finding findings[]; /* one for each worker */
};

/* By the order in which the hub has heard of them. */
static bool is_newer(const struct finding *one, const struct finding *other)
{
    if (!other->is_anybody || one->newest.joined != other->newest.joined)
        return !other->is_anybody || one->newest.joined > other->newest.joined;
    return one->create_time >= other->create_time;
}

/* Who is behind the gate has not arrived yet. */
static void count(const struct census *census, size_t worker,
                  const struct sse_connection *connection, struct finding *finding)
{
    const char *listening = census->recipient->listening;
    struct finding found = {.is_anybody = true, .create_time = connection->create_time};
    struct qos_client *client = &found.newest;

    *client = (struct qos_client){
        .worker = worker,
        .instance = qos_visitor_instance(connection, census->call.peers),
        .joined = connection->joined,
        .resumed = connection->resumed,
        .opened = connection->opened,
    };
    if (client->joined == UINT64_MAX ||
        (*listening != '\0' && !sse_connection_is_listening(connection, listening)))
        return;
    memcpy(client->id, connection->handle, sizeof(client->id));
    *client = qos_visitor_client(client, census->recipient);
    if (qos_client_has(client, census->position) &&
        (client->instance == 0 || client->instance != census->instance))
        finding->holders++;
    if (is_newer(&found, finding)) {
        found.holders = finding->holders;
        *finding = found;
    }
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
    struct finding best = {.is_anybody = false};
    struct qos_census result = {.holders = 0};

    for (size_t i = 0; i < peers_count(api->peers); i++) {
        const struct finding *finding = &census->findings[i];

        result.holders += finding->holders;
        if (finding->is_anybody && is_newer(finding, &best))
            best = *finding;
    }
    result.is_anybody = best.is_anybody;
    result.newest = best.newest;
    if (!hub->is_stopped)
        qos_desk_counted(hub->desk, census->question, &result);
    free(census->recipient);
    free(census);
}

void qos_census_start(void *context, uint64_t question, const struct qos_recipient *recipient,
                      uint64_t position, uint64_t instance)
{
    const struct qos_hub *hub = context;
    struct api *api = hub->service->api;
    struct census *census =
        mem_zalloc(sizeof(*census) + peers_count(api->peers) * sizeof(census->findings[0]));

    census->service = hub->service->index;
    census->question = question;
    census->recipient = qos_recipient_copy(recipient);
    census->position = position;
    census->instance = instance;
    census->call.run = run;
    census->call.finish = finish;
    peers_call_start(api->peers, api->worker, &census->call);
}
