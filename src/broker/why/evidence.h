/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_EVIDENCE_H
#define BROKER_WHY_EVIDENCE_H
/*
 * What one worker knows that may say why somebody did not get something: the user's connections
 * that live there, names that are like those that are asked about, and records of the trace. A
 * shard looks at all its connections and all that is recorded, in slices.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "broker/why/cause.h"

struct broker_message;
struct broker_service;
struct trace_record;

/* What is asked. Texts are the message's; NULL: not said. */
struct why_question {
    const char *user_id, *user_key;
    const char *tenant_id; /* the user's; "": it has none */
    const char *event;
    const char *id; /* of a message */
    const char *channel;
    const char *tenants;  /* words: nothing of others may be told; NULL: all may */
    bool is_of_tenant;    /* users are unique within their tenant */
    bool is_of_records;   /* those of the message alone are wanted */
    bool is_of_neighbour; /* the service is not the one that was asked: no details */
};

#define WHY_SHOWN_MOST   100u                 /* connections */
#define WHY_RECORDS_MOST ((size_t)256 * 1024) /* bytes of records that a worker shows */

struct why_evidence {
    struct why_presence presence; /* nearest is owned */
    struct why_channel channel;   /* the same */
    struct why_queue queue;       /* at the owner */
    char *other_tenant;
    struct buf shown; /* the user's connections: JSON objects with commas */
    uint32_t shown_count;
    struct buf records;  /* of the trace, whole; the newest where there are too many */
    int64_t known_since; /* wall ms: messages before that are not known any more; 0: all are */
    bool is_cut;         /* some records were left out */
    bool is_unrecorded;  /* the trace is off */
};

/* BROKER_WHY: answers with BROKER_EVIDENCE. */
void why_gather(struct broker_service *service, const struct broker_message *question);

void why_evidence_free(struct why_evidence *evidence); /* accepts NULL */

/* Adds what another worker has found. */
void why_evidence_add(struct why_evidence *evidence, const struct why_evidence *other);

/* The first record, which may not be there, and the one behind it. NULL: none. */
const struct trace_record *why_first_record(const struct why_evidence *evidence);
const struct trace_record *why_next_record(const struct why_evidence *evidence,
                                           const struct trace_record *record);

#endif
