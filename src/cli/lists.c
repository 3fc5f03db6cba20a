/* SPDX-License-Identifier: Apache-2.0 */
/* users and connections: who is there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/print.h"
#include "cli/table.h"

#define PAGE_ROWS    1000u /* the most that one answer has */
#define DEFAULT_ROWS 100u
#define MOST_ROWS    10000000u

/* ---- what there is to a row ---- */

static void add_number(struct cli_table *table, const json_t *row, const char *name)
{
    const json_int_t number = json_integer_value(json_object_get(row, name));

    cli_table_add_number(table, number > 0 ? (uint64_t)number : 0);
}

static const char *const user_heads[] = {"USER",         "NAME",   "TENANT", "TOKEN",
                                         ">CONNECTIONS", "ONLINE", NULL};

static void add_user(struct cli_table *table, const json_t *user)
{
    cli_table_add(table, cli_text_of(user, "id"));
    cli_table_add(table, cli_text_of(user, "name"));
    cli_table_add(table, cli_text_of(user, "tenantId"));
    cli_table_add(table, cli_text_of(user, "accessToken"));
    add_number(table, user, "connections");
    cli_table_add(table, json_is_true(json_object_get(user, "grace")) ? "until the grace time ends"
                                                                      : "yes");
}

static const char *const connection_heads[] = {"CONNECTION", "USER",      "NAME",    "TENANT",
                                               "ADDRESS",    ">AGE",      ">EVENTS", ">QUEUED",
                                               "CHANNELS",   "LISTENERS", "PAGE",    NULL};

static void add_connection(struct cli_table *table, const json_t *connection)
{
    const json_t *user = json_object_get(connection, "accessUser");

    cli_table_add(table, cli_text_of(connection, "id"));
    cli_table_add(table, cli_text_of(user, "id"));
    cli_table_add(table, cli_text_of(user, "name"));
    cli_table_add(table, cli_text_of(user, "tenantId"));
    cli_table_add(table, cli_text_of(connection, "requestIp"));
    cli_table_add_age(table, json_object_get(connection, "createTime"));
    add_number(table, connection, "messageCount");
    add_number(table, connection, "queuedBytes");
    cli_table_add_words(table, json_object_get(connection, "channels"));
    cli_table_add_words(table, json_object_get(connection, "listeners"));
    cli_table_add(table, cli_text_of(connection, "locationHref"));
}

/* ---- the list ---- */

struct listing {
    const char *path;
    const char
        *sort; /* where nothing else is said; said, the list shows what it may be sorted by */
    const char *const *heads;
    void (*add)(struct cli_table *table, const json_t *row);
};

static const struct listing of_users = {"/users", "id", user_heads, add_user};
static const struct listing of_connections = {"/connections", "name", connection_heads,
                                              add_connection};

/* Appends a page to the rows. How many it has, and *total; or a negative errno. */
static ssize_t ask_page(struct cli_http *http, const char *path, json_t *rows, json_int_t *total,
                        struct config_fault *fault)
{
    const struct cli_request request = {.method = "GET", .path = path};
    int rc;
    json_t *data = cli_http_ask_json(http, &request, &rc, fault);
    json_t *list = json_object_get(data, "list");
    const size_t count = json_array_size(list);

    if (data) {
        json_array_extend(rows, list);
        *total = json_integer_value(json_object_get(data, "total"));
    }
    json_decref(data);
    return data ? (ssize_t)count : rc;
}

static int ask_rows(const struct cli_line *line, struct cli_http *http, const struct listing *of,
                    json_t *result, struct config_fault *fault)
{
    static const struct cli_range range = {"--limit", 1, MOST_ROWS};
    json_t *rows = json_object_get(result, "list");
    uint64_t limit = DEFAULT_ROWS;
    json_int_t total = 0;
    ssize_t got = 0;

    if (line->limit && cli_read_count(&range, line->limit, &limit, fault) != 0)
        return -EINVAL;
    for (unsigned page = 1; got >= 0 && json_array_size(rows) < limit; page++) {
        struct buf path = BUF_INIT;
        const uint64_t size = limit < PAGE_ROWS ? limit : PAGE_ROWS;

        buf_append_str(&path, of->path);
        cli_append_filter(&path, line);
        cli_append_parameter(&path, "name", line->name);
        cli_append_parameter(&path, "listening", line->event);
        cli_append_parameter(&path, "sort", line->sort ? line->sort : of->sort);
        cli_append_parameter(&path, "order", line->reverse ? "desc" : NULL);
        buf_printf(&path, "%cpageNum=%u&pageSize=%" PRIu64, strchr(buf_str(&path), '?') ? '&' : '?',
                   page, size);
        got = ask_page(http, buf_str(&path), rows, &total, fault);
        buf_release(&path);
        if (got >= 0 && (uint64_t)got < size)
            break;
    }
    while (json_array_size(rows) > limit)
        json_array_remove(rows, json_array_size(rows) - 1);
    json_object_set_new(result, "total", json_integer(total));
    return got < 0 ? (int)got : 0;
}

static void print_rows(const json_t *result, const struct listing *of)
{
    struct cli_table *table = cli_table_new(of->heads);
    const json_t *rows = json_object_get(result, "list"), *row;
    const json_int_t total = json_integer_value(json_object_get(result, "total"));
    size_t i;

    json_array_foreach(rows, i, row) {
        of->add(table, row);
    }
    cli_table_print(table, cli_width(), stdout);
    cli_table_free(table);
    if ((json_int_t)json_array_size(rows) < total)
        printf("%zu of %lld; --limit N shows more\n", json_array_size(rows), (long long)total);
}

static int list(const struct cli_line *line, struct cli_http *http, const struct listing *of,
                struct config_fault *fault)
{
    json_t *result = json_pack("{s:i, s:[]}", "total", 0, "list");
    const int rc = ask_rows(line, http, of, result, fault);

    if (rc == 0 && line->json)
        cli_print_json(result, JSON_INDENT(2), stdout);
    else if (rc == 0)
        print_rows(result, of);
    json_decref(result);
    return rc;
}

static int list_users(const struct cli_line *line, struct cli_http *http,
                      struct config_fault *fault)
{
    return list(line, http, &of_users, fault);
}

static int list_connections(const struct cli_line *line, struct cli_http *http,
                            struct config_fault *fault)
{
    return list(line, http, &of_connections, fault);
}

enum command_exit cli_users(const struct cli_line *line)
{
    return cli_ask_with(line, "query", list_users);
}

enum command_exit cli_connections(const struct cli_line *line)
{
    return cli_ask_with(line, "query", list_connections);
}
