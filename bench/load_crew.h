/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_CREW_H
#define LOAD_CREW_H
/*
 * The sessions with their event streams: opened, answered, served with events, closed; and what is
 * counted of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_connection.h"
#include "load_event.h"
#include "load_measure.h"

struct load_crew;
struct load_options;

/* Which numbers of one publisher a stream has had; tells late ones from repeated ones as far as 64
 * numbers back, what is older counts as repeated. Zero-filled: none. */
struct load_sequence {
    uint64_t seen; /* bit i: next - 1 - i has come */
    uint32_t next;
};

struct load_subscriber {
    struct load_call call;
    struct load_session *session;
    uint32_t number; /* over all sessions */
    bool settled;    /* answered, or it never will be */
    struct load_scanner scanner;
    struct load_sequence *sequences; /* one per publisher */
};

struct load_session {
    struct load_connection connection;
    struct load_crew *crew;
    struct load_subscriber *subscribers;
    uint32_t pending; /* streams that are not settled */
    bool slow;        /* what it gets or loses is no concern of the measurement */
};

/* Of one stretch of a run. */
struct load_statistics {
    uint64_t delivered;
    uint64_t duplicated;
    uint64_t disordered;   /* came after one that was published later */
    uint64_t damaged;      /* not the bytes that were published */
    uint64_t stray;        /* meant for another stream, or from an earlier phase */
    uint64_t reads;        /* receive calls that returned bytes */
    uint64_t last_arrival; /* kernel's time of the latest event */
    struct load_histogram latency;
};

struct load_crew {
    const struct load_options *options;
    const struct load_endpoint *endpoint;
    struct load_poller poller;
    struct load_session *sessions;
    struct load_subscriber *subscribers;
    struct load_sequence *sequences;
    struct load_statistics statistics;
    uint64_t opened; /* streams answered 200 */
    uint64_t failed; /* streams that were not */
    uint64_t closed; /* streams that ended later, of sessions that are not slow */
    uint32_t stream_count;
    uint32_t next;       /* the first session that has not been opened */
    uint32_t opening;    /* sessions with streams that are not settled */
    uint32_t complaints; /* that were told on stderr */
    uint8_t phase;       /* of the messages that count now */
};

/* Both outlive the crew. 0 or a negative errno. */
int load_crew_init(struct load_crew *crew, const struct load_options *options,
                   const struct load_endpoint *endpoint);
void load_crew_release(struct load_crew *crew);

/* Asked each turn: true when what is waited for is there; else *wake (load_now()) may be moved to
 * an earlier time for the next turn. */
typedef bool load_turn(void *context, uint64_t now, uint64_t *wake);

/* Serves all connections until turn() says so, or -ETIMEDOUT. Sessions are opened as they can be.
 */
int load_crew_run(struct load_crew *crew, load_turn *turn, void *context, uint64_t deadline);

/* Forgets what was counted, and takes only events of the phase that begins. */
void load_crew_reset(struct load_crew *crew);

#endif
