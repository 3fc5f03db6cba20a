/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_AUTH_WEBHOOK_H
#define SERVER_CONFIG_AUTH_WEBHOOK_H
/* What must hold of the back end that knows a service's users, and of the names of what it is told.
 */

struct config_service;
struct config_subject;

/* 0, or -EINVAL with the subject's fault. */
int config_check_auth_webhook(const struct config_subject *subject,
                              const struct config_service *service);

#endif
