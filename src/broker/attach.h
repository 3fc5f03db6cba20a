/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ATTACH_H
#define BROKER_ATTACH_H
/*
 * What a shard asks the owner of a service before it opens an event stream or an upload: one
 * question for the slots of its user and its address, for the position where a page resumes, and,
 * of a stream, for its place in the directory of groups. If a slot is missing, none is held.
 *
 * The engine may take long over the slots (broker/engine.h). Three things hold all the same:
 *   - The position where a page resumes, its place in the directory, and the answer are of one
 *     moment at the owner, behind the engine's answer: what is written later comes to the shard
 *     behind the answer, and what was written before is in the log.
 *   - A shard tells of a connection only behind that answer: that it opened, then which queues it
 *     joins, then that it has left them and is over. The owner handles these as they come, and
 *     waits for no engine: groups, queues and presence never get out of step with each other.
 *   - So slots may be given back before others that were asked for earlier are granted, but those
 *     of one connection are taken, then given.
 */
#include <stdbool.h>
#include <stdint.h>

#include "broker/broker.h"

struct broker_service;
struct sse_connection;
struct sse_subject;

/* Whose slots; each text is allocated, or NULL: not limited. */
struct broker_keys {
    char *slots[BROKER_SLOTS];
    char *client; /* whose oldest stream may be evicted for it */
};

void broker_keys_release(struct broker_keys *keys);

struct broker_slot_user {
    const char *tenant_id, *user_id, *address;
    const char *client_id, *domain; /* of a stream; the origin that its request was sent to */
};

/* By which keys its streams and uploads are counted, as far as they are limited. */
struct broker_keys slot_keys(const struct broker_service *service, enum broker_what what,
                             const struct broker_slot_user *by);
/* Of a connection that has opened; and of one that has ended: what was opened before it was counted
 * holds no slot. */
struct broker_keys slot_keys_of(const struct broker_service *service,
                                const struct sse_connection *connection);
struct broker_keys slot_keys_held(const struct broker_service *service,
                                  const struct sse_connection *connection);

/* Embed it in the state of what asks. Zero-filled is a valid one, which holds nothing. */
struct broker_attaching {
    struct broker_request request;
    struct broker_service *service;
    enum broker_what what;
    struct broker_keys keys; /* the caller's to fill in, before it asks */
    /* Where nothing has to be asked before _ask returns. A stream is opened now, or it is given
     * back. */
    void (*done)(struct broker_attaching *attaching, bool is_granted);
    bool is_held;     /* granted, and not given back */
    uint64_t *groups; /* that the owner has it in, until it is done; allocated */
    size_t group_count;
    int status;               /* when it was not granted: why the engine does not know, or 0 and */
    enum broker_slot refused; /* for want of which slot */
    enum sse_resume resume;   /* where it goes on */
    uint64_t after;
};

/* last_id: that the page has seen; NULL: none. subject: what it may see; of a stream. Both are
 * copied. Where nothing has to be asked the answer comes at once. */
void broker_attach_ask(struct broker_attaching *attaching, struct broker_service *service,
                       const char *last_id, const struct sse_subject *subject);
/* Gives back what is held of that: the upload is over, or the stream was not opened. */
void broker_attach_give(struct broker_attaching *attaching);
void broker_attaching_release(struct broker_attaching *attaching);

/* What the owner is told of each connection of this shard that has opened, and of each that has
 * ended, whose slots are given back then. keys: of its user, address, client. What others are to
 * hear of it is for the caller to write into its presence. */
struct broker_message *broker_opened_new(const struct broker_service *service,
                                         const struct broker_keys *keys,
                                         const struct sse_connection *connection);
struct broker_message *broker_ended_new(const struct broker_service *service,
                                        const struct broker_keys *keys,
                                        const struct sse_connection *connection);

/* The room that a message needs for that; and whose connection it is about. */
size_t broker_presence_size(const struct sse_connection *connection);
void broker_presence_write(struct broker_message *message, struct broker_presence *presence,
                           enum presence_kind kind, const struct sse_connection *connection);

#endif
