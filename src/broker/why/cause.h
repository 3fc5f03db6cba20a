/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_CAUSE_H
#define BROKER_WHY_CAUSE_H
/*
 * Why a user did not get a message: from what is known to the one cause that says most. Whoever
 * asks has gathered the facts as they were when the message was sent, or, where no message is
 * known, as they are now.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/spelling.h"
#include "qos/copies.h"

enum why_cause {
    WHY_UNKNOWN,
    WHY_DELIVERED,
    /* The user has no connection. */
    WHY_OFFLINE,
    WHY_HIDDEN,
    WHY_EVICTED,
    WHY_KICKED,
    WHY_SLOW,
    WHY_TOKEN_EXPIRED,
    WHY_REVOKED,
    WHY_CREDENTIAL_REFUSED,
    WHY_WEBHOOK_REFUSED,
    WHY_ORIGIN_REFUSED,
    WHY_LIMIT,
    WHY_CONNECT_REFUSED,
    WHY_OTHER_TENANT,
    WHY_OTHER_SERVICE,
    /* It has one, which the message was not for. */
    WHY_CHANNEL_REFUSED,
    WHY_CHANNEL_UNKNOWN,
    WHY_NOT_IN_CHANNEL,
    WHY_LISTENING_OTHER_CASE,
    WHY_NOT_LISTENING,
    /* The message's own fate. */
    WHY_NOT_SENT,
    WHY_SEND_REFUSED,
    WHY_REPEATED_ID,
    WHY_EXPIRED,
    WHY_DISPLACED,
    WHY_DELETED,
    WHY_UNREADABLE,
    WHY_DROPPED,
    WHY_GAP,
    WHY_WINDOW_FULL,
    WHY_STORED_BEHIND_OTHERS,
    WHY_NOT_ACKNOWLEDGED,
    WHY_CAUSES
};

struct why_word {
    const char *word;    /* of the answer's "cause" */
    const char *meaning; /* a sentence, as the documentation has it */
    const char *advice;  /* and what to do; "" where nothing is to be done */
};

extern const struct why_word why_words[WHY_CAUSES];

/* The message that is asked about, and what of it concerns the user. */
struct why_message {
    bool is_known;  /* all else is 0 where it is not */
    int64_t at;     /* wall ms; when it was sent */
    const char *id; /* or NULL */
    const char
        *refused_for;    /* it was not taken: the word of the rule (docs/inspecting.md); or NULL */
    const char *channel; /* it was for this channel; NULL: for none */
    bool had_members;    /* somebody was in what it was for */
    bool is_of_other_tenant; /* it was for another tenant, or a user of one */
    bool asks_listening;     /* it was for those alone who listen to it */
    bool is_repeat;          /* its id had been sent before: nothing was stored */
    bool is_stored;          /* qos 1; then: */
    enum qos_state state;    /* of the user's copy, */
    uint64_t ahead;          /* and stored ones before that in its queue */
    uint32_t written;        /* times, or connections of the user */
    int64_t resumed_at;      /* its page came back then, and got it; 0: it did not, */
    int64_t gap_at;          /* or was told then that it misses something; 0: nor that */
    uint32_t dropped;        /* connections whose queue had no room, */
    uint32_t missed;         /* and those that were told of a gap instead, because they lagged */
};

/* The user's connections. */
struct why_presence {
    uint32_t connections;
    uint32_t saying;     /* that have said what they listen to */
    uint32_t listening;  /* to the event */
    const char *nearest; /* that they listen to instead; NULL: nothing that is near */
    enum nearness nearness;
    int64_t refused_at;      /* a page asked to listen to the event then, and may not; 0: never */
    const char *refused_for; /* the word of the rule; NULL: not known */
};

struct why_channel {
    const char *name; /* that the message was for, or that was asked about; NULL: none */
    uint32_t members; /* connections of anybody */
    uint32_t joined;  /* and of the user */
    int64_t left_at;  /* the user's page did; 0: it was not in it, or it is not known */
    bool is_refused;  /* to the user */
    int64_t refused_at;
    const char *refused_for; /* the word of the rule (docs/inspecting.md); NULL: not known */
    const char *nearest;     /* that somebody has; NULL: none that is near */
    enum nearness nearness;
};

/* The user's queue of stored messages. */
struct why_queue {
    bool is_unknown; /* the store could not be asked */
    uint64_t stored;
    uint32_t in_flight, window;
};

/* The last connect of the user that was refused, or the last end of a connection. */
struct why_event {
    enum why_cause cause; /* WHY_UNKNOWN: there was none */
    int64_t at;
    uint64_t order;               /* the later the greater */
    bool is_claimed;              /* of a refusal: who it was nobody has checked */
    bool is_listener;             /* of an end: it listened to the event */
    const char *detail, *address; /* as far as known; else NULL */
};

/* How often its pages were told that they miss something (sse-gap), as far as that is known. */
struct why_gaps {
    uint32_t count;
    int64_t last_at;
};

struct why_facts {
    const char *who;    /* "the user 7" */
    bool is_past;       /* they are of when the message was sent, not of now */
    bool is_unrecorded; /* the trace is off: of the past nothing is known */
    bool is_channel;    /* that is no user, but a channel */
    const char *event;  /* NULL: any */
    int64_t now;
    int64_t known_since; /* what was before is not known any more; 0: all is known */
    struct why_message message;
    struct why_presence presence;
    struct why_channel channel;
    struct why_queue queue;
    struct why_event refusal, ending;
    struct why_gaps gaps;
    const char
        *other_tenant; /* in which such a user has a connection; NULL: none that may be told */
    const char *other_service;    /* the same; or where such an event was sent to it */
    bool is_there, is_sent_there; /* which of the two */
};

enum why_cause why_decide(const struct why_facts *facts);

#endif
