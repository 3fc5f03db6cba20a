/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_H
#define API_REQUEST_H
/* The way of a request from its header fields to its handler: route, guard, body, identity. */

struct api;
struct h2_stream;

void api_request_start(struct api *api, struct h2_stream *stream);

#endif
