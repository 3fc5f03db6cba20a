/* SPDX-License-Identifier: Apache-2.0 */
#include "load_options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_event.h"
#include "load_preset.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_COUNT,  /* uint32_t */
    OPTION_LENGTH, /* uint64_t */
    OPTION_NUMBER, /* double */
    OPTION_FLAG,
    OPTION_SCENARIO,
    OPTION_PIDS,
    OPTION_HELP,
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t at;
    double minimum;
    double maximum;
    const char *help;
};

#define AT(member) offsetof(struct load_options, member)

static const struct option_row rows[] = {
    {"target", OPTION_TEXT, AT(target), 0, 0, "sse (default) or nchan: fills in paths and bodies"},
    {"address", OPTION_TEXT, AT(address), 0, 0, "HOST:PORT, default 127.0.0.1:8443"},
    {"key", OPTION_TEXT, AT(publish.bearer), 0, 0, "bearer token of the publishers"},
    {"scenario", OPTION_SCENARIO, AT(scenario), 0, 0,
     "idle, fanout, unicast, requests, ask, slow or store"},
    {"sessions", OPTION_COUNT, AT(sessions), 1, 100000, "TLS connections, default 100"},
    {"streams", OPTION_COUNT, AT(streams), 1, 100, "event streams on each, default 1"},
    {"broadcasts", OPTION_LENGTH, AT(messages), 1, 1e9, "messages to publish, default 1000"},
    {"messages", OPTION_LENGTH, AT(messages), 1, 1e9, "the same, for unicast"},
    {"warmup", OPTION_LENGTH, AT(warmup), 0, 1e9, "messages before the measurement, default 0"},
    {"duration", OPTION_NUMBER, AT(duration), 0, 3600, "publish this many seconds at the most"},
    {"rate", OPTION_NUMBER, AT(rate), 0, 1e9, "events per second in total; 0: saturated (default)"},
    {"payload", OPTION_COUNT, AT(payload), LOAD_STAMP_LENGTH, 60000, "bytes, default 200"},
    {"batch", OPTION_COUNT, AT(batch), 1, 10000, "messages in one POST (sse), default 1"},
    {"publishers", OPTION_COUNT, AT(publishers), 1, LOAD_MAX_PUBLISHERS, "connections, default 1"},
    {"in-flight", OPTION_COUNT, AT(in_flight), 1, 10000, "unanswered POSTs, default 32"},
    {"senders", OPTION_COUNT, AT(in_flight), 1, 10000, "the same, for store"},
    {"users", OPTION_COUNT, AT(users), 1, 1000000, "not there, for store; default 10000"},
    {"backlog", OPTION_COUNT, AT(backlog), 1, 1000000, "POSTs not yet delivered, default 128"},
    {"requests", OPTION_LENGTH, AT(requests), 1, 1e9, "requests to measure, default 2000"},
    {"request-rate", OPTION_NUMBER, AT(request_rate), 1, 1e6, "per second, default 500"},
    {"slow-percent", OPTION_NUMBER, AT(slow_percent), 0, 90, "who does not read, default 10"},
    {"ramp", OPTION_COUNT, AT(ramp), 1, 10000, "handshakes in flight, default 32"},
    {"threads", OPTION_COUNT, AT(threads), 1, 64, "of this program, default 1"},
    {"settle", OPTION_COUNT, AT(settle_ms), 0, 60000, "ms of rest once connected, default 300"},
    {"linger", OPTION_COUNT, AT(linger_ms), 1, 60000, "ms without a delivery = lost, def. 3000"},
    {"timeout", OPTION_COUNT, AT(timeout_seconds), 1, 3600, "seconds for all of it, default 120"},
    {"server-pid", OPTION_PIDS, 0, 0, 0, "PID[,PID…]: measures their CPU and memory"},
    {"connect-path", OPTION_TEXT, AT(connect.path), 0, 0, "GET, template with {i} {s} {n}"},
    {"publish-path", OPTION_TEXT, AT(publish.path), 0, 0, "POST, template with {t}"},
    {"publish-body", OPTION_TEXT, AT(publish.body), 0, 0, "template with {t} {payload}"},
    {"publish-type", OPTION_TEXT, AT(publish.content_type), 0, 0, "content-type"},
    {"request-key", OPTION_TEXT, AT(request.bearer), 0, 0, "bearer token of the requests"},
    {"request-method", OPTION_TEXT, AT(request.method), 0, 0, "GET or POST"},
    {"request-path", OPTION_TEXT, AT(request.path), 0, 0, "template with {i} {s} {n}"},
    {"request-body", OPTION_TEXT, AT(request.body), 0, 0, "template"},
    {"json", OPTION_TEXT, AT(json), 0, 0, "FILE, or - for stdout: the result as JSON"},
    {"reset", OPTION_FLAG, AT(reset), 0, 0, "connections end by a TCP reset"},
    {"resume", OPTION_FLAG, AT(resume), 0, 0,
     "the first ticket of TLS serves all later connections"},
    {"http1", OPTION_FLAG, AT(http1), 0, 0, "the streams by HTTP/1.1; --streams 1"},
    {"steps", OPTION_FLAG, AT(steps), 0, 0, "says 'step' and waits for a line: see bench/scale"},
    {"expect-slow", OPTION_FLAG, AT(expect_slow), 0, 0, "lost events are no failure"},
    {"help", OPTION_HELP, 0, 0, 0, "this text"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *const scenario_names[LOAD_SCENARIOS] = {"idle", "fanout", "unicast", "requests",
                                                           "ask",  "slow",   "store"};

const char *load_scenario_name(enum load_scenario scenario)
{
    return scenario_names[scenario];
}

static void usage(void)
{
    (void)printf("usage: sse-load [options]\n"
                 "Opens TLS connections with event streams, publishes, and measures.\n\n");
    for (size_t i = 0; i < ROWS; i++)
        (void)printf("  --%-15s %s\n", rows[i].name, rows[i].help);
}

static int parse_number(const struct option_row *row, const char *text, double *number)
{
    char *end;

    errno = 0;
    *number = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(*number >= row->minimum) ||
        !(*number <= row->maximum)) {
        (void)fprintf(stderr, "--%s is '%s'; use a number from %.0f to %.0f\n", row->name, text,
                      row->minimum, row->maximum);
        return -EINVAL;
    }
    return 0;
}

static int parse_scenario(struct load_options *options, const char *text)
{
    for (int i = 0; i < LOAD_SCENARIOS; i++) {
        if (strcmp(text, scenario_names[i]) == 0) {
            options->scenario = (enum load_scenario)i;
            return 0;
        }
    }
    (void)fprintf(stderr,
                  "--scenario is '%s'; use idle, fanout, unicast, requests, ask, slow or store\n",
                  text);
    return -EINVAL;
}

static int parse_pids(struct load_options *options, const char *text)
{
    options->pid_count = 0;
    while (*text != '\0') {
        char *end;
        long pid = strtol(text, &end, 10);

        if (end == text || pid <= 0 || (*end != '\0' && *end != ',') ||
            options->pid_count == LOAD_MAX_PIDS) {
            (void)fprintf(stderr, "--server-pid: use at most %u numbers with commas between\n",
                          LOAD_MAX_PIDS);
            return -EINVAL;
        }
        options->pids[options->pid_count++] = (pid_t)pid;
        text = *end == ',' ? end + 1 : end;
    }
    return 0;
}

static int apply(struct load_options *options, const struct option_row *row, const char *text)
{
    void *to = (char *)options + row->at;
    double number;

    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)to = text;
        return 0;
    case OPTION_FLAG:
        *(bool *)to = true;
        return 0;
    case OPTION_SCENARIO:
        return parse_scenario(options, text);
    case OPTION_PIDS:
        return parse_pids(options, text);
    case OPTION_HELP:
        usage();
        return 1;
    case OPTION_COUNT:
    case OPTION_LENGTH:
    case OPTION_NUMBER:
        break;
    }
    if (parse_number(row, text, &number) < 0)
        return -EINVAL;
    if (row->kind == OPTION_COUNT)
        *(uint32_t *)to = (uint32_t)number;
    else if (row->kind == OPTION_LENGTH)
        *(uint64_t *)to = (uint64_t)number;
    else
        *(double *)to = number;
    return 0;
}

static const struct load_options defaults = {
    .target = "sse",
    .address = "127.0.0.1:8443",
    .scenario = LOAD_FANOUT,
    .sessions = 100,
    .streams = 1,
    .threads = 1,
    .ramp = 32,
    .publishers = 1,
    .in_flight = 32,
    .backlog = 128,
    .batch = 1,
    .payload = 200,
    .users = 10000,
    .messages = 1000,
    .requests = 2000,
    .request_rate = 500,
    .slow_percent = 10,
    .linger_ms = 3000,
    .settle_ms = 300,
    .timeout_seconds = 120,
};

int load_options_parse(struct load_options *options, int argc, char **argv)
{
    struct option longs[ROWS + 1] = {0};
    int chosen;
    int index;

    for (size_t i = 0; i < ROWS; i++) {
        bool bare = rows[i].kind == OPTION_FLAG || rows[i].kind == OPTION_HELP;

        longs[i] = (struct option){rows[i].name, bare ? no_argument : required_argument, NULL, 1};
    }
    *options = defaults;
    while ((chosen = getopt_long(argc, argv, "", longs, &index)) != -1) {
        int rc = chosen == 1 ? apply(options, &rows[index], optarg) : -EINVAL;

        if (rc != 0)
            return rc;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "'%s' is no option; see --help\n", argv[optind]);
        return -EINVAL;
    }
    return load_preset_apply(options);
}
