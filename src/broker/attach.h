/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ATTACH_H
#define BROKER_ATTACH_H
/*
 * What a shard asks the owner of a service before it opens something that lasts, an event stream or
 * an upload, and tells it then: one question for the slots of its user and its address, and for
 * where a page goes on that was here before. Whoever gets not all slots holds none.
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

/* Embed it in the state of what asks. Zero-filled is a valid one, which holds nothing. */
struct broker_attaching {
    struct broker_request request;
    struct broker_service *service;
    enum broker_what what;
    struct broker_keys keys; /* the caller's to fill in, before it asks */
    /* Perhaps before _ask returns. */
    void (*done)(struct broker_attaching *attaching, bool is_granted);
    bool is_held;             /* granted, and not given back */
    enum broker_slot refused; /* when it was not granted */
    enum sse_resume resume;   /* where it goes on */
    uint64_t after;
};

/* last_id: that the page has seen; NULL: none. subject: what it may see; with a last id. Both are
 * copied. Where nothing has to be asked the answer comes at once. */
void broker_attach_ask(struct broker_attaching *attaching, struct broker_service *service,
                       const char *last_id, const struct sse_subject *subject);
/* Gives back what is held of that: the upload is over, or the stream was not opened. */
void broker_attach_give(struct broker_attaching *attaching);
void broker_attaching_release(struct broker_attaching *attaching);

/* A connection of this shard has opened; it has ended, and its slots are given back. keys: of its
 * user, address, client. */
void broker_tell_opened(struct broker_service *service, const struct broker_keys *keys,
                        const struct sse_connection *connection);
void broker_tell_ended(struct broker_service *service, const struct broker_keys *keys,
                       const struct sse_connection *connection);

#endif
