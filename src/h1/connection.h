/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_CONNECTION_H
#define H1_CONNECTION_H
/*
 * HTTP/1.1 and 1.0 on the sessions of src/h2 (h2/protocol.h): whoever handles requests sees the
 * same streams as over HTTP/2, one after the other. What comes before the answer to the request
 * before it waits unread, but for what was received with that.
 */
struct h2_protocol;

extern const struct h2_protocol h1_protocol;

#endif
