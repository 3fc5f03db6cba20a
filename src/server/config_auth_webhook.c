/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_auth_webhook.h"

#include <string.h>

#include "auth/auth.h"
#include "base/words.h"
#include "outbound/signature.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_webhooks.h"

static bool has_only(const struct word *word, const char *allowed)
{
    for (size_t i = 0; i < word->length; i++) {
        if (!strchr(allowed, word->text[i]))
            return false;
    }
    return true;
}

/* RFC 9110's tokens: fields are looked up in lower case, cookies as they are written. */
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SIGNS "0123456789!#$%&'*+-.^_`|~"

static int check_cookies(const struct config_subject *subject, const char *names)
{
    static const char key[] = "authWebhook.cookies";
    struct word word;
    size_t count = 0;

    while (words_next(&names, &word)) {
        if (!has_only(&word, LOWER UPPER SIGNS))
            return config_check_fail(subject, key, "\"%.*s\" is no name of a cookie",
                                     (int)word.length, word.text);
        if (++count > AUTH_MAX_COOKIES)
            return config_check_fail(subject, key, "there are more than %u; leave some out",
                                     AUTH_MAX_COOKIES);
    }
    return 0;
}

/* What belongs to the connection, or to the question itself. */
static bool is_ours(const struct word *word)
{
    static const char *const names[] = {
        "connection",        "content-length",  "content-type",     "expect",     "host",
        "idempotency-key",   "keep-alive",      "proxy-connection", "te",         "trailer",
        "transfer-encoding", "accept-encoding", "upgrade",          "sse-context"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (word_is(word, names[i]))
            return true;
    }
    return word_is(word, OUTBOUND_SIGNATURE_FIELD);
}

static int check_headers(const struct config_subject *subject, const char *names)
{
    static const char key[] = "authWebhook.headers";
    struct word word;

    while (words_next(&names, &word)) {
        int length = word.length < 100 ? (int)word.length : 100;

        if (word_is(&word, "cookie"))
            return config_check_fail(subject, key,
                                     "\"cookie\" is all cookies; name those that count in "
                                     "authWebhook.cookies");
        if (!has_only(&word, LOWER SIGNS))
            return config_check_fail(subject, key,
                                     "\"%.*s\" is no name of a header field; write it in lower "
                                     "case, such as x-session",
                                     length, word.text);
        if (is_ours(&word))
            return config_check_fail(subject, key,
                                     "\"%.*s\" is a field that the question has itself; leave it "
                                     "out",
                                     length, word.text);
    }
    return 0;
}

static bool is_empty(const char *names)
{
    struct word word;

    return !words_next(&names, &word);
}

int config_check_auth_webhook(const struct config_subject *subject,
                              const struct config_service *service)
{
    const struct auth_webhook_settings *webhook = &service->auth_webhook;
    const struct auth_webhook_names *names = &webhook->names;
    int rc = config_check_url(subject, "authWebhook.url", webhook->url);

    if (rc == 0)
        rc = check_cookies(subject, names->cookies);
    if (rc == 0)
        rc = check_headers(subject, names->headers);
    if (rc != 0 || service->auth != CONFIG_AUTH_WEBHOOK)
        return rc;
    if (*webhook->url == '\0')
        return config_check_fail(subject, "authWebhook.url",
                                 "is missing; auth webhook needs one, such as "
                                 "https://back.example/who");
    if (is_empty(names->cookies) && is_empty(names->headers) && is_empty(names->parameters))
        return config_check_fail(subject, "authWebhook.cookies",
                                 "and headers and parameters are empty: nobody could come in; "
                                 "name what a page shows");
    return 0;
}
