/* SPDX-License-Identifier: Apache-2.0 */
#include "load_options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_event.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_COUNT,  /* uint32_t */
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
    {"base", OPTION_TEXT, AT(base), 0, 0, "path of the service (sse), default /sse/demo"},
    {"key", OPTION_TEXT, AT(publish.bearer), 0, 0,
     "bearer token of the publishers, default $SSE_API_KEY"},
    {"scenario", OPTION_SCENARIO, 0, 0, 0, "idle, fanout, unicast, requests, ask, slow or store"},
    {"sessions", OPTION_COUNT, AT(sessions), 1, 100000, "TLS connections, default 100"},
    {"streams", OPTION_COUNT, AT(streams), 1, 100, "event streams on each, default 1"},
    {"broadcasts", OPTION_COUNT, AT(messages), 1, 1e9, "messages to publish, default 1000"},
    {"messages", OPTION_COUNT, AT(messages), 1, 1e9, "the same, for unicast"},
    {"warmup", OPTION_COUNT, AT(warmup), 0, 1e9, "messages before the measurement, default 0"},
    {"duration", OPTION_NUMBER, AT(duration), 0, 3600, "publish this many seconds at the most"},
    {"rate", OPTION_NUMBER, AT(rate), 0, 1e9, "events per second in total; 0: saturated (default)"},
    {"payload", OPTION_COUNT, AT(payload), LOAD_STAMP_LENGTH, 60000, "bytes, default 200"},
    {"batch", OPTION_COUNT, AT(batch), 1, 10000, "messages in one POST (sse), default 1"},
    {"publishers", OPTION_COUNT, AT(publishers), 1, LOAD_MAX_PUBLISHERS, "connections, default 1"},
    {"in-flight", OPTION_COUNT, AT(in_flight), 1, 10000, "unanswered POSTs, default 32"},
    {"senders", OPTION_COUNT, AT(in_flight), 1, 10000, "the same, for store"},
    {"backlog", OPTION_COUNT, AT(backlog), 1, 1000000, "POSTs not yet delivered, default 128"},
    {"requests", OPTION_COUNT, AT(requests), 1, 1e9, "requests to measure, default 2000"},
    {"request-rate", OPTION_NUMBER, AT(request_rate), 1, 1e6, "per second, default 500"},
    {"slow-percent", OPTION_NUMBER, AT(slow_percent), 0, 90, "who does not read, default 10"},
    {"ramp", OPTION_COUNT, AT(ramp), 1, 10000, "handshakes in flight, default 32"},
    {"settle", OPTION_COUNT, AT(settle_ms), 0, 60000, "ms of rest once connected, default 300"},
    {"timeout", OPTION_COUNT, AT(timeout_seconds), 1, 3600, "seconds for all of it, default 120"},
    {"server-pid", OPTION_PIDS, 0, 0, 0, "PID[,PID…]: measures their CPU and memory"},
    {"connect-path", OPTION_TEXT, AT(connect.path), 0, 0, "GET, template with {n}"},
    {"publish-path", OPTION_TEXT, AT(publish.path), 0, 0, "POST, template with {t}"},
    {"publish-body", OPTION_TEXT, AT(publish.body), 0, 0, "template with {t} {payload}"},
    {"json", OPTION_TEXT, AT(json), 0, 0, "FILE, or - for stdout: the result as JSON"},
    {"reset", OPTION_FLAG, AT(reset), 0, 0, "connections end by a TCP reset"},
    {"resume", OPTION_FLAG, AT(resume), 0, 0,
     "the first ticket of TLS serves all later connections"},
    {"http1", OPTION_FLAG, AT(http1), 0, 0, "the streams by HTTP/1.1; --streams 1"},
    {"steps", OPTION_FLAG, AT(steps), 0, 0, "says 'step' and waits for a line: see bench/scale"},
    {"expect-slow", OPTION_FLAG, AT(expect_slow), 0, 0, "lost events are no failure"},
    {"help", OPTION_HELP, 0, 0, 0, "this text"},
};

const char *const load_scenario_names[LOAD_SCENARIOS] = {"idle", "fanout", "unicast", "requests",
                                                         "ask",  "slow",   "store"};

static const struct load_options defaults = {
    .target = "sse",
    .address = "127.0.0.1:8443",
    .base = "/sse/demo",
    .scenario = LOAD_FANOUT,
    .sessions = 100,
    .streams = 1,
    .ramp = 32,
    .publishers = 1,
    .in_flight = 32,
    .backlog = 128,
    .batch = 1,
    .payload = 200,
    .messages = 1000,
    .requests = 2000,
    .request_rate = 500,
    .slow_percent = 10,
    .settle_ms = 300,
    .timeout_seconds = 120,
};

/* How a target is connected to, published to and asked: whatever the command line left open. */
struct preset {
    const char *target;
    struct load_exchange connect, publish, request;
    const char *unicast_connect_path;
    const char *unicast_publish_path;
    const char *unicast_publish_body;
    const char *store_publish_body;
    bool is_sse; /* its paths are below --base; takes arrays, and stores messages */
};

static const struct preset presets[] = {
    {
        .target = "sse",
        .is_sse = true,
        .connect = {.method = "GET",
                    .path = "/connect?userId={n}&name=load{n}&clientId=c{n}"
                            "&listeners=load",
                    .accept = "text/event-stream"},
        .publish = {.method = "POST",
                    .path = "/send",
                    .body = "{\"event\":\"load\",\"all\":true,\"data\":\"{payload}\"}",
                    .content_type = "application/json"},
        .request = {.method = "POST",
                    .path = "/connect/message/ping.do?userId={n}&name=load{n}",
                    .body = "{\"n\":{n}}",
                    .content_type = "application/json"},
        .unicast_publish_body = "{\"event\":\"load\",\"userId\":\"{t}\",\"data\":\"{payload}\"}",
        .store_publish_body =
            "{\"event\":\"load\",\"userId\":\"away{t}\",\"qos\":1,\"data\":\"{payload}\"}",
    },
    {
        .target = "nchan",
        .connect = {.method = "GET", .path = "/sub/all", .accept = "text/event-stream"},
        .publish = {.method = "POST",
                    .path = "/pub/all",
                    .body = "{payload}",
                    .content_type = "text/plain"},
        .request = {.method = "GET", .path = "/ping.json"},
        .unicast_connect_path = "/sub/{n}",
        .unicast_publish_path = "/pub/{t}",
    },
};

static int refuse(const char *name, const char *text, const char *advice)
{
    (void)fprintf(stderr, "--%s is '%s'; %s\n", name, text, advice);
    return -EINVAL;
}

static void usage(void)
{
    (void)printf("usage: sse-load [options]\n"
                 "Opens TLS connections with event streams, publishes, and measures.\n\n");
    for (size_t i = 0; i < COUNT(rows); i++)
        (void)printf("  --%-15s %s\n", rows[i].name, rows[i].help);
}

static int parse_number(const struct option_row *row, const char *text, void *to)
{
    char advice[64];
    double number;
    char *end;

    errno = 0;
    number = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(number >= row->minimum) ||
        !(number <= row->maximum)) {
        (void)snprintf(advice, sizeof(advice), "use a number from %.0f to %.0f", row->minimum,
                       row->maximum);
        return refuse(row->name, text, advice);
    }
    if (row->kind == OPTION_COUNT)
        *(uint32_t *)to = (uint32_t)number;
    else
        *(double *)to = number;
    return 0;
}

static int parse_scenario(struct load_options *options, const char *text)
{
    for (int i = 0; i < LOAD_SCENARIOS; i++) {
        if (strcmp(text, load_scenario_names[i]) == 0) {
            options->scenario = (enum load_scenario)i;
            return 0;
        }
    }
    return refuse("scenario", text, "see --help");
}

static int parse_pids(struct load_options *options, const char *text)
{
    options->pid_count = 0;
    for (const char *at = text; *at != '\0';) {
        char *end;
        long pid = strtol(at, &end, 10);

        if (end == at || pid <= 0 || (*end != '\0' && *end != ',') ||
            options->pid_count == LOAD_MAX_PIDS)
            return refuse("server-pid", text, "use at most 16 numbers with commas between");
        options->pids[options->pid_count++] = (pid_t)pid;
        at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

static int apply(struct load_options *options, const struct option_row *row, const char *text)
{
    void *to = (char *)options + row->at;

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
    case OPTION_NUMBER:
        break;
    }
    return parse_number(row, text, to);
}

static void complete(const char **text, const char *preset)
{
    if (*text == NULL)
        *text = preset;
}

static void complete_exchange(struct load_exchange *exchange, const struct load_exchange *preset)
{
    complete(&exchange->path, preset->path);
    complete(&exchange->body, preset->body);
    exchange->method = preset->method;
    exchange->content_type = preset->content_type;
    exchange->accept = preset->accept;
}

/* The exchange's path becomes one below the service's. */
static void put_below(const char *base, struct load_exchange *exchange, const char *path,
                      char to[LOAD_PATH_SIZE])
{
    if (exchange->path)
        return;
    (void)snprintf(to, LOAD_PATH_SIZE, "%s%s", base, path);
    exchange->path = to;
}

static void put_all_below(struct load_options *options, const struct preset *preset)
{
    const char *base = options->base;

    put_below(base, &options->connect, preset->connect.path, options->paths[0]);
    put_below(base, &options->publish, preset->publish.path, options->paths[1]);
    put_below(base, &options->request, preset->request.path, options->paths[2]);
}

static int apply_preset(struct load_options *options)
{
    const struct preset *preset = NULL;

    for (size_t i = 0; i < COUNT(presets); i++) {
        if (strcmp(presets[i].target, options->target) == 0)
            preset = &presets[i];
    }
    if (preset == NULL)
        return refuse("target", options->target, "use sse or nchan");
    if (!preset->is_sse && (options->batch > 1 || options->scenario == LOAD_STORE))
        return refuse("target", options->target, "only sse takes --batch and --scenario store");
    if (options->scenario == LOAD_UNICAST) {
        complete(&options->connect.path, preset->unicast_connect_path);
        complete(&options->publish.path, preset->unicast_publish_path);
        complete(&options->publish.body, preset->unicast_publish_body);
    }
    if (options->scenario == LOAD_STORE)
        complete(&options->publish.body, preset->store_publish_body);
    if (preset->is_sse && strlen(options->base) > LOAD_PATH_SIZE / 2)
        return refuse("base", options->base, "that is too long");
    if (preset->is_sse)
        put_all_below(options, preset);
    complete_exchange(&options->connect, &preset->connect);
    complete_exchange(&options->publish, &preset->publish);
    complete_exchange(&options->request, &preset->request);
    complete(&options->publish.bearer, getenv("SSE_API_KEY"));
    return 0;
}

int load_options_parse(struct load_options *options, int argc, char **argv)
{
    struct option longs[COUNT(rows) + 1] = {0};
    int chosen;
    int index;

    for (size_t i = 0; i < COUNT(rows); i++) {
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
    return apply_preset(options);
}
