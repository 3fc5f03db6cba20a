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
#include "sse/user.h"

/* Members of a group that one worker looks at. Individuals have fewer; of a large group nobody
 * needs to know more than that somebody lives. */
#define MEMBERS_MOST 256u

/* What one worker has found. */
struct finding {
    size_t holders;
    bool is_anybody;
    struct qos_client newest;
    int64_t create_time; /* of the newest */
    bool is_anybody_attentive;
    struct qos_client attentive; /* the newest that is not silent, */
    int64_t attentive_time;      /* and when it was made */
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
static bool is_later(const struct qos_client *one, int64_t one_time, const struct qos_client *other,
                     int64_t other_time)
{
    return one->joined != other->joined ? one->joined > other->joined : one_time >= other_time;
}

static bool is_newer(const struct finding *one, const struct finding *other)
{
    return !other->is_anybody ||
           is_later(&one->newest, one->create_time, &other->newest, other->create_time);
}

static void note_attentive(struct finding *finding, const struct qos_client *client, int64_t time)
{
    if (client->is_silent ||
        (finding->is_anybody_attentive &&
         !is_later(client, time, &finding->attentive, finding->attentive_time)))
        return;
    finding->is_anybody_attentive = true;
    finding->attentive = *client;
    finding->attentive_time = time;
}

/* A group of users may have those of other tenants, too. */
static bool is_meant(const struct qos_recipient *recipient, const struct sse_user *user)
{
    return recipient->dimension != SSE_BY_USER || sse_user_is(user, recipient->value);
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
        .is_silent = !connection->acknowledges,
        .joined = connection->joined,
        .resumed = connection->resumed,
        .opened = connection->opened,
    };
    if (client->joined == UINT64_MAX || !is_meant(census->recipient, connection->user) ||
        (*listening != '\0' && !sse_connection_is_listening(connection, listening)))
        return;
    memcpy(client->id, connection->handle, sizeof(client->id));
    *client = qos_visitor_client(client, census->recipient);
    if (qos_client_has(client, census->position) &&
        (client->instance == 0 || client->instance != census->instance))
        finding->holders++;
    note_attentive(finding, client, found.create_time);
    if (is_newer(&found, finding)) {
        finding->is_anybody = true;
        finding->newest = *client;
        finding->create_time = found.create_time;
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
    struct finding attentive = {.is_anybody = false};
    struct qos_census result = {.holders = 0};

    for (size_t i = 0; i < peers_count(api->peers); i++) {
        const struct finding *finding = &census->findings[i];

        result.holders += finding->holders;
        if (finding->is_anybody && is_newer(finding, &best))
            best = *finding;
        if (finding->is_anybody_attentive)
            note_attentive(&attentive, &finding->attentive, finding->attentive_time);
    }
    result.is_anybody = best.is_anybody;
    result.newest = best.newest;
    result.is_anybody_attentive = attentive.is_anybody_attentive;
    result.attentive = attentive.attentive;
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
