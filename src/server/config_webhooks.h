/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_WEBHOOKS_H
#define SERVER_CONFIG_WEBHOOKS_H
/* What must hold of the addresses that a service posts to. */

struct config_service;
struct config_subject;

/* Whether url, "" included, is one that can be posted to. 0, or -EINVAL with the subject's fault.
 */
int config_check_url(const struct config_subject *subject, const char *key, const char *url);

int config_check_handlers(const struct config_subject *subject,
                          const struct config_service *service);
int config_check_notifications(const struct config_subject *subject,
                               const struct config_service *service);

#endif
