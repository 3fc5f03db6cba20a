/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_show.h"

#include <inttypes.h>
#include <string.h>

#include "api/json_text.h"
#include "base/buf.h"
#include "server/config.h"
#include "server/config_keys.h"
#include "server/config_source.h"
#include "server/config_value.h"

#define DEPTH 2u /* of lists in lists */

static const char hidden[] = "***";

/* Without "user:password@". */
static void append_url(struct buf *to, const char *text)
{
    const char *host = strstr(text, "://");
    const char *at = host ? strchr(host, '@') : NULL;
    struct buf shown = BUF_INIT;

    if (at && strcspn(host + 3, "/?#") > (size_t)(at - host - 3)) {
        buf_append(&shown, text, (size_t)(host - text) + 3);
        buf_printf(&shown, "%s%s", hidden, at);
        text = buf_str(&shown);
    }
    json_text_string(to, text);
    buf_release(&shown);
}

static void append_value(struct buf *to, const struct config_key *key, const void *owner)
{
    struct buf printed = BUF_INIT;
    const char *text;

    if (key->is_hidden) {
        memcpy(&text, (const char *)owner + key->offset, sizeof(text));
        json_text_string(to, *text != '\0' ? hidden : "");
        return;
    }
    if (key->type == CONFIG_TEXT) {
        memcpy(&text, (const char *)owner + key->offset, sizeof(text));
        if (key->is_secret && *text != '\0')
            json_text_string(to, hidden);
        else
            append_url(to, text);
        return;
    }
    config_value_print(key, owner, &printed);
    if (key->type == CONFIG_BOOL || key->type == CONFIG_COUNT || key->type == CONFIG_TEXTS)
        buf_append_str(to, buf_str(&printed));
    else
        json_text_string(to, buf_str(&printed));
    buf_release(&printed);
}

/* "listeners[].certificates[].key" with the numbers of its items. */
static void append_name(struct buf *to, const char *name, const size_t numbers[DEPTH])
{
    size_t at = 0;

    for (const char *c = name; *c; c++) {
        buf_append_char(to, *c);
        if (*c == '[' && at < DEPTH)
            buf_printf(to, "%zu", numbers[at++]);
    }
}

static void append_row(struct buf *to, const struct config_key *key, const void *owner,
                       const size_t numbers[DEPTH])
{
    buf_append_str(to, ",\"");
    append_name(to, key->name, numbers);
    buf_append_str(to, "\":");
    append_value(to, key, owner);
}

/* numbers: of the item and of those around it; the last one is where there is room for more. */
static void append_owner(struct buf *to, void *owner, const struct config_list *list,
                         size_t numbers[DEPTH], size_t depth)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type != CONFIG_LIST && key->list == list && key->fallback && !key->is_shorthand)
            append_row(to, key, owner, numbers);
        if (key->type != CONFIG_LIST || key->list->within != list)
            continue;
        for (size_t item = 0; item < config_list_count(owner, key->list); item++) {
            numbers[depth] = item;
            append_owner(to, config_list_item(owner, key->list, item), key->list, numbers,
                         depth + 1);
        }
    }
}

char *config_show(const struct config *config, uint64_t version)
{
    struct config *owner = (struct config *)(uintptr_t)config; /* is not changed */
    size_t numbers[DEPTH] = {0};
    struct buf rows = BUF_INIT;
    struct buf text = BUF_INIT;

    append_owner(&rows, owner, NULL, numbers, 0);
    buf_printf(&text, "{\"version\":%" PRIu64 ",\"settings\":{%s}}", version, buf_str(&rows) + 1);
    buf_release(&rows);
    return buf_detach(&text);
}
