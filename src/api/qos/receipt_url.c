/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/receipt_url.h"

#include <stdio.h>
#include <string.h>

#include "api/api_settings.h"
#include "base/http_url.h"
#include "base/public_address.h"

/* RFC 6761, section 6.3. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    const size_t length = strlen(host);

    return length >= sizeof(name) - 1 && strcmp(host + length - (sizeof(name) - 1), name) == 0 &&
           (length == sizeof(name) - 1 || host[length - sizeof(name)] == '.');
}

/* Without a list: what cannot be public, whatever it leads to. */
static bool is_known_not_public(const struct http_url *url)
{
    return url->is_address ? !public_address_is_text(url->host) : is_localhost(url->host);
}

bool receipt_url_is_allowed(const struct api_qos_settings *settings, const char *url, char *fault,
                            size_t fault_size)
{
    struct http_url read;
    const char *reason = http_url_read(&read, url);

    if (reason) {
        snprintf(fault, fault_size, "\"receipt\" is no URL that is posted to: it %s", reason);
        return false;
    }
    if (*settings->receipt_hosts != '\0') {
        if (http_url_is_listed(&read, settings->receipt_hosts))
            return true;
        snprintf(fault, fault_size,
                 "the host of \"receipt\" is not one of services[].qos.receiptHosts; name one of "
                 "these, or add it there");
        return false;
    }
    if (settings->has_proxy) {
        snprintf(fault, fault_size,
                 "\"receipt\" may be a URL only of hosts in services[].qos.receiptHosts, which is "
                 "empty: requests go by outbound.proxy, which alone sees their addresses");
        return false;
    }
    if (!is_known_not_public(&read))
        return true;
    snprintf(
        fault, fault_size,
        "the host of \"receipt\" is not public, and not one of services[].qos.receiptHosts; add "
        "it there if it is to get receipts");
    return false;
}
