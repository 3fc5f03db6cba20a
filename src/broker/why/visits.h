/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_VISITS_H
#define BROKER_WHY_VISITS_H
/* The connections of a user as the trace tells of them: from when until when each was there, what
 * it listened to, and why it ended. */
#include "broker/why/cause.h"
#include "broker/why/evidence.h"

struct trace_record;

/* The records of all workers in the order in which they came about. Owned; they lie in the
 * evidence. */
struct why_history {
    const struct trace_record **records;
    size_t count;
};

struct visit {
    const char *handle;
    const struct trace_record *first;  /* that tells of it */
    const struct trace_record *opened; /* NULL: it was there before the trace begins */
    const struct trace_record *closed; /* NULL: it is there */
    bool has_got;                      /* the message; it was written to it */
    bool was_deaf;                     /* it did not listen to the message */
};

#define VISITS_CHANNELS_MOST 64u

struct visits {
    const struct why_history *history;
    const struct why_question *question;
    struct visit *items;
    size_t count, capacity;
    const char *tenant_id; /* of the user; NULL: not known */
    /* Channels that it had, or asked for; the first of them. */
    const char *channels[VISITS_CHANNELS_MOST];
    size_t channel_count;
};

#define VISITS_NOW UINT64_MAX /* later than all records: times are those of records (ns) */

void visits_read(struct visits *visits, const struct why_history *history,
                 const struct why_question *question);
void visits_release(struct visits *visits);

struct visit *visits_find(const struct visits *visits,
                          const char *handle); /* NULL: there is none */
bool visit_is_open_at(const struct visit *visit, uint64_t ns);
/* Whether it had a name then: field is TRACE_LISTENER or TRACE_CHANNEL. */
bool visit_has_name_at(const struct visits *visits, const struct visit *visit, uint64_t ns,
                       unsigned field, const char *name);
/* Whether it had a channel that is, or looks, like this one; or asked for it. */
bool visits_know_channel(const struct visits *visits, const char *channel);
/* The last record before then of what the user's pages asked for and got, left, or (refused) did
 * not get with this name; NULL: there is none. asked: TRACE_LISTENER or TRACE_CHANNEL. */
const struct trace_record *visits_last_of(const struct visits *visits, uint64_t ns, unsigned asked,
                                          unsigned refused, const char *name);
/* Why a record says that it was refused; NULL: it does not. */
const char *visits_refused_for(const struct trace_record *record, unsigned refused,
                               const char *name);
/* What says that the connection's page was told that it misses something, with this position among
 * it; NULL: nothing does. */
const struct trace_record *visit_gap(const struct visits *visits, const struct visit *visit,
                                     uint64_t position);
/* How often, and when last, the user's pages were told that they miss something. */
void visits_tell_gaps(const struct visits *visits, struct why_gaps *gaps);
/* Whether the connection, which was written what was dispatched there, had it dropped from its
 * queue. */
bool visit_has_dropped(const struct visits *visits, const struct visit *visit,
                       const struct trace_record *dispatched);

/* What the presence was then. */
void visits_tell_presence(const struct visits *visits, uint64_t ns, struct why_presence *presence);
/* The last refusal, and the last end, before then. */
void visits_tell_last(const struct visits *visits, uint64_t ns, struct why_facts *facts);

#endif
