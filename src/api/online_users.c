/* SPDX-License-Identifier: Apache-2.0 */
#include "api/online_users.h"

#include <stdlib.h>
#include <string.h>

#include "api/worker.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/user.h"

/* Goes to the worker that keeps the user. */
struct sign {
    struct peers_call call;
    size_t service;
    bool joins;
    char user_id[];
};

static void take(const struct api *api, size_t service, const char *user_id, bool joins)
{
    struct sse_presence *presence = api->services[service].online.presence;

    if (joins)
        sse_presence_join(presence, user_id, NULL);
    else
        sse_presence_leave(presence, user_id, NULL);
}

static void run_sign(struct peers_call *call, size_t worker, void *context)
{
    const struct sign *sign = container_of(call, struct sign, call);

    (void)worker;
    take(context, sign->service, sign->user_id, sign->joins);
    peers_call_done(call);
}

static void finish_sign(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct sign, call));
}

static void tell(const struct online_users *online, const char *user_id, bool joins)
{
    const struct api *api = online->service->api;
    size_t owner = peers_owner(api->peers, user_id);
    size_t size = strlen(user_id) + 1;

    if (owner == api->worker) {
        take(api, online->service->index, user_id, joins);
        return;
    }
    struct sign *sign = mem_zalloc(sizeof(*sign) + size);
    sign->call.run = run_sign;
    sign->call.finish = finish_sign;
    sign->service = online->service->index;
    sign->joins = joins;
    memcpy(sign->user_id, user_id, size);
    peers_call_one(api->peers, api->worker, owner, &sign->call);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    tell(container_of(observer, struct online_users, observer), connection->user->id, true);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    tell(container_of(observer, struct online_users, observer), connection->user->id, false);
}

static void on_online(void *context, const char *user_id, struct bytes *about)
{
    struct online_users *online = context;

    (void)user_id;
    (void)about;
    online->came_online++;
}

static void on_offline(void *context, const char *user_id, struct bytes *about)
{
    struct online_users *online = context;

    (void)user_id;
    (void)about;
    online->went_offline++;
}

void online_users_init(struct online_users *online, struct api_service *service)
{
    const struct sse_presence_handler handler = {on_online, on_offline, online};

    *online = (struct online_users){.service = service};
    online->presence =
        sse_presence_new(service->api->loop, service->settings->core->offline_grace_ms, &handler);
    online->observer.on_connect = on_connect;
    online->observer.on_disconnect = on_disconnect;
    list_append(&service->core->observers, &online->observer.node);
}

void online_users_release(struct online_users *online)
{
    list_remove(&online->observer.node);
    sse_presence_free(online->presence);
    online->presence = NULL;
}
