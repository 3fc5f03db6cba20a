/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ROUTES_H
#define API_ROUTES_H
/* THE route table: every path that this server answers. */
#include <stdbool.h>

struct api_exchange;

/* Finds the endpoint of the exchange's request, its service and its {path}. False when there is
 * none, or not for this method: then it has answered 204 (OPTIONS), 404 or 405. */
bool api_routes_find(struct api_exchange *exchange);

/* Whether a path below a service's base path is none of the back ends'. */
bool api_routes_is_pages_side(const char *path);

#endif
