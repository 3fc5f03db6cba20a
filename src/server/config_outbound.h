/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_OUTBOUND_H
#define SERVER_CONFIG_OUTBOUND_H
/* How requests to others are made, from what the settings say. */
#include "outbound/http.h"

struct config;

/* Lives no longer than the settings. */
struct outbound_http_settings config_make_outbound(const struct config *config);

#endif
