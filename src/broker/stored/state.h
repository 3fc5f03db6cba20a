/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_STORED_STATE_H
#define BROKER_STORED_STATE_H
/*
 * The stored messages of a service, at its owner, as the files of this folder see them, and what
 * these do for each other.
 */
#include <stdatomic.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/slices.h"
#include "broker/stored/settings.h"
#include "broker/stored/text.h"

struct broker_message;
struct broker_service;
struct engine;
struct joins;
struct outbound_http;
struct posts;
struct redelivery;
struct stored_shared;

struct stored_messages {
    struct broker_service *service;
    const struct stored_settings *settings;
    struct stored_shared *shared;
    const atomic_bool *draining;
    struct engine *engine;
    char *name;                       /* of the service */
    uint32_t remember_ms, remembered; /* as the settings say now */
    struct redelivery *redelivery;
    struct redelivery_settings redelivery_settings;
    struct posts *receipts;
    struct stored_text told; /* the message of the last receipt */
    struct joins *joins;
    struct list senders;           /* sessions that have something on its way to the store, */
    size_t waiting_bytes;          /* and how much it is */
    struct chores chores;          /* too long for one turn */
    struct loop_timer restoration; /* the next try to read what was revoked */
    bool has_failed;               /* the last one */
    bool is_stopped;       /* what the engine still hands back leads to nothing, but for puts */
    bool is_ending;        /* these neither: there are no more turns */
    uint64_t first_number; /* of the messages that were stored in this life; 0: none were */
    struct stored_counters counters;
};

/* ---- stored.c: what has ended ---- */

/* A copy has ended, or was set aside: tells redelivery, the counters, and who wants a receipt. */
void stored_end(struct stored_messages *stored, const struct qos_copy *ended);
/* The same of all that a question has ended, unless it has failed; and publishes. */
void stored_ended(struct stored_messages *stored, int status, const struct qos_copies *copies);
/* Sets how often each has been written, as far as redelivery knows more than the store. */
void stored_count_written(const struct stored_messages *stored, struct qos_copies *copies);
/* Lets the other workers see how many copies there are. */
void stored_publish(struct stored_messages *stored);

/* ---- asking.c: what redelivery asks for. Context: the stored messages ---- */

extern const struct redelivery_ops stored_redelivery_ops;

/* ---- storing.c: the order in which a service publishes ---- */

/* BROKER_PUBLISH. Messages with qos 1 are stored before anything of their batch is written. */
void storing_receive(struct stored_messages *stored, const struct broker_message *message);

/* ---- joins.c: who comes to queues, until redelivery knows which of these have copies ---- */

/* While the store does not work they wait, one join for each connection. */
struct joins *joins_new(void);
void joins_free(struct joins *joins); /* when the store has handed back its jobs */
void joins_join(struct stored_messages *stored, const struct broker_message *message);
void joins_leave(struct stored_messages *stored, const struct broker_message *message);
/* The store works: those whose queues could not be read, once more, in slices. */
void joins_retry(struct stored_messages *stored);
size_t joins_count(const struct joins *joins); /* connections that are coming to queues */

/* ---- requests.c: what others ask of stored messages, and of what was revoked ---- */

/* BROKER_ACKNOWLEDGE, BROKER_END_MESSAGES, BROKER_KEEP, BROKER_FIND_MESSAGE, BROKER_LIST_MESSAGES:
 * one job of the store for each, or several; answers when all is done, or has failed. */
void requests_receive(struct stored_messages *stored, const struct broker_message *message);
/* Revocations outlive the process: the store of their service keeps them, and when it starts all
 * workers are told what it has (BROKER_RESTORE). Until then, or while it cannot be read, their auth
 * backends let nobody in. Begins to read. */
void requests_restore(struct stored_messages *stored);

/* ---- receipts.c: tells senders how their messages end, copy by copy ---- */

void receipts_open(struct stored_messages *stored, struct outbound_http *outbound);
void receipts_change(struct stored_messages *stored); /* the service has other settings */
void receipts_close(struct stored_messages *stored);
/* The copy has ended. Senders that asked ("receipt") hear of every end, by the service's presence
 * events and, if they gave an address, by a POST. That a message has expired or was evicted is told
 * to watchers in any case. */
void receipts_tell(struct stored_messages *stored, const struct qos_copy *copy);

#endif
