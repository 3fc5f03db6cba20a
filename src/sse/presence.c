/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/presence.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "sse/table.h"

struct sse_presence {
    struct sse_table users;
    struct loop *loop;
    uint32_t grace_ms;
    struct sse_presence_handler handler;
};

struct user {
    struct sse_table_node node;
    struct sse_presence *presence;
    struct loop_timer timer; /* runs while there are no connections */
    size_t connections;
    char id[];
};

struct sse_presence *sse_presence_new(struct loop *loop, uint32_t grace_ms,
                                      const struct sse_presence_handler *handler)
{
    struct sse_presence *presence = mem_zalloc(sizeof(*presence));

    sse_table_init(&presence->users, SSE_TABLE_KEY_OFFSET(struct user, node, id));
    presence->loop = loop;
    presence->grace_ms = grace_ms;
    presence->handler = *handler;
    return presence;
}

static void user_free(struct user *user)
{
    loop_timer_stop(&user->timer);
    sse_table_remove(&user->presence->users, &user->node);
    free(user);
}

void sse_presence_free(struct sse_presence *presence)
{
    struct sse_table_node *node;

    if (!presence)
        return;
    while ((node = sse_table_next(&presence->users, NULL)))
        user_free(container_of(node, struct user, node));
    sse_table_release(&presence->users);
    free(presence);
}

static struct user *user_find(const struct sse_presence *presence, const char *id)
{
    struct sse_table_node *node = sse_table_find(&presence->users, id);

    return node ? container_of(node, struct user, node) : NULL;
}

/* The user is no longer known when the handler hears of it: it may come back from in there. */
static void go_offline(struct user *user)
{
    struct sse_presence *presence = user->presence;

    loop_timer_stop(&user->timer);
    sse_table_remove(&presence->users, &user->node);
    if (presence->handler.on_offline)
        presence->handler.on_offline(presence->handler.context, user->id);
    free(user);
}

static void on_grace_over(struct loop_timer *timer)
{
    go_offline(container_of(timer, struct user, timer));
}

void sse_presence_join(struct sse_presence *presence, const char *user_id)
{
    struct user *user = user_find(presence, user_id);
    size_t size;

    if (user) {
        user->connections++;
        loop_timer_stop(&user->timer);
        return;
    }
    size = strlen(user_id) + 1;
    user = mem_zalloc(sizeof(*user) + size);
    user->presence = presence;
    user->timer.on_fire = on_grace_over;
    user->connections = 1;
    memcpy(user->id, user_id, size);
    sse_table_add(&presence->users, &user->node);
    if (presence->handler.on_online)
        presence->handler.on_online(presence->handler.context, user_id);
}

void sse_presence_leave(struct sse_presence *presence, const char *user_id)
{
    struct user *user = user_find(presence, user_id);

    if (!user || user->connections == 0 || --user->connections > 0)
        return;
    if (presence->grace_ms == 0)
        go_offline(user);
    else
        loop_timer_start(presence->loop, &user->timer, presence->grace_ms);
}

size_t sse_presence_online(const struct sse_presence *presence)
{
    return presence->users.count;
}
