/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_STORED_SETTINGS_H
#define BROKER_STORED_SETTINGS_H
/* How messages are kept until somebody has them, and what has become of them. */
#include "broker/redelivery/ops.h"
#include "outbound/posts.h"
#include "qos/repository.h"

struct stored_settings {
    bool is_in_memory;            /* instead of in: */
    const char *file;             /* SQLite's */
    uint32_t ttl_ms, ttl_ms_most; /* of messages that say nothing; that a message may say */
    uint32_t queue;               /* copies for one user, token, channel, … */
    uint32_t messages;            /* in all, */
    size_t bytes;                 /* and their size */
    size_t waiting_bytes;         /* of those that wait for the disk, */
    uint32_t waiting_ms;          /* and how long what has not begun does */
    uint32_t remember_ms;         /* how long ended messages are known, */
    uint32_t remembered;          /* and how many */
    uint32_t revocations;         /* that are kept */
    uint32_t receipts;            /* that wait to be posted */
    const char *receipt_hosts;    /* to these (base/http_url.h); "": to public addresses */
    bool has_proxy;               /* between us and them, so that we do not see addresses */
    const char *receipt_secret;   /* signs them; "": they are not signed */
    bool tells_tokens;            /* to the service's own back end, as a whole */
    struct redelivery_settings redelivery;
};

struct stored_counters {
    uint64_t stored;  /* copies */
    uint64_t repeats; /* messages that were sent again under the same id */
    uint64_t refused; /* requests that found no place in the store, or no store; */
    uint64_t busy;    /* or too much that waited for it */
    uint64_t ended[QOS_STATES];
};

struct stored_report {
    struct stored_counters counters;
    struct qos_store_report store;
    struct redelivery_report redelivery;
    struct post_counters receipts;
    uint64_t receipts_waiting;
    size_t waiting_bytes;               /* of messages that wait to be stored */
    size_t joining;                     /* connections whose queues are being looked for */
    uint64_t messages_most, bytes_most; /* as the settings say */
};

#endif
