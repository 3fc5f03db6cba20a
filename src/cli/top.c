/* SPDX-License-Identifier: Apache-2.0 */
/* top: what a server does, again and again. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/samples.h"
#include "cli/table.h"

#define CLEAR "\033[H\033[2J" /* of a terminal: all of it, and begin at its top */

static int take_sample(struct cli_http *http, struct sample *sample, struct config_fault *fault)
{
    const struct cli_request metrics = {.method = "GET", .path = "/metrics", .is_of_server = true};
    const struct cli_request connections = {.method = "GET", .path = "/connections?pageSize=1000"};
    struct config_fault refused;
    int rc = cli_http_ask(http, &metrics, &sample->metrics, fault), query;
    json_t *data;

    sample->at_ns = clock_real_ns();
    if (rc != 0)
        return rc;
    data = cli_http_ask_json(http, &connections, &query, &refused);
    if (!data && query != -EACCES) {
        *fault = refused;
        return query;
    }
    sample->connections = json_incref(json_object_get(data, "list"));
    json_decref(data);
    return 0;
}

/* ---- for people ---- */

static double number(const json_t *figures, const char *name)
{
    return json_number_value(json_object_get(figures, name));
}

struct figure {
    const char *label, *name, *unit;
};

/* "12", "0.4", "12.3 k", "4.5 M". */
static void print_number(const struct figure *figure, double value)
{
    static const char *const powers[] = {"", " k", " M", " G", " T"};
    size_t power = 0;

    while (value >= 10000 && power + 1 < COUNT(powers)) {
        value /= 1000;
        power++;
    }
    printf("%s %.*f%s%s", figure->label, value < 1000 && (double)(uint64_t)value < value ? 1 : 0,
           value, powers[power], figure->unit);
}

static void print_line(const json_t *figures, const struct figure *line)
{
    for (size_t i = 0; line[i].label; i++) {
        fputs(i > 0 ? "  " : "", stdout);
        print_number(&line[i], number(figures, line[i].name));
    }
    putchar('\n');
}

static void print_figures(const json_t *figures)
{
    static const struct figure clients[] = {{"connections", "connections", ""},
                                            {"users", "users", ""},
                                            {"sessions", "sessions", ""},
                                            {"connects", "connectsPerSecond", "/s"},
                                            {"requests", "requestsPerSecond", "/s"},
                                            {NULL, NULL, NULL}};
    static const struct figure events[] = {{"events", "eventsPerSecond", "/s"},
                                           {"bytes", "bytesPerSecond", "/s"},
                                           {"dropped", "droppedPerSecond", "/s"},
                                           {NULL, NULL, NULL}};
    static const struct figure queues[] = {
        {"queued", "queuedBytes", " B"},        {"output", "outputBytes", " B"},
        {"stored", "storedCopies", ""},         {"in flight", "inFlight", ""},
        {"store jobs", "storeJobsWaiting", ""}, {NULL, NULL, NULL}};

    print_line(figures, clients);
    print_line(figures, events);
    print_line(figures, queues);
    printf("loop lag %.1f ms, at most %.1f ms since the start\n",
           number(figures, "loopLagSeconds") * 1e3, number(figures, "loopLagMaxSeconds") * 1e3);
}

static void print_busiest(const char *const *heads, const json_t *rows)
{
    struct cli_table *table = cli_table_new(heads);
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        char rate[40];

        snprintf(rate, sizeof(rate), "%.1f", number(row, "eventsPerSecond"));
        cli_table_add(table, cli_text_of(row, "name"));
        cli_table_add(table, rate);
        cli_table_add_number(table, (uint64_t)number(row, "connections"));
    }
    putchar('\n');
    cli_table_print(table, cli_width(), stdout);
    cli_table_free(table);
}

static void print_people(const json_t *figures, bool clears)
{
    static const char *const users[] = {"USER", ">EVENTS/S", ">CONNECTIONS", NULL};
    static const char *const channels[] = {"CHANNEL", ">EVENTS/S", ">CONNECTIONS", NULL};
    const json_t *seen = json_object_get(figures, "connectionsSeen");

    if (clears)
        fputs(CLEAR, stdout);
    print_figures(figures);
    if (!seen)
        return;
    print_busiest(users, json_object_get(figures, "busiestUsers"));
    print_busiest(channels, json_object_get(figures, "busiestChannels"));
    if (number(figures, "connectionsSeen") < number(figures, "connections"))
        printf("\nof the first %.0f connections\n", number(figures, "connectionsSeen"));
}

static void print_program(json_t *figures)
{
    char *text;

    json_object_set_new(figures, "time", json_integer(clock_wall_ms()));
    text = json_write(figures, JSON_COMPACT);
    if (text)
        puts(text);
    free(text);
}

static void pause_ms(uint64_t ms)
{
    struct timespec rest = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

static int watch(const struct cli_line *line, struct cli_http *http, struct config_fault *fault)
{
    static const struct cli_range range = {"--interval", 100, 3600000};
    struct sample before = {0}, now = {0};
    uint64_t interval;
    int rc = cli_read_time(&range, line->interval ? line->interval : "2s", &interval, fault);

    if (rc == 0)
        rc = take_sample(http, &before, fault);
    while (rc == 0) {
        json_t *figures;

        pause_ms(interval);
        rc = take_sample(http, &now, fault);
        if (rc != 0)
            break;
        figures = samples_compare(&before, &now, line->service);
        if (line->json)
            print_program(figures);
        else
            print_people(figures, !line->once && isatty(STDOUT_FILENO) == 1);
        json_decref(figures);
        sample_release(&before);
        before = now;
        memset(&now, 0, sizeof(now));
        if (fflush(stdout) != 0 || line->once)
            break;
    }
    sample_release(&before);
    sample_release(&now);
    return rc;
}

enum command_exit cli_top(const struct cli_line *line)
{
    return cli_ask_with(line, "metrics", watch);
}
