/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_INQUIRY_H
#define BROKER_WHY_INQUIRY_H
/*
 * Finds out why one user, or whoever else a message was for, did not get something: asks all
 * workers, then the store, then, when the user is not to be found, the other services that the
 * asker may know; and decides.
 */
#include <stdbool.h>
#include <stddef.h>

#include "broker/broker.h"
#include "broker/why/history.h"

struct broker_service;
struct qos_copies;
struct qos_recipient;

/* A service that the asker may know. */
struct why_place {
    size_t service;    /* its index */
    char *name;        /* owned */
    bool is_of_tenant; /* its users are unique within their tenant */
};

/* Zero-filled but for what the caller fills in: */
struct why_inquiry {
    const struct broker_service *service;
    /* Its texts are lent. user_key is made here, and so is user_id where there is a group: */
    struct why_question question;
    const struct qos_recipient *group; /* it is not about a user, but about this; NULL: it is */
    struct why_place *places;          /* the others; owned */
    size_t place_count;
    void (*done)(struct why_inquiry *inquiry); /* releases it */
    /* The result: */
    struct why_facts facts;
    enum why_cause cause;
    struct why_evidence *evidence;
    struct why_history history;
    const struct qos_copies *stored; /* the user's stored copies, the first of them; NULL: none */
    /* How far it is: */
    struct broker_request request;
    struct broker_message *listed, *found; /* the store's answers */
    size_t place;
    char *who, *channel, *id;
    char *user_key, *key_there;
};

void why_inquiry_start(struct why_inquiry *inquiry);
void why_inquiry_release(struct why_inquiry *inquiry);

/* The question to a worker, for the same of a message alone; its texts are copied. */
struct broker_message *why_question_new(size_t service, const struct why_question *question);

#endif
