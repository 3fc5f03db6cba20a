/* SPDX-License-Identifier: Apache-2.0 */
/* why: why a user did not get an event, or what became of a message. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/print.h"
#include "cli/table.h"

static void print_connections(const json_t *list)
{
    static const char *const heads[] = {"CONNECTION", ">AGE", "LISTENERS", "CHANNELS", NULL};
    struct cli_table *table;
    const json_t *row;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    table = cli_table_new(heads);
    json_array_foreach(list, i, row) {
        cli_table_add(table, cli_text_of(row, "connection"));
        cli_table_add_age(table, json_object_get(row, "since"));
        cli_table_add_words(table, json_object_get(row, "listeners"));
        cli_table_add_words(table, json_object_get(row, "channels"));
    }
    putchar('\n');
    cli_table_print(table, cli_width(), stdout);
    cli_table_free(table);
}

static void print_answer(const json_t *answer)
{
    const char *user = cli_text_of(answer, "userId");
    const char *cause = cli_text_of(answer, "cause");
    const char *text = cli_text_of(answer, "text");
    struct buf shown = BUF_INIT;

    if (user) {
        buf_append_str(&shown, "user ");
        cli_append_visible(&shown, user);
        buf_append_str(&shown, ": ");
    }
    cli_append_visible(&shown, cause ? cause : "unknown");
    buf_append_str(&shown, "\n\n");
    cli_append_visible(&shown, text ? text : "");
    cli_print_wrapped(buf_str(&shown), 0, 0);
    buf_release(&shown);
    print_connections(json_object_get(json_object_get(answer, "connections"), "list"));
}

static void print_people(const json_t *data)
{
    const json_t *recipients = json_object_get(data, "recipients"), *recipient;
    size_t i;

    if (!json_is_array(recipients)) {
        print_answer(data);
        return;
    }
    json_array_foreach(recipients, i, recipient) {
        if (i > 0)
            putchar('\n');
        print_answer(recipient);
    }
}

static int why_with(const struct cli_line *line, struct cli_http *http, struct config_fault *fault)
{
    struct buf path = BUF_INIT;
    struct cli_request request = {.method = "GET"};
    json_t *data;
    int rc;

    buf_append_str(&path, "/why");
    cli_append_parameter(&path, "userId", line->argument_count > 0 ? line->arguments[0] : NULL);
    cli_append_parameter(&path, "event", line->argument_count > 1 ? line->arguments[1] : NULL);
    cli_append_filter(&path, line);
    request.path = buf_str(&path);
    data = cli_http_ask_json(http, &request, &rc, fault);
    if (data && line->json)
        cli_print_json(data, JSON_INDENT(2), stdout);
    else if (data)
        print_people(data);
    json_decref(data);
    buf_release(&path);
    return rc;
}

enum command_exit cli_why(const struct cli_line *line)
{
    if (line->argument_count == 0 && !line->id)
        return cli_misuse("why needs a user, and an event if one is meant; or --id of a message");
    return cli_ask_with(line, "inspect", why_with);
}
