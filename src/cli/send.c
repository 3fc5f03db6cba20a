/* SPDX-License-Identifier: Apache-2.0 */
/* send and kick: what a back end would POST. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/table.h"

#define DATA_BYTES ((size_t)16 << 20)

static void set_text(json_t *message, const char *name, const char *value)
{
    if (value)
        json_object_set_new(message, name, json_string(value));
}

/* One word is a text, several are an array. */
static void set_words(json_t *message, const char *name, const char *words)
{
    json_t *list = words ? json_words(words) : NULL;

    if (list)
        json_object_set(message, name, json_array_size(list) == 1 ? json_array_get(list, 0) : list);
    json_decref(list);
}

static int set_number(json_t *message, const char *name, const struct cli_range *range,
                      const char *text, struct config_fault *fault)
{
    uint64_t number;

    if (!text)
        return 0;
    if (cli_read_count(range, text, &number, fault) != 0)
        return -EINVAL;
    json_object_set_new(message, name, json_integer((json_int_t)number));
    return 0;
}

/* All of standard input, but for the end of its last line. */
static int read_input(struct buf *data, struct config_fault *fault)
{
    char block[16384];

    for (size_t got; (got = fread(block, 1, sizeof(block), stdin)) > 0;) {
        if (got > DATA_BYTES - data->length)
            return config_fail(fault, -EINVAL, "standard input has more than 16 MiB");
        buf_append(data, block, got);
    }
    if (ferror(stdin))
        return config_fail(fault, -EIO, "standard input cannot be read");
    if (data->length > 0 && data->data[data->length - 1] == '\n')
        data->data[--data->length] = '\0';
    return 0;
}

static int set_data(json_t *message, const char *text, struct config_fault *fault)
{
    struct buf data = BUF_INIT;
    json_t *value;
    int rc = 0;

    if (!text)
        return 0;
    if (strcmp(text, "-") == 0)
        rc = read_input(&data, fault);
    else
        buf_append_str(&data, text);
    value = rc == 0 ? json_stringn(buf_str(&data), data.length) : NULL;
    if (rc == 0 && !value)
        rc = config_fail(fault, -EINVAL, "the data is no text in UTF-8");
    if (value)
        json_object_set_new(message, "data", value);
    buf_release(&data);
    return rc;
}

/* Asks with the body, which it takes over; the answer's data, or NULL with *fault and *rc. */
static json_t *post(struct cli_http *http, const char *path, json_t *body, int *rc,
                    struct config_fault *fault)
{
    char *text = json_write(body, JSON_COMPACT);
    json_t *data = NULL;

    *rc = config_fail(fault, -ENOMEM, "there is no memory for the request");
    if (text) {
        const struct cli_request request = {
            .method = "POST", .path = path, .body = text, .length = strlen(text)};

        data = cli_http_ask_json(http, &request, rc, fault);
    }
    free(text);
    json_decref(body);
    return data;
}

static json_int_t count_in(const json_t *data, const char *name)
{
    return json_integer_value(json_object_get(data, name));
}

static void tell_sent(const struct cli_line *line, const json_t *data)
{
    const char *id = cli_text_of(data, "id");
    const json_int_t count = count_in(data, "count");

    if (line->json) {
        cli_print_json(data, JSON_INDENT(2), stdout);
        return;
    }
    printf("written to %lld connection%s", (long long)count, count == 1 ? "" : "s");
    if (json_object_get(data, "stored"))
        printf(", stored for %lld", (long long)count_in(data, "stored"));
    printf("; id %s\n", id ? id : "none");
}

static int fill_message(const struct cli_line *line, json_t *message, struct config_fault *fault)
{
    static const struct cli_range ttl = {"--ttl", 1, UINT64_C(10) * 365 * 24 * 3600};
    static const struct cli_range qos = {"--qos", 0, 1};
    int rc = set_data(message, line->argument_count > 1 ? line->arguments[1] : NULL, fault);

    json_object_set_new(message, "event", json_string(line->arguments[0]));
    set_words(message, "userId", line->user);
    set_words(message, "channel", line->channel);
    set_words(message, "connectionId", line->connection);
    set_words(message, "tenantId", line->tenant);
    set_text(message, "id", line->id);
    if (line->all)
        json_object_set_new(message, "all", json_true());
    if (line->listening)
        json_object_set_new(message, "listening", json_true());
    if (rc == 0)
        rc = set_number(message, "qos", &qos, line->qos, fault);
    return rc == 0 ? set_number(message, "ttl", &ttl, line->ttl, fault) : rc;
}

static int send_with(const struct cli_line *line, struct cli_http *http, struct config_fault *fault)
{
    json_t *message = json_object(), *data;
    int rc = fill_message(line, message, fault);

    if (rc != 0) {
        json_decref(message);
        return rc;
    }
    data = post(http, "/send", message, &rc, fault);
    if (data)
        tell_sent(line, data);
    json_decref(data);
    return rc;
}

enum command_exit cli_send(const struct cli_line *line)
{
    if (!line->user && !line->channel && !line->tenant && !line->connection && !line->all)
        return cli_misuse("send needs to know whom: give --user, --channel, --tenant, --connection "
                          "or --all");
    return cli_ask_with(line, "send", send_with);
}

static json_t *kick_body(const struct cli_line *line)
{
    json_t *body = json_object(), *users = json_array();

    for (size_t i = 0; i < line->argument_count; i++)
        json_array_append_new(users, json_string(line->arguments[i]));
    if (line->argument_count > 0)
        json_object_set(body, "userId", users);
    json_decref(users);
    set_words(body, "connectionId", line->connection);
    set_text(body, "tenantId", line->tenant);
    set_text(body, "reason", line->reason);
    if (line->stay_away)
        json_object_set_new(body, "reconnect", json_false());
    if (line->revoke)
        json_object_set_new(body, "revoke", json_true());
    return body;
}

static int kick_with(const struct cli_line *line, struct cli_http *http, struct config_fault *fault)
{
    int rc;
    json_t *data = post(http, "/disconnectUser", kick_body(line), &rc, fault);
    const json_int_t count = count_in(data, "count");

    if (data && line->json)
        cli_print_json(data, JSON_INDENT(2), stdout);
    else if (data)
        printf("closed %lld connection%s\n", (long long)count, count == 1 ? "" : "s");
    json_decref(data);
    return rc;
}

enum command_exit cli_kick(const struct cli_line *line)
{
    if ((line->argument_count > 0) == (line->connection != NULL))
        return cli_misuse("kick needs users, or --connection, and not both");
    return cli_ask_with(line, "disconnect", kick_with);
}
