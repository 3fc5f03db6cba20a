/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/complaint.h"

#include <stddef.h>
#include <strings.h>

#include "base/http_url.h"
#include "base/log.h"
#include "outbound/http.h"

static const char *const purposes[] = {
    [OUTBOUND_HANDLER] = "handler",
    [OUTBOUND_AUTH] = "authWebhook",
    [OUTBOUND_NOTIFICATION] = "notifications",
    [OUTBOUND_RECEIPT] = "receipt",
    [OUTBOUND_KEYS] = "JWK set",
};

static const char *fault_of_status(int status)
{
    switch (status) {
    case 401:
        return "it does not know us: is its secret this service's webhookSecret?";
    case 407:
        return "a proxy before it wants credentials";
    case 429:
    case 503:
        return "it is busy";
    default:
        if (status >= 500)
            return "it failed";
        return status >= 400 ? "it refuses the request"
                             : "it leads elsewhere, and redirects are not followed";
    }
}

const char *outbound_answer_fault(const struct outbound_answer *answer)
{
    static const char html[] = "text/html";

    if (answer->status < 200 || answer->status >= 300)
        return fault_of_status(answer->status);
    if (answer->is_encoded)
        return "its answer is compressed, which it was not asked for (content-encoding)";
    if (answer->content_type && strncasecmp(answer->content_type, html, sizeof(html) - 1) == 0)
        return "its answer is HTML, not JSON";
    return "its answer is not JSON";
}

void outbound_complain(enum outbound_purpose purpose, const char *service, const char *url,
                       const struct outbound_answer *answer, const char *reason)
{
    struct http_url where = {.host = ""};

    if (!reason)
        reason = answer->error != 0 ? answer->reason : outbound_answer_fault(answer);
    (void)http_url_read(&where, url);
    LOG_LIMITED(LOG_OF_BACK_ENDS + purpose, LOG_WARN_LEVEL, "a back end gave no usable answer",
                LOG_STR("asked_as", purposes[purpose]), LOG_STR("service", service),
                LOG_STR("host", where.host), LOG_STR("reason", reason),
                LOG_INT("status", answer->error != 0 ? 0 : answer->status));
}
