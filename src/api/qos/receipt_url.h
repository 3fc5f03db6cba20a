/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_RECEIPT_URL_H
#define API_QOS_RECEIPT_URL_H
/*
 * Whether a receipt may be posted to a URL, as far as its text tells: it is the sender who names
 * it, and the server may reach what the sender may not. What its host's name leads to is looked at
 * when it is connected to (outbound_request.only_public).
 */
#include <stdbool.h>
#include <stddef.h>

struct api_qos_settings;

/* False with a sentence in fault. */
bool receipt_url_is_allowed(const struct api_qos_settings *settings, const char *url, char *fault,
                            size_t fault_size);

#endif
