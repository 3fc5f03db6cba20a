/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/config_keys.h"
#include "server/config_load.h"
#include "server/config_value.h"

/* What `default-config` prints: every key with its help, its range and its default. */

static const char head[] =
    "# The settings of sse-server with their defaults: this file changes nothing. Keep what you\n"
    "# change and drop the rest; check it with \"sse-server check-config FILE\".\n"
    "#\n"
    "# Sizes are bytes or have a unit (KiB, MiB, GiB); times are milliseconds or have one (ms, s,\n"
    "# m, h). Every key is a variable of the environment too, which wins over the file:\n"
    "# limits.idleTimeout is SSE_SERVER_LIMITS_IDLE_TIMEOUT, the first service's queueBytes is\n"
    "# SSE_SERVER_SERVICES_0_QUEUE_BYTES. SSE_SERVER_LISTEN and SSE_SERVER_API_KEY replace all\n"
    "# listeners or keys; several are separated by commas.\n"
    "#\n"
    "# \"sse-server reload\", or SIGHUP, reads all of it anew while the server runs, but for what "
    "says\n"
    "# that it changes at the next start only, and for services and listeners that come or go.\n";

static void print_comment(const struct config_key *key, size_t indent, struct buf *to)
{
    struct buf range = BUF_INIT;

    config_value_print_range(key, &range);
    buf_printf(to, "%*s# %s\n", (int)indent, "", key->help);
    if (range.length > 0)
        buf_printf(to, "%*s# Allowed: %s.\n", (int)indent, "", buf_str(&range));
    if (key->change == CONFIG_STATIC)
        buf_printf(to, "%*s# Changes at the next start only.\n", (int)indent, "");
    buf_release(&range);
}

/* Each dot, and each list, indents its keys by one step. */
static size_t indent_of(const char *name)
{
    size_t indent = 0;

    for (const char *c = name; *c; c++)
        indent += (*c == '.' || *c == '[') ? 2 : 0;
    return indent;
}

static void print_key(const void *owner, const struct config_key *key, bool is_first,
                      struct buf *to)
{
    size_t indent = indent_of(key->name);

    print_comment(key, indent, to);
    buf_printf(to, "%*s%s%s: ", (int)(is_first ? indent - 2 : indent), "", is_first ? "- " : "",
               config_key_last(key->name));
    config_value_print(key, owner, to);
    buf_append_char(to, '\n');
}

/* A list's items are printed by the rows of their keys, the first with a dash. */
static void print_head(const struct config_key *key, bool is_empty, struct buf *to)
{
    size_t indent = indent_of(key->name);

    buf_printf(to, "\n%*s# %s\n%*s%s:%s\n", (int)indent, "", key->help, (int)indent, "",
               config_key_last(key->name), is_empty ? " []" : "");
}

static void print_example(void *owner, const struct config_list *list, size_t *at, struct buf *to);

/* All rows that lie in owner, an item of list or (NULL) struct config, from *at on; with a list
 * that lies in an item. */
static void print_rows(void *owner, const struct config_list *list, size_t *at, struct buf *to)
{
    bool is_first = list != NULL;

    while (*at < config_key_count) {
        const struct config_key *key = &config_keys[*at];
        const bool is_inner = key->type == CONFIG_LIST && list && key->list->within == list;

        if (!is_inner && (key->type == CONFIG_LIST || key->list != list))
            return;
        ++*at;
        if (is_inner) {
            print_head(key, true, to);
            print_example(owner, key->list, at, to);
        } else if (key->type == CONFIG_SECTION) {
            print_head(key, false, to);
        } else if (!key->is_shorthand) {
            print_key(owner, key, is_first, to);
            is_first = false;
        }
    }
}

/* As comments: what an item of an empty list would look like. */
static void print_example(void *owner, const struct config_list *list, size_t *at, struct buf *to)
{
    struct buf rows = BUF_INIT;
    char *rest, *line;

    print_rows(config_list_add(owner, list), list, at, &rows);
    config_list_clear(owner, list);
    rest = buf_detach(&rows);
    for (char *text = rest; (line = strsep(&text, "\n")) && text;)
        buf_printf(to, *line == '\0' ? "#\n" : "#%s\n", line);
    free(rest);
}

static void print_all(struct config *config, struct buf *to)
{
    size_t at = 0;

    buf_append_str(to, head);
    buf_append_char(to, '\n');
    print_rows(config, NULL, &at, to);
    while (at < config_key_count) {
        const struct config_key *key = &config_keys[at++];
        bool is_empty = config_list_count(config, key->list) == 0;

        print_head(key, is_empty, to);
        if (is_empty)
            print_example(config, key->list, &at, to);
        else
            print_rows(config_list_item(config, key->list, 0), key->list, &at, to);
        print_rows(config, NULL, &at, to);
    }
}

char *config_default_text(void)
{
    struct config config;
    struct buf text = BUF_INIT;

    config_init_demo(&config);
    print_all(&config, &text);
    config_release(&config);
    return buf_detach(&text);
}

/* ---- the settings in use, for who operates the server (GET /settings) ---- */

static const char hidden[] = "***";

/* Without its user, and its query, which may have a secret. */
static void append_url(struct buf *to, const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *host = scheme ? scheme + 3 : text;
    const char *path = host + strcspn(host, "/?#");
    const char *at = scheme ? memchr(host, '@', (size_t)(path - host)) : NULL;
    const char *query = scheme ? strchr(path, '?') : NULL;
    struct buf shown = BUF_INIT;

    buf_append(&shown, text, (size_t)(host - text));
    if (at)
        buf_append_str(&shown, hidden);
    host = at ? at : host;
    buf_append(&shown, host, query ? (size_t)(query - host) + 1 : strlen(host));
    if (query)
        buf_append_str(&shown, hidden);
    json_text_string(to, buf_str(&shown));
    buf_release(&shown);
}

static void append_value(struct buf *to, const struct config_key *key, const void *owner)
{
    struct buf printed = BUF_INIT;

    if (key->is_hidden || key->is_secret) {
        json_text_string(to, *config_value_text(key, owner) != '\0' ? hidden : "");
        return;
    }
    if (key->type == CONFIG_TEXT) {
        append_url(to, config_value_text(key, owner));
        return;
    }
    config_value_print(key, owner, &printed);
    if (key->type == CONFIG_BOOL || key->type == CONFIG_COUNT || key->type == CONFIG_TEXTS)
        buf_append_str(to, buf_str(&printed));
    else
        json_text_string(to, buf_str(&printed));
    buf_release(&printed);
}

/* Texts of members, each with a comma before it: what is set, and the defaults of what differs. */
struct shown {
    struct buf settings, defaults;
};

static void append_member(struct buf *to, const struct config_key *key,
                          const size_t numbers[CONFIG_DEPTH], const void *owner)
{
    buf_append_str(to, ",\"");
    config_key_append_name(key, numbers, to);
    buf_append_str(to, "\":");
    append_value(to, key, owner);
}

static void *defaults_new(const struct config_list *list)
{
    void *owner = mem_zalloc(list ? list->item_size : sizeof(struct config));

    config_set_defaults(owner, list);
    return owner;
}

/* numbers: of the item and of those around it; at depth is room for more. */
static void append_owner(struct shown *to, const void *owner, const struct config_list *list,
                         size_t numbers[CONFIG_DEPTH], size_t depth)
{
    void *defaults = defaults_new(list);

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->list == list && config_key_has_value(key)) {
            append_member(&to->settings, key, numbers, owner);
            if (!config_value_is_equal(key, owner, defaults))
                append_member(&to->defaults, key, numbers, defaults);
        }
        if (key->type != CONFIG_LIST || key->list->within != list)
            continue;
        for (size_t item = 0; item < config_list_count(owner, key->list); item++) {
            numbers[depth] = item;
            append_owner(to, config_list_item(owner, key->list, item), key->list, numbers,
                         depth + 1);
        }
    }
    config_owner_release(defaults, list);
    free(defaults);
}

/* Without the comma at the start. */
static const char *members(struct buf *texts)
{
    return texts->length > 0 ? buf_str(texts) + 1 : "";
}

char *config_show(const struct config *config, uint64_t version)
{
    size_t numbers[CONFIG_DEPTH] = {0};
    struct shown shown = {BUF_INIT, BUF_INIT};
    struct buf text = BUF_INIT;

    append_owner(&shown, config, NULL, numbers, 0);
    buf_printf(&text, "{\"version\":%" PRIu64 ",\"settings\":{%s},\"defaults\":{%s}}", version,
               members(&shown.settings), members(&shown.defaults));
    buf_release(&shown.settings);
    buf_release(&shown.defaults);
    return buf_detach(&text);
}
