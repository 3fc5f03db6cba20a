/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_webhooks.h"

#include <stddef.h>
#include <string.h>

#include "api/presence/presence_event.h"
#include "server/config.h"
#include "server/config_fault.h"

/* Behind "http://" or "https://"; NULL where there is neither. */
static const char *host_of(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    }
    return NULL;
}

int config_check_url(const struct config_subject *subject, const char *key, const char *url)
{
    const char *host = host_of(url);

    if (*url == '\0' || (host && strcspn(host, "/?#") > 0 && !strpbrk(url, " \t#")))
        return 0;
    return config_check_fail(
        subject, key, "\"%.100s\" is no address; write one such as https://back.example/hook", url);
}

int config_check_handlers(const struct config_subject *subject,
                          const struct config_service *service)
{
    const struct api_handler_settings *handlers = &service->handlers;
    int rc = config_check_url(subject, "handlers.messageUrl", handlers->message_url);

    if (rc == 0)
        rc = config_check_url(subject, "handlers.uploadUrl", handlers->upload_url);
    if (rc == 0 && handlers->upload_streams && *handlers->upload_url == '\0')
        return config_check_fail(subject, "handlers.uploadStreams",
                                 "has no use without handlers.uploadUrl; give one");
    return rc;
}

int config_check_notifications(const struct config_subject *subject,
                               const struct config_service *service)
{
    const struct config_notifications *notifications = &service->notifications;
    struct word unknown;
    unsigned kinds;

    if (!presence_kinds_parse(notifications->events, &kinds, &unknown))
        return config_check_fail(subject, "notifications.events",
                                 "\"%.*s\" is no presence event; there are " PRESENCE_KIND_LIST,
                                 unknown.length < 64 ? (int)unknown.length : 64, unknown.text);
    return config_check_url(subject, "notifications.url", notifications->url);
}
