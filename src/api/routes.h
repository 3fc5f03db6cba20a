/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ROUTES_H
#define API_ROUTES_H
/* THE route table: every path that this server answers. */
#include <stdbool.h>

struct api_exchange;
struct api_service;

/* Finds the endpoint of the exchange's request, its service and its {path}. False when there is
 * none, or not for this method: then it has answered 204 (OPTIONS), 404 or 405. */
bool api_routes_find(struct api_exchange *exchange);

/* Whether a path below a service's base path is for pages, or unknown. */
bool api_routes_is_pages_side(const struct api_service *service, const char *path);

/* Whether it is a page that reads the answer of the exchange, whatever that says. */
bool api_routes_is_for_pages(const struct api_exchange *exchange);

#endif
