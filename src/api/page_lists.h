/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PAGE_LISTS_H
#define API_PAGE_LISTS_H
/*
 * Who may read the lists of the Java system: back ends; and, where services[].pageLists says so, a
 * page whose user's credential has the claim "lists": true, from an origin that is fine. A page
 * sees no whole token, and only those of its user's tenant where users are unique within theirs.
 */
#include <stdbool.h>

struct api_endpoint;
struct api_exchange;
struct api_service;

bool page_lists_is(const struct api_endpoint *endpoint);
/* Whether it is one, and for pages of the service, too. */
bool page_lists_have(const struct api_service *service, const struct api_endpoint *endpoint);

/* For those: runs the endpoint's handler, now or later, unless it has answered 401, 403, … */
void page_lists_start(struct api_exchange *exchange);

#endif
