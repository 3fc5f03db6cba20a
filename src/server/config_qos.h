/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_QOS_H
#define SERVER_CONFIG_QOS_H
/* The settings of stored messages. */
#include <stdbool.h>

struct api_qos_settings;
struct config_service;
struct config_subject;

/* The result lends its texts from the configuration. */
struct api_qos_settings config_make_qos(const struct config_service *service, bool has_proxy);

/* What must be true between them, and between services. 0, or -EINVAL with the fault. */
int config_check_qos(const struct config_subject *subject, const struct config_service *service);

#endif
