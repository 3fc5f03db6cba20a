/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TRACE_H
#define BROKER_TRACE_H
/*
 * The trace of a service: what one worker has decided lately, always recorded, so that it can be
 * asked afterwards why somebody did not get something. Each worker records what it decides itself;
 * who asks gathers that of all workers (broker/trace_query.h).
 *
 * Records lie in a bounded ring for each class, in chunks of memory that are taken as they fill;
 * the oldest chunk gives way to the newest record. Classes have bounds of their own: a flood of
 * refusals pushes out refusals alone, and what became of connections outlives many messages.
 *
 * A record is a kind, times and fields. No payload, no token and no secret id is ever in it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct trace_settings {
    size_t bytes;      /* of all workers; 0: nothing is recorded */
    uint32_t watchers; /* live streams, of each worker */
};

enum trace_kind {
    /* Messages, at the owner. */
    TRACE_SENT,         /* it has its place in the order, and went to the shards that may have
                           somebody for it */
    TRACE_STORED,       /* with qos 1: it is in the store, in so many copies */
    TRACE_HELD,         /* with qos 1: it is on its way to the store */
    TRACE_REPEATED,     /* it was stored before, and nothing was done */
    TRACE_SEND_REFUSED, /* nothing of its request was stored or written */
    TRACE_ENDED,        /* a stored copy: acknowledged, expired, … */
    /* Messages, at a shard. */
    TRACE_DISPATCHED,  /* brought to the connections of a worker */
    TRACE_REDELIVERED, /* a stored one, from the queue to one connection */
    /* Connections. */
    TRACE_OPENED,
    TRACE_CLOSED,
    TRACE_LISTENING,
    TRACE_UNLISTENING,
    TRACE_SUBSCRIBED,
    TRACE_UNSUBSCRIBED,
    TRACE_CHANNELS_REFUSED, /* and the connection stays as it is */
    TRACE_DROPPED,          /* events, by the policy for slow clients */
    TRACE_GAP,              /* its page was told that it misses what is not in the log any more */
    /* Requests. */
    TRACE_REFUSED,
    TRACE_KINDS
};

/* As they are called in queries and answers. */
extern const char *const trace_kind_words[TRACE_KINDS];

enum trace_class { TRACE_OF_MESSAGES, TRACE_OF_CONNECTIONS, TRACE_OF_REFUSALS, TRACE_CLASSES };

enum trace_class trace_class_of(enum trace_kind kind);

/* Texts are cut to a length of their own (trace.c). Those with an (s) may come more than once. */
enum trace_field {
    TRACE_ID,             /* of a message */
    TRACE_EVENT,          /* its name */
    TRACE_BY,             /* who sends: the name of an API key, or whom a token names */
    TRACE_ALL,            /* number: it is for everybody */
    TRACE_TO_USER,        /* (s) whom it is for: keys of users (sse/user.h), */
    TRACE_TO_TOKEN,       /* (s) shortened, */
    TRACE_TO_TENANT,      /* (s) */
    TRACE_TO_CHANNEL,     /* (s) */
    TRACE_TO_CONNECTION,  /* (s) handles; */
    TRACE_VALUES,         /* number: of them, where some are left out */
    TRACE_LISTENERS_ONLY, /* number: only those who listen to it are meant */
    TRACE_QOS,            /* number */
    TRACE_SHARDS,         /* number: workers that may have somebody for it; 0: nobody is there */
    TRACE_IN_GROUP,       /* number: connections of a worker that the target names */
    TRACE_QUEUED,         /* number: of these were written to, */
    TRACE_MISSED,         /* number: or not, by a policy or because another way leads to them */
    TRACE_GOT,            /* (s) handles of those that were written to; */
    TRACE_DEAF,           /* (s) that do not listen to it, as far as their pages have said; */
    TRACE_LEFT_OUT,       /* (s) that were meant, and not written to */
    TRACE_COPIES,         /* number: stored */
    TRACE_STATE,          /* how a copy ended: a word of qos_state_words */
    TRACE_CAUSE,          /* of that */
    TRACE_CONNECTION,     /* a handle */
    TRACE_USER,           /* its user's key */
    TRACE_TENANT,         /* its user's tenant */
    TRACE_CLAIMED_USER,   /* what an unverified token claims */
    TRACE_CLAIMED_TENANT, /* the same */
    TRACE_ADDRESS,        /* of the client */
    TRACE_CLIENT,         /* its clientId */
    TRACE_REQUEST,        /* the request's id */
    TRACE_METHOD,
    TRACE_PATH,            /* with secrets masked */
    TRACE_STATUS,          /* number */
    TRACE_RULE,            /* a word, where there is one: origin, a limit's name, permission, … */
    TRACE_REASON,          /* a sentence, or the word of a reason to close */
    TRACE_LISTENER,        /* (s) event names that a connection listens to */
    TRACE_CHANNEL,         /* (s) that a connection has */
    TRACE_REFUSED_CHANNEL, /* (s) that it has asked for and not got; */
    TRACE_REFUSED_LISTENER, /* (s) the same; */
    TRACE_REFUSED_WHY,      /* (s) and for each of these, channels first, why: a word */
    TRACE_NAMES,            /* number: listeners and channels, where some are left out */
    TRACE_POLICY,           /* a word */
    TRACE_COUNT,            /* number: events */
    TRACE_WRITTEN,          /* number: all up to this position had left for the client */
    TRACE_RESUME,           /* a word: how a page that was away went on */
    TRACE_AFTER,            /* number: of what is up to this position it misses nothing by a gap; or
                               it begins behind this one */
    TRACE_FIELDS
};

/* Immutable once trace_end() has returned; lies in the ring, or in a copy of it. */
struct trace_record {
    uint32_t size; /* with its fields: the next one follows there */
    uint8_t kind;
    uint8_t worker; /* of whose trace it is */
    bool is_of_now; /* made for who asks: it says what is, and was not decided then */
    uint8_t padding;
    int64_t time;      /* wall ms */
    uint64_t ns;       /* the machine's clock: an order of the records of all workers */
    uint64_t position; /* in the order of the service; 0: none */
    char fields[];
};

#define TRACE_RECORD_MOST 2048u
#define TRACE_VALUES_MOST 16u /* fields (s) of a kind in one record */

struct trace_chunk;

struct trace_ring {
    struct trace_chunk **chunks; /* by their number modulo most */
    size_t most, chunk_size;
    uint64_t oldest, next; /* numbers of chunks: those from oldest up to next are there */
};

/* Bytes, of each class. All are 0: nothing is recorded. */
struct trace_bounds {
    size_t bytes[TRACE_CLASSES];
};

struct trace {
    struct loop *loop;
    uint8_t worker;
    struct trace_bounds bounds;
    struct trace_ring rings[TRACE_CLASSES];
    struct trace_record *open; /* between trace_begin() and trace_end() */
    size_t open_size;
    /* Counters. */
    uint64_t recorded[TRACE_CLASSES];
    uint64_t overwritten[TRACE_CLASSES];
    size_t used; /* bytes of chunks */
};

/* Of a bound for all workers what one of them has, who owns the service or not. */
struct trace_bounds trace_bounds_of(size_t bytes, size_t workers, bool is_owner);

/* Memory is taken as it fills. */
void trace_init(struct trace *trace, struct loop *loop, size_t worker,
                const struct trace_bounds *bounds);
/* What is recorded is kept only if the bounds stay. */
void trace_change(struct trace *trace, const struct trace_bounds *bounds);
void trace_release(struct trace *trace);

static inline bool trace_is_on(const struct trace *trace)
{
    return trace->bounds.bytes[0] > 0;
}

/* ---- writing: begin, then its fields, then end, with nothing else in between ---- */

/* False: it is off, and nothing may follow. position: 0: none. */
bool trace_begin(struct trace *trace, enum trace_kind kind, uint64_t position);
/* NULL and "": nothing. What has no place in the record any more is left out. */
void trace_text(struct trace *trace, enum trace_field field, const char *text);
/* The same of a text whose length is known, and which is not too long. */
void trace_name(struct trace *trace, enum trace_field field, const char *name, size_t length);
void trace_number(struct trace *trace, enum trace_field field, uint64_t number);
void trace_end(struct trace *trace);

/* ---- reading ---- */

/* Where a walk over a record's fields stands. */
struct trace_item {
    enum trace_field field;
    const char *text; /* NULL: it is a number */
    uint64_t number;
    size_t next; /* zero-filled before the first */
};

/* False: that was the last one. */
bool trace_next_field(const struct trace_record *record, struct trace_item *item);
/* The first of that field; NULL, or 0: it has none. */
const char *trace_text_of(const struct trace_record *record, enum trace_field field);
uint64_t trace_number_of(const struct trace_record *record, enum trace_field field);
/* Whether one of its fields of that name is this text. */
bool trace_has_text(const struct trace_record *record, enum trace_field field, const char *text);

/* As they are called in answers, and whether one record may have several. */
const char *trace_field_name(enum trace_field field);
bool trace_field_is_list(enum trace_field field);

/* Where a reader stands in a class: it has seen all records of the chunks before this one, and so
 * many bytes of this one. Zero-filled: at the beginning. */
struct trace_place {
    uint64_t chunk;
    size_t at;
    uint64_t seen; /* records of the class, in all; set by trace_read() */
};

/* Where it stands in all classes. */
struct trace_mark {
    struct trace_place places[TRACE_CLASSES];
};

/* The place behind the last record. */
struct trace_place trace_place_of_end(const struct trace *trace, enum trace_class class);
/* The records of one chunk that follow on a place, which moves behind them; they are good until
 * the next record is written. False: there are none. *lost grows by those that were overwritten
 * before they were read. */
bool trace_read(const struct trace *trace, enum trace_class class, struct trace_place *place,
                const struct trace_record **first, const struct trace_record **end, uint64_t *lost);

static inline const struct trace_record *trace_next(const struct trace_record *record)
{
    return (const struct trace_record *)((const char *)record + record->size);
}

#endif
