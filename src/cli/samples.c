/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/samples.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/print.h"

#define PREFIX  "sse_server_"
#define BUSIEST 10u

void sample_release(struct sample *sample)
{
    buf_release(&sample->metrics);
    json_decref(sample->connections);
    memset(sample, 0, sizeof(*sample));
}

/* ---- metrics ---- */

/* Whether the line, which ends at a line end, is a value of the metric, and of the service. */
static bool is_of(const char *line, const char *name, const char *service)
{
    const size_t length = strlen(name);
    const char *end = strchr(line, '\n');
    char label[120];
    const char *at;

    if (strncmp(line, PREFIX, strlen(PREFIX)) != 0)
        return false;
    line += strlen(PREFIX);
    if (strncmp(line, name, length) != 0 || (line[length] != '{' && line[length] != ' '))
        return false;
    if (!service)
        return true;
    snprintf(label, sizeof(label), "{service=\"%.90s\",", service);
    at = strstr(line + length, label);
    return at && at < end;
}

static double fold(const struct sample *sample, const char *name, const char *service, bool sums)
{
    double result = 0;

    for (const char *line = buf_str(&sample->metrics); line && *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *blank = end ? memrchr(line, ' ', (size_t)(end - line)) : NULL;

        if (blank && is_of(line, name, service)) {
            const double value = strtod(blank, NULL);

            if (sums)
                result += value;
            else if (value > result)
                result = value;
        }
        line = end ? end + 1 : NULL;
    }
    return result;
}

double sample_sum(const struct sample *sample, const char *name, const char *service)
{
    return fold(sample, name, service, true);
}

double sample_most(const struct sample *sample, const char *name)
{
    return fold(sample, name, NULL, false);
}

/* What is summed, as it is now (rate: false), or by how much it grows in a second. */
static const struct {
    const char *name;  /* of the result */
    const char *parts; /* names of metrics, with blanks */
    bool is_rate, is_of_service;
} figures[] = {
    {"connections", "connections", false, true},
    {"users", "users_online", false, true},
    {"sessions", "sessions", false, false},
    {"eventsPerSecond", "events_queued_total", true, true},
    {"bytesPerSecond", "event_bytes_total", true, true},
    {"droppedPerSecond",
     "events_dropped_oldest_total events_dropped_latest_total events_dropped_slow_total "
     "events_refused_total",
     true, true},
    {"connectsPerSecond", "connections_opened_total", true, true},
    {"requestsPerSecond", "streams_opened_total", true, false},
    {"queuedBytes", "queued_bytes", false, true},
    {"outputBytes", "output_bytes", false, false},
    {"storedCopies", "qos_copies", false, true},
    {"inFlight", "qos_in_flight", false, true},
    {"storeJobsWaiting", "store_jobs_waiting", false, true},
};

static double sum_parts(const struct sample *sample, const char *parts, const char *service)
{
    double sum = 0;

    while (*parts != '\0') {
        const size_t length = strcspn(parts, " ");
        char name[60];

        snprintf(name, sizeof(name), "%.*s", (int)length, parts);
        sum += sample_sum(sample, name, service);
        parts += length;
        parts += strspn(parts, " ");
    }
    return sum;
}

static void set_figures(json_t *result, const struct sample *before, const struct sample *now,
                        const char *service)
{
    const double seconds = (double)(now->at_ns - before->at_ns) / 1e9;

    for (size_t i = 0; i < COUNT(figures); i++) {
        const char *of = figures[i].is_of_service ? service : NULL;
        double value = sum_parts(now, figures[i].parts, of);

        if (figures[i].is_rate) {
            value -= sum_parts(before, figures[i].parts, of);
            value = value > 0 && seconds > 0 ? value / seconds : 0; /* it may have been restarted */
        }
        json_object_set_new(result, figures[i].name, json_real(value));
    }
    json_object_set_new(result, "loopLagSeconds", json_real(sample_most(now, "loop_lag_seconds")));
    json_object_set_new(result, "loopLagMaxSeconds",
                        json_real(sample_most(now, "loop_lag_max_seconds")));
}

/* ---- who is busy ---- */

/* Adds a connection and its events to the row of that name, which is made where it is missing. */
static void add_events(json_t *rows, const char *name, double events)
{
    json_t *row = json_object_get(rows, name);

    if (!row) {
        row = json_pack("{s:s, s:f, s:i}", "name", name, "eventsPerSecond", 0.0, "connections", 0);
        json_object_set_new(rows, name, row);
    }
    if (!row)
        return; /* a name that is no UTF-8 */
    json_real_set(json_object_get(row, "eventsPerSecond"),
                  json_real_value(json_object_get(row, "eventsPerSecond")) + events);
    json_integer_set(json_object_get(row, "connections"),
                     json_integer_value(json_object_get(row, "connections")) + 1);
}

struct busy {
    json_t *row;
    double events;
};

static int compare(const void *left, const void *right)
{
    const double one = ((const struct busy *)left)->events;
    const double other = ((const struct busy *)right)->events;

    return one < other ? 1 : one > other ? -1 : 0;
}

/* The rows with the most events, in that order. */
static json_t *busiest(json_t *rows)
{
    const size_t count = json_object_size(rows);
    struct busy *sorted = mem_zalloc((count + 1) * sizeof(*sorted));
    json_t *result = json_array(), *row;
    const char *name;
    size_t i = 0;

    json_object_foreach(rows, name, row) {
        sorted[i++] = (struct busy){row, json_real_value(json_object_get(row, "eventsPerSecond"))};
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    for (i = 0; i < count && i < BUSIEST; i++)
        json_array_append(result, sorted[i].row);
    free(sorted);
    return result;
}

/* Events that each connection was written, by its id. */
static json_t *counts_of(const json_t *connections)
{
    json_t *counts = json_object();
    const json_t *connection;
    size_t i;

    json_array_foreach(connections, i, connection) {
        const char *id = cli_text_of(connection, "id");

        if (id)
            json_object_set(counts, id, json_object_get(connection, "messageCount"));
    }
    return counts;
}

static void add_connection(json_t *users, json_t *channels, const json_t *connection, double events)
{
    const json_t *list = json_object_get(connection, "channels"), *channel;
    const char *user = cli_text_of(json_object_get(connection, "accessUser"), "id");
    size_t i;

    add_events(users, user ? user : "", events);
    json_array_foreach(list, i, channel) {
        if (json_is_string(channel))
            add_events(channels, json_string_value(channel), events);
    }
}

static void set_busiest(json_t *result, const struct sample *before, const struct sample *now)
{
    const double seconds = (double)(now->at_ns - before->at_ns) / 1e9;
    json_t *counts = counts_of(before->connections), *users = json_object();
    json_t *channels = json_object();
    const json_t *connection;
    size_t i;

    json_array_foreach(now->connections, i, connection) {
        const char *id = cli_text_of(connection, "id");
        const json_t *was = json_object_get(counts, id ? id : "");
        const json_int_t count = json_integer_value(json_object_get(connection, "messageCount"));

        add_connection(users, channels, connection,
                       (double)(count - json_integer_value(was)) / (seconds > 0 ? seconds : 1));
    }
    json_object_set_new(result, "connectionsSeen",
                        json_integer((json_int_t)json_array_size(now->connections)));
    json_object_set_new(result, "busiestUsers", busiest(users));
    json_object_set_new(result, "busiestChannels", busiest(channels));
    json_decref(channels);
    json_decref(users);
    json_decref(counts);
}

json_t *samples_compare(const struct sample *before, const struct sample *now, const char *service)
{
    json_t *result = json_object();

    set_figures(result, before, now, service);
    if (now->connections && before->connections)
        set_busiest(result, before, now);
    return result;
}
