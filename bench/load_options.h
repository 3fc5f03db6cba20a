/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H
/*
 * What the command line asks for. Texts are borrowed from argv, static, or in the struct itself: it
 * stays where it is.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_MAX_PIDS       16u
#define LOAD_MAX_PUBLISHERS 64u
#define LOAD_PATH_SIZE      400u

enum load_scenario {
    LOAD_IDLE,
    LOAD_FANOUT,
    LOAD_UNICAST,
    LOAD_REQUESTS,
    LOAD_ASK,
    LOAD_SLOW,
    LOAD_STORE, /* messages with qos 1 to users who are not there */
    LOAD_SCENARIOS,
};

extern const char *const load_scenario_names[LOAD_SCENARIOS];

/* A kind of request. Paths and bodies are templates: {n} is the number of a stream over all, {t}
 * that of the stream that a message is for, {payload} its payload. Other braces stand for
 * themselves, so that JSON can be written as it is. */
struct load_exchange {
    const char *method;
    const char *path;
    const char *body;         /* NULL: none */
    const char *content_type; /* of the body; NULL: none */
    const char *accept;       /* NULL: none */
    const char *bearer;       /* NULL: none */
};

struct load_options {
    const char *target;
    const char *address;
    const char *base; /* path of the service, of the target sse */
    enum load_scenario scenario;
    char paths[3][LOAD_PATH_SIZE]; /* of those of the next, where they are below base */
    struct load_exchange connect;
    struct load_exchange publish;
    struct load_exchange request;
    uint32_t sessions;
    uint32_t streams;
    uint32_t ramp;
    uint32_t publishers;
    uint32_t in_flight;
    uint32_t backlog;
    uint32_t batch;
    uint32_t payload;
    uint32_t messages;
    uint32_t warmup;
    double duration; /* seconds of publishing; 0: all messages */
    double rate;     /* events per second in total; 0: as fast as it goes */
    uint32_t requests;
    double request_rate;
    double slow_percent;
    uint32_t settle_ms;
    uint32_t timeout_seconds;
    pid_t pids[LOAD_MAX_PIDS];
    uint32_t pid_count;
    const char *json; /* file, "-" for stdout, NULL for none */
    bool http1;
    bool expect_slow;
    bool reset;
    bool resume;
    bool steps;
};

/* Completed by what the target is connected to, published to and asked with. 0; 1 when help was
 * asked for and shown; -EINVAL with what is wrong told on stderr. */
int load_options_parse(struct load_options *options, int argc, char **argv);

#endif
