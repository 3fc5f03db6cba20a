/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CLIENT_LIMIT_H
#define API_CLIENT_LIMIT_H
/*
 * Brings the joins and leaves of this worker's connections to the worker that counts them
 * (sse/clients.h), and closes the one that is too many, wherever it lives.
 */
#include "base/list.h"
#include "sse/service.h"

struct api_service;
struct sse_clients;

struct client_limit {
    struct sse_observer observer;
    struct api_service *service;
    struct sse_clients *clients; /* those whose keys this worker owns */
};

/* From here on it hears of every connection of the service's core. */
void client_limit_init(struct client_limit *limit, struct api_service *service);
void client_limit_release(struct client_limit *limit);

#endif
