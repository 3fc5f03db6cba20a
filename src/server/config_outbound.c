/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_outbound.h"

#include "server/config.h"
#include "server/version.h"

struct outbound_http_settings config_make_outbound(const struct config *config)
{
    const struct config_outbound *outbound = &config->outbound;

    return (struct outbound_http_settings){
        .in_flight = outbound->in_flight,
        .waiting = outbound->waiting,
        .host_connections = outbound->host_connections,
        .connect_ms = outbound->connect_ms,
        .feed_bytes = config->limits.session_window,
        .ca_file = outbound->ca_file,
        .proxy = outbound->proxy,
        .only_http1 = !outbound->http2,
        .user_agent = server_agent,
    };
}
