/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/online_users.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "broker/message.h"
#include "broker/presence_log.h"
#include "broker/presence_subject.h"
#include "sse/presence.h"
#include "sse/service.h"
#include "sse/user_key.h"

void online_users_receive(struct online_users *online, const struct broker_presence *told)
{
    const struct presence_subject whom = {told->user_key, told->tenant_id};

    if (told->is_last_words) {
        held_events_replace(&online->held, told->handle, bytes_ref(told->event));
        return;
    }
    if (told->event && told->handle[0] != '\0')
        held_events_add(&online->held, told->handle, &whom, bytes_ref(told->event));
    else if (told->event)
        presence_log_add(online->log, told->kind, &whom, bytes_ref(told->event));
    if (told->kind == PRESENCE_CONNECT)
        sse_presence_join(online->presence, told->user_key, told->about);
    else if (told->kind == PRESENCE_DISCONNECT)
        sse_presence_leave(online->presence, told->user_key, told->about);
    if (told->left)
        sse_presence_remember(online->presence, told->left);
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

static void on_online(void *context, const char *user_key, struct bytes *about)
{
    struct online_users *online = context;

    online->came_online++;
    tell_user(online, true, user_key, about);
}

static void on_offline(void *context, const char *user_key, struct bytes *about)
{
    struct online_users *online = context;

    online->went_offline++;
    held_events_tell_due(&online->held);
    tell_user(online, false, user_key, about);
}

void online_users_init(struct online_users *online, struct sse_service *core,
                       struct presence_log *log)
{
    const struct sse_presence_handler handler = {on_online, on_offline, online};

    *online = (struct online_users){.log = log};
    online->presence = sse_presence_new(core->loop, core->settings->offline_grace_ms, &handler);
    held_events_init(&online->held, core, log);
}

void online_users_release(struct online_users *online)
{
    held_events_release(&online->held);
    sse_presence_free(online->presence);
    online->presence = NULL;
}
