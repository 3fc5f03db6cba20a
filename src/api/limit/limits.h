/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_LIMITS_H
#define API_LIMITS_H
/*
 * What a user, an address and a whole service may take: services[].limits. Who is over a limit is
 * refused, told which one and when to come again; nobody else loses anything.
 *
 *   connections, sends       counted for all workers together: each is one number that they share
 *   …Connections, …Uploads   the same, by the worker that owns the service
 *                            (api/limit/attach.h)
 *   …Requests                by each worker for itself: one TLS connection has one worker, so that
 *                            who asks on many of them may have a multiple
 *
 * A request without credentials counts for the user of the connection that it names. An address is
 * all that one customer has (client_address_customer).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/limit/pace.h"
#include "base/buckets.h"
#include "sse/service.h"

struct api_exchange;
struct api_service;
struct sse_user;

enum limit {
    /* numbers of things that last, counted by the owner of the service */
    LIMIT_USER_CONNECTIONS,
    LIMIT_ADDRESS_CONNECTIONS,
    LIMIT_USER_UPLOADS,
    LIMIT_ADDRESS_UPLOADS,
    LIMIT_SLOTS,
    /* the others */
    LIMIT_CONNECTIONS = LIMIT_SLOTS,
    LIMIT_USER_REQUESTS,
    LIMIT_ADDRESS_REQUESTS,
    LIMIT_SENDS,
    /* what uploads take (api/limit/upload_quota.h) */
    LIMIT_USER_UPLOAD_BYTES,
    LIMIT_USER_UPLOAD_FILES,
    LIMIT_USER_OPEN_FILES,
    LIMIT_UPLOAD_BYTES,
    LIMIT_UPLOAD_FILES,
    LIMITS
};

extern const char *const limit_words[LIMITS]; /* as the settings call them */

/* 0, in a rule as its burst: any number. */
struct limits_settings {
    uint32_t most[LIMIT_SLOTS];
    uint32_t connections;
    struct ratelimit_rule user_requests, address_requests, sends;
    uint64_t user_upload_bytes, upload_bytes;
    uint32_t user_upload_files, user_open_files, upload_files;
    uint32_t remembered; /* users, and addresses, whose rates a worker keeps */
};

/* What all workers' parts of a service share. Zero-filled to begin with. */
struct limits_shared {
    atomic_uint_fast32_t connections;
    struct pace sends;
};

/* One worker's part of a service. */
struct limits {
    struct api_service *service;
    uint32_t most[LIMIT_SLOTS]; /* of the latest settings */
    /* Since when each is counted (wall ms): streams that are older hold no slot. */
    int64_t since[LIMIT_SLOTS];
    struct buckets users, addresses;
    uint64_t refused[LIMITS]; /* since start */
};

void limits_init(struct limits *limits, struct api_service *service);
/* The service has other settings. Who is above a new limit stays, and gets no more. */
void limits_change(struct limits *limits);
void limits_release(struct limits *limits);

/* "user" for all that counts users: no text of one can pass for another's. The caller frees it. */
char *limits_user_key(const char *tenant_id, const char *user_id);

/* False when one request more is too much. */
bool limits_take_user_request(struct limits *limits, const struct sse_user *user);
bool limits_take_address_request(struct limits *limits, const char *address);

/* Counts the refusal and answers. */
void limits_refuse(struct api_exchange *exchange, enum limit limit);

/* True when the service may not be sent so many messages now; then it has answered. */
bool limits_refuse_sends(struct api_exchange *exchange, size_t count);

#endif
