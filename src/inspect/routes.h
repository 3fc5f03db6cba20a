/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_ROUTES_H
#define INSPECT_ROUTES_H
/* What back ends watch and operators look at: the routes that are added to those of the api, and
 * what they lead to.
 */
#include "api/routes.h"

struct api_exchange;

extern const struct api_routes inspect_routes;

void inspect_handle_presence(struct api_exchange *exchange);     /* presence.c */
void inspect_handle_trace(struct api_exchange *exchange);        /* trace.c */
void inspect_handle_why(struct api_exchange *exchange);          /* why.c */
void inspect_handle_console(struct api_exchange *exchange);      /* console.c */
void inspect_handle_access(struct api_exchange *exchange);       /* console.c */
void inspect_handle_certificates(struct api_exchange *exchange); /* console.c */
void inspect_handle_settings(struct api_exchange *exchange);     /* console.c */

#endif
