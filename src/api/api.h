/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_H
#define API_API_H
/*
 * Where HTTP/2 meets SSE: the route table, the envelope, one file per family of endpoints. One
 * struct api per worker; the settings are shared and immutable.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api_settings.h"

struct api;
struct api_routes;
struct auth;
struct broker;
struct h2_handler;
struct loop;
struct outbound_http;

/* Where an api lives: what is the worker's own, and stays owned by the caller. */
struct api_place {
    struct loop *loop;
    struct broker *broker;          /* whose messages of services the api receives */
    struct auth *const *auths;      /* one backend per service */
    struct outbound_http *outbound; /* for requests to back ends; outlives the api */
    /* The same, for bodies that are passed on as they come: they are as slow as their clients. */
    struct outbound_http *outbound_streams;
    struct api_host host;
    const struct api_routes *more_routes; /* beside its own, with other paths; NULL: none */
};

/* The broker may receive when this has returned, and has stopped before it is freed. */
struct api *api_new(const struct api_settings *settings, const struct api_place *place);
/* When all streams are gone. Waits for disks at most so long. False: one still hangs, and nothing
 * that it uses was freed; then the process has to end with _exit(). */
bool api_free(struct api *api, uint32_t disks_ms);

/* Other settings, of as many services with the same names and paths, each with the auth backend
 * that it has. Between two turns of the worker's loop: nobody has kept a text of the old ones then,
 * which may go. They count for what begins from now on, and bounds for what there is. */
void api_change(struct api *api, const struct api_settings *settings);

const struct h2_handler *api_handler(struct api *api);

/* The server stops: event streams end with connect-close, reason "drain", each at a moment of its
 * own within spread_ms (sse/lifetime.h). */
void api_drain(struct api *api, uint32_t spread_ms);

/* Behind that: what is left of them ends, and none opens any more. Notifications and receipts that
 * wait are tried at once, and once. A second call is a no-op. */
void api_drain_rest(struct api *api);

/* What is not done by now is not waited for: neither notifications and receipts nor what the store
 * has not begun. */
void api_abandon(struct api *api);

/* Requests that wait for a disk do so no longer. */
void api_abandon_disks(struct api *api);

/* True when no request is on its way, not even one whose client has gone. */
bool api_is_idle(const struct api *api);
size_t api_requests(const struct api *api); /* that are on their way */

#endif
