/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_METRICS_H
#define API_METRICS_H
/* What this worker counts, for one that is asked for metrics. */
struct api;
struct broker_message;

/* BROKER_SAMPLE */
void metrics_receive(const struct api *api, const struct broker_message *question);

#endif
