/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_TLS_H
#define SERVER_CONFIG_TLS_H
/* The certificates of listeners and the keys of session tickets, as the settings name them. */
#include <stddef.h>

#include "server/config.h"

struct config_subject;
struct h2_tls_files;

#define CONFIG_MAX_TLS_FILES (CONFIG_MAX_CERTIFICATES + 1)

/* Those of a listener with TLS, the default first; borrowed from the config. How many; 0: it shows
 * the development certificate. */
size_t config_tls_files(const struct config_listener *listener,
                        struct h2_tls_files files[CONFIG_MAX_TLS_FILES]);

/* Parts of config_check(), which also load what is named. 0, or -EINVAL with the fault. */
int config_check_listener_tls(const struct config_subject *subject,
                              const struct config_listener *listener);
int config_check_tls(const struct config_subject *subject);

#endif
