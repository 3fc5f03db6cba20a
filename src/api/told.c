/* SPDX-License-Identifier: Apache-2.0 */
#include "api/told.h"

#include <string.h>

#include "base/http_url.h"

static bool is_loopback(const struct http_url *url)
{
    if (url->is_address)
        return strncmp(url->host, "127.", 4) == 0 || strcmp(url->host, "::1") == 0;
    return strcmp(url->host, "localhost") == 0;
}

bool told_may_have_token(const char *url, const char *secret, bool has_proxy)
{
    struct http_url parts;

    if (*secret == '\0')
        return false;
    if (strncmp(url, "https://", strlen("https://")) == 0)
        return true;
    return !has_proxy && !http_url_read(&parts, url) && is_loopback(&parts);
}
