/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ROUTES_H
#define API_ROUTES_H
/* The route table, and what it leads to: one function per endpoint, in the file of its family. Each
 * answers, now or later. */
#include <stdbool.h>
#include <stddef.h>

#include "api/request_class.h"

struct api_exchange;
struct api_service;
struct h2_route;
struct h2_stream;

/* Routes to struct api_endpoint: below the base path of each service, and below the root. */
struct api_routes {
    const struct h2_route *of_service, *of_server;
    size_t service_count, server_count;
};

/* Finds the endpoint of the exchange's request, its service and its {path}. False when there is
 * none, or not for this method: then it has answered 204 (OPTIONS), 404 or 405. */
bool api_routes_find(struct api_exchange *exchange);

/* Whether a path below a service's base path is for pages, or unknown. */
bool api_routes_is_pages_side(const struct api_service *service, const char *path);

/* Of what a request leads to. */
enum request_class api_routes_class(const struct api_exchange *exchange);

/* Whether it is a page that reads the answer of the exchange, whatever that says. */
bool api_routes_is_for_pages(const struct api_exchange *exchange);

/* The browser's side */
void api_handle_script(struct api_exchange *exchange);           /* about.c */
void api_handle_connect(struct api_exchange *exchange);          /* connect.c */
void api_handle_change_listeners(struct api_exchange *exchange); /* connection.c */
void api_handle_change_channels(struct api_exchange *exchange);  /* connection.c */
void api_handle_refresh(struct api_exchange *exchange);          /* connection.c */
void api_handle_message(struct api_exchange *exchange);          /* message.c */
void api_handle_upload(struct api_exchange *exchange);           /* upload.c */
void api_handle_disconnect(struct api_exchange *exchange);       /* connection.c */
void api_handle_ack(struct api_exchange *exchange);              /* connection.c */

/* The back ends' side */
void api_handle_list(struct api_exchange *exchange);            /* lists.c */
void api_handle_keys(struct api_exchange *exchange);            /* lists.c */
void api_handle_messages(struct api_exchange *exchange);        /* messages.c */
void api_handle_message_state(struct api_exchange *exchange);   /* messages.c */
void api_handle_online(struct api_exchange *exchange);          /* lists.c */
void api_handle_counts(struct api_exchange *exchange);          /* lists.c */
void api_handle_send(struct api_exchange *exchange);            /* send.c */
void api_handle_delete_messages(struct api_exchange *exchange); /* messages.c */
void api_handle_delete_message(struct api_exchange *exchange);  /* messages.c */
void api_handle_disconnect_user(struct api_exchange *exchange); /* individuals.c */
void api_handle_set_duration(struct api_exchange *exchange);    /* individuals.c */

/* The Java system's lists, also for pages */
void api_handle_java_list(struct api_exchange *exchange);     /* lists.c */
void api_handle_java_messages(struct api_exchange *exchange); /* messages.c */

/* The server itself */
void api_handle_demo(struct api_exchange *exchange);    /* about.c */
void api_handle_live(struct api_exchange *exchange);    /* about.c */
void api_handle_ready(struct api_exchange *exchange);   /* about.c */
void api_handle_metrics(struct api_exchange *exchange); /* about.c */
void api_handle_openapi(struct api_exchange *exchange); /* about.c */

/* Of struct h2_handler; context: the api. */
void api_request_start(void *context, struct h2_stream *stream);

#endif
