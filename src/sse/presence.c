/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/presence.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/table.h"
#include "sse/user.h"

#define FIRST_MEMBERS 16u

struct sse_presence {
    struct table users;
    struct user **members; /* the same ones, to be walked; as many as are in the table */
    size_t capacity;
    struct loop *loop;
    uint32_t grace_ms;
    struct sse_presence_handler handler;
};

struct user {
    struct table_node node;
    struct sse_presence *presence;
    struct loop_timer timer; /* runs while there are no connections */
    uint64_t offline_at;     /* loop_served_ms(), while it runs */
    size_t connections;
    size_t index;          /* among the members */
    struct bytes *about;   /* of the last leave, while the timer runs, */
    struct sse_user *user; /* and who that was */
    char key[];
};

struct sse_presence *sse_presence_new(struct loop *loop, uint32_t grace_ms,
                                      const struct sse_presence_handler *handler)
{
    struct sse_presence *presence = mem_zalloc(sizeof(*presence));

    table_init(&presence->users, TABLE_BY_TEXT(struct user, node, key));
    presence->loop = loop;
    presence->grace_ms = grace_ms;
    presence->handler = *handler;
    return presence;
}

void sse_presence_change(struct sse_presence *presence, uint32_t grace_ms)
{
    presence->grace_ms = grace_ms;
}

static struct user *add(struct sse_presence *presence, const char *key)
{
    const size_t count = presence->users.count;
    struct user *user = table_new_item(&presence->users, key);

    if (count == presence->capacity) {
        presence->capacity = count > 0 ? count * 2 : FIRST_MEMBERS;
        presence->members =
            mem_realloc(presence->members, presence->capacity * sizeof(struct user *));
    }
    user->index = count;
    presence->members[count] = user;
    return user;
}

/* The last member takes the place of this one. */
static void take_out(struct user *user)
{
    struct sse_presence *presence = user->presence;
    struct user *last = presence->members[presence->users.count - 1];

    loop_timer_stop(&user->timer);
    presence->members[user->index] = last;
    last->index = user->index;
    table_remove(&presence->users, &user->node);
}

static void user_free(struct user *user)
{
    bytes_unref(user->about);
    sse_user_unref(user->user);
    free(user);
}

void sse_presence_free(struct sse_presence *presence)
{
    if (!presence)
        return;
    while (presence->users.count > 0) {
        struct user *user = presence->members[presence->users.count - 1];

        take_out(user);
        user_free(user);
    }
    table_release(&presence->users);
    free(presence->members);
    free(presence);
}

/* The user is no longer known when the handler hears of it: it may come back from in there. */
static void go_offline(struct user *user)
{
    struct sse_presence *presence = user->presence;

    take_out(user);
    if (presence->handler.on_offline)
        presence->handler.on_offline(presence->handler.context, user->key, user->about);
    user_free(user);
}

static void on_grace_over(struct loop_timer *timer)
{
    struct user *user = container_of(timer, struct user, timer);
    struct loop *loop = user->presence->loop;
    uint64_t now = loop_served_ms(loop);

    if (now < user->offline_at) /* it was we who were late: it may be back and not yet heard */
        loop_timer_start(loop, timer, user->offline_at - now);
    else
        go_offline(user);
}

void sse_presence_join(struct sse_presence *presence, const char *user_key, struct bytes *about)
{
    struct user *user = table_find(&presence->users, user_key);

    if (user) {
        user->connections++;
        loop_timer_stop(&user->timer);
        user->about = bytes_unref(user->about);
        user->user = sse_user_unref(user->user);
        return;
    }
    user = add(presence, user_key);
    user->presence = presence;
    user->timer.on_fire = on_grace_over;
    user->connections = 1;
    if (presence->handler.on_online)
        presence->handler.on_online(presence->handler.context, user_key, about);
}

void sse_presence_leave(struct sse_presence *presence, const char *user_key, struct bytes *about)
{
    struct user *user = table_find(&presence->users, user_key);

    if (!user || user->connections == 0 || --user->connections > 0)
        return;
    user->about = about ? bytes_ref(about) : NULL;
    if (presence->grace_ms == 0) {
        go_offline(user);
        return;
    }
    user->offline_at = loop_served_ms(presence->loop) + presence->grace_ms;
    loop_timer_start(presence->loop, &user->timer, presence->grace_ms);
}

void sse_presence_remember(struct sse_presence *presence, const struct sse_user *user)
{
    struct user *known = table_find(&presence->users, user->key);

    if (!known || known->connections > 0)
        return;
    sse_user_unref(known->user);
    known->user = sse_user_copy(user);
}

size_t sse_presence_online(const struct sse_presence *presence)
{
    return presence->users.count;
}

const char *sse_presence_user(const struct sse_presence *presence, size_t index)
{
    return presence->members[index]->key;
}

const struct sse_user *sse_presence_away(const struct sse_presence *presence, size_t index)
{
    return presence->members[index]->user;
}

const struct sse_user *sse_presence_find_away(const struct sse_presence *presence,
                                              const char *user_key)
{
    const struct user *user = table_find(&presence->users, user_key);

    if (!user)
        user = table_find(&presence->users, sse_user_key_id(user_key));
    return user && user->user && sse_user_is(user->user, user_key) ? user->user : NULL;
}
