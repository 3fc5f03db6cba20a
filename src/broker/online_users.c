/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/online_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/engine.h"
#include "broker/message.h"
#include "broker/presence_log.h"
#include "sse/presence.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- events that wait ---- */

#define HOLD_MS 1000u /* beacons come 10 to 100 ms behind the end of their stream */

struct held {
    struct lru_item item;
    struct bytes *json;
    char handle[SSE_HANDLE_SIZE];
    const char *tenant_id; /* behind the user's key */
    char user_key[];
};

static void tell_held(struct lru *lru, void *item)
{
    const struct online_users *online = container_of(lru, struct online_users, held);
    const struct held *held = item;

    presence_log_add(online->log, PRESENCE_DISCONNECT,
                     &(struct presence_subject){held->user_key, held->tenant_id}, held->json);
}

static void forget_held(struct lru *lru, void *item)
{
    (void)lru;
    bytes_unref(((struct held *)item)->json);
}

static void hold(struct online_users *online, const struct broker_presence *told)
{
    const struct sse_service_settings *settings = online->core->settings;
    const uint32_t grace_ms = settings->offline_grace_ms;
    const uint64_t now = loop_now_ms(online->core->loop);
    const size_t size = strlen(told->user_key) + strlen(told->tenant_id) + 2;
    struct held *held = mem_zalloc(sizeof(*held) + size);
    char *tenant_id = stpcpy(held->user_key, told->user_key) + 1;

    stpcpy(tenant_id, told->tenant_id);
    held->tenant_id = tenant_id;
    held->json = bytes_ref(told->event);
    memcpy(held->handle, told->handle, SSE_HANDLE_SIZE);
    online->held.most = settings->last_words_connections;
    lru_insert(&online->held, &held->item, now, now + (grace_ms < HOLD_MS ? grace_ms : HOLD_MS));
}

/* Tells this instead of the event that waits; when none does any more, nobody. */
static void replace_held(struct online_users *online, const struct broker_presence *told)
{
    struct held *held = table_find(&online->held.table, told->handle);

    if (!held)
        return;
    bytes_unref(held->json);
    held->json = bytes_ref(told->event);
    lru_drop(&online->held, &held->item);
}

void online_users_tell_held(struct online_users *online)
{
    lru_clear(&online->held);
}

/* ---- who is online ---- */

void online_users_receive(struct online_users *online, const struct broker_presence *told)
{
    if (told->is_last_words) {
        replace_held(online, told);
        return;
    }
    if (told->event && told->handle[0] != '\0')
        hold(online, told);
    else if (told->event)
        presence_log_add(online->log, told->kind,
                         &(struct presence_subject){told->user_key, told->tenant_id},
                         bytes_ref(told->event));
    if (told->kind == PRESENCE_CONNECT && online->engine)
        online->engine->ops->come(online->engine, told->user_key, told->about);
    else if (told->kind == PRESENCE_DISCONNECT && online->engine)
        online->engine->ops->go(online->engine, told->user_key, told->about, told->left);
}

static void tell_user(const struct online_users *online, bool is_online, const char *user_key,
                      struct bytes *about)
{
    const struct online_handler *handler = &online->handler;
    struct bytes *event = NULL;
    char *tenant_id;

    if (handler->on_user)
        event = handler->on_user(handler->context, is_online, user_key, about);
    if (!event)
        return;
    tenant_id = sse_user_key_tenant(user_key);
    presence_log_add(online->log, is_online ? PRESENCE_USER_ONLINE : PRESENCE_USER_OFFLINE,
                     &(struct presence_subject){user_key, tenant_id ? tenant_id : ""}, event);
    free(tenant_id);
}

void online_users_tell(struct online_users *online, bool is_online, const char *user_key,
                       struct bytes *about)
{
    if (is_online) {
        online->came_online++;
    } else {
        online->went_offline++;
        age_timer_end_due(&online->held.age, loop_now_ms(online->core->loop));
    }
    tell_user(online, is_online, user_key, about);
}

static void use_empty(struct online_users *online)
{
    static const struct sse_presence_handler nobody;

    online->presence =
        sse_presence_new(online->core->loop, online->core->settings->offline_grace_ms, &nobody);
}

void online_users_use(struct online_users *online, struct engine *engine)
{
    if (!online->engine)
        sse_presence_free(online->presence);
    online->engine = engine;
    if (engine)
        online->presence = engine->ops->presence(engine);
    else
        use_empty(online);
}

void online_users_init(struct online_users *online, struct sse_service *core,
                       struct presence_log *log)
{
    *online = (struct online_users){.core = core, .log = log};
    use_empty(online);
    lru_init(&online->held, core->loop, LRU_BY_TEXT(struct held, item, handle), 0);
    online->held.leave = tell_held;
}

void online_users_release(struct online_users *online)
{
    online->held.leave = forget_held;
    lru_release(&online->held);
    sse_presence_free(online->presence);
    online->presence = NULL;
}
