/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CLIENT_INFO_H
#define API_CLIENT_INFO_H
/* What a connect request says about the page behind it, with its secrets masked unless the service
 * shows them. */
#include "base/buf.h"
#include "sse/client_info.h"

struct api_exchange;

struct client_info_texts {
    struct buf domain, location, parameters, headers;
    char tls[128];
};

/* Fills in *info with texts of the exchange, whose user is known, and of *texts, which starts
 * zero-filled. */
void client_info_collect(const struct api_exchange *exchange, struct sse_client_info *info,
                         struct client_info_texts *texts);
/* What the page calls this server: scheme://authority. */
void client_info_domain(const struct api_exchange *exchange, struct buf *domain);
void client_info_release(struct client_info_texts *texts);

#endif
