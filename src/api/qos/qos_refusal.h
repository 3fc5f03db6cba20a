/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_REFUSAL_H
#define API_QOS_REFUSAL_H

struct api_exchange;

/* What was asked of the store has failed. -ENOENT is 404: no message has that id. */
void qos_refuse(struct api_exchange *exchange, int status);

#endif
