/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QUERY_MESSAGE_H
#define API_QUERY_MESSAGE_H

struct api_exchange;

/* Answers what has become of each copy of a message. */
void query_message_start(struct api_exchange *exchange, const char *id);

#endif
