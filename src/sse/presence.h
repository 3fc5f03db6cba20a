/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_PRESENCE_H
#define SSE_PRESENCE_H
/*
 * Users come online with their first connection, and go offline when the last one is gone and none
 * has come back within the grace time: connections come and go with every tab switch, users do not.
 * Fed with joins and leaves; where a user's connections live on several workers, one of them keeps
 * that user's presence and the others tell it.
 */
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct loop;
struct sse_presence;
struct sse_user;

/* about: what the join that brought them online, or the leave that took them offline, was told. */
struct sse_presence_handler {
    void (*on_online)(void *context, const char *user_key, struct bytes *about);
    void (*on_offline)(void *context, const char *user_key, struct bytes *about);
    void *context;
};

struct sse_presence *sse_presence_new(struct loop *loop, uint32_t grace_ms,
                                      const struct sse_presence_handler *handler);
/* Another grace time, for those who leave from now on. */
void sse_presence_change(struct sse_presence *presence, uint32_t grace_ms);
void sse_presence_free(struct sse_presence *presence); /* tells nobody */

/* about is whatever the handler wants to know; NULL: nothing. Kept (by a reference) for the grace
 * time only. */
void sse_presence_join(struct sse_presence *presence, const char *user_key, struct bytes *about);
void sse_presence_leave(struct sse_presence *presence, const char *user_key, struct bytes *about);
/* Behind a leave: who that was. A copy is kept of one who is away, for the grace time. */
void sse_presence_remember(struct sse_presence *presence, const struct sse_user *user);
size_t sse_presence_online(const struct sse_presence *presence); /* users, grace included */

/* Their keys, from 0 to the count. To walk them while they come and go: from the end to the start.
 * One who leaves meanwhile may make another be seen twice; none who stays is left out. */
const char *sse_presence_user(const struct sse_presence *presence, size_t index);

/* Who that was, where no connection is left and the grace time runs; else NULL. A key with a tenant
 * finds one whose own has none, too. */
const struct sse_user *sse_presence_away(const struct sse_presence *presence, size_t index);
const struct sse_user *sse_presence_find_away(const struct sse_presence *presence,
                                              const char *user_key);

#endif
