/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_MESSAGE_H
#define BROKER_MESSAGE_H
/*
 * What a service's owner and its shards say to each other. A shard is one worker's part of all
 * services, with the connections that live there; the owner of a service is one of the workers
 * (broker/broker.h). A message is a kind and plain values: nothing in it belongs to the sender once
 * it is sent. Its texts lie in it.
 *
 * Messages from one worker to another arrive in the order of sending, and a worker handles what has
 * come in one inbox: what a message has caused comes behind it everywhere. Answers to a question
 * that went to all may come later than that.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "broker/batch.h"
#include "broker/call_order.h"
#include "broker/presence_event.h"
#include "broker/ranking.h"
#include "broker/redelivery/ops.h"
#include "broker/trace.h"
#include "broker/why/evidence.h"
#include "qos/end.h"
#include "qos/look.h"
#include "sse/connection_id.h"
#include "sse/history.h"

struct broker_gathering;
struct broker_inspect;
struct bytes;
struct sse_user;
struct texts;

enum broker_kind {
    /* Attach and detach. */
    BROKER_ATTACH,   /* to the owner: may this be opened, and where does it go on? */
    BROKER_ATTACHED, /* its answer */
    BROKER_OPENED,   /* to the owner: it is */
    BROKER_CHANGE,   /* to the owner: connections have joined or left groups */
    BROKER_DETACH,   /* to the owner: it is over, or was not opened */
    BROKER_EVICT,    /* to the connection's shard: a newer one of its client has its slot */
    /* Idempotency keys. */
    BROKER_CLAIM,   /* to the owner */
    BROKER_CLAIMED, /* its answer, now or when the first with this key is settled */
    BROKER_SETTLE,  /* to the owner: how the one went that claimed first */
    /* Calls of pages. */
    BROKER_CALL,      /* to the connection's shard: its page wants something done there */
    BROKER_CALLED,    /* its answer, when the call has had its turn, or has its turn */
    BROKER_END_CALL,  /* to the connection's shard: one of its page's ordered calls is over, */
    BROKER_PASS_CALL, /* or will not come: it has been answered */
    /* Publishing. */
    BROKER_PUBLISH,          /* to the owner: bring this to whom it is for */
    BROKER_PUBLISHED,        /* its answer, when that is done, or was refused */
    BROKER_ADVANCE,          /* to a shard: the log has grown, by something for it */
    BROKER_DELIVERED,        /* its answer, when all of it is written */
    BROKER_CAUGHT_UP,        /* to the owner: a shard that was too far behind has got on */
    BROKER_FIND_CREDENTIALS, /* to a shard: what were these connections opened with? */
    BROKER_CREDENTIALS,      /* its answer */
    /* Redelivery. */
    BROKER_JOIN_QUEUES,    /* to the owner: a connection has come to queues of stored messages */
    BROKER_LEAVE_QUEUES,   /* to the owner: it has left them */
    BROKER_LIFT_BARRIER,   /* to the connection's shard: its queues are known */
    BROKER_COUNT,          /* to a shard: which connections of a queue still exist? */
    BROKER_COUNTED,        /* its answer */
    BROKER_REDELIVER,      /* to the connection's shard: stored messages for this one alone */
    BROKER_TAKEN,          /* its answer, when it has room for more or is gone */
    BROKER_NOTE_POSITIONS, /* to the owner: where the order was when these were written */
    BROKER_RESTORE,        /* to a shard: what was revoked before this process started */
    BROKER_ACKNOWLEDGE,    /* to the owner: a page has handled messages */
    BROKER_ACKNOWLEDGED,   /* its answer */
    BROKER_END_MESSAGES,   /* to the owner: nobody is to get them any more */
    BROKER_MESSAGES_ENDED, /* its answer */
    BROKER_KEEP,           /* to the owner: revocations that a restart is not to forget */
    BROKER_KEPT,           /* its answer */
    /* Presence. */
    BROKER_PRESENCE,      /* to the owner: what becomes of a connection that stays, or was ended */
    BROKER_SHARD_CLOSED,  /* to the owner: the server stops; this shard's connections are closed */
    BROKER_WATCH,         /* to the owner: somebody reads the presence events from now on */
    BROKER_WATCHED,       /* its answer */
    BROKER_READ,          /* to the owner: what follows for a watcher? */
    BROKER_EVENTS,        /* its answer */
    BROKER_UNWATCH,       /* to the owner: a watcher is gone */
    BROKER_WAKE_WATCHERS, /* to a shard: there are presence events again */
    BROKER_RECORD,        /* to a shard: whether to tell presence events */
    BROKER_RECORDED,      /* its answer */
    /* Queries. */
    BROKER_QUERY,           /* to a shard: which of your connections and users are meant? */
    BROKER_ROWS,            /* its answer, when the shard has looked at all of them */
    BROKER_SHOW,            /* to a shard: what do you know of these? */
    BROKER_SHOWN,           /* its answer, the same */
    BROKER_IS_ONLINE,       /* to a shard: do you know this user? */
    BROKER_ONLINE,          /* its answer */
    BROKER_WHY,             /* to a shard: why did somebody not get something? */
    BROKER_EVIDENCE,        /* its answer: what it knows that may say so */
    BROKER_SNAPSHOT,        /* to a shard: who is there, from here on? */
    BROKER_PIECE,           /* its answer, of some of them */
    BROKER_INSPECT,         /* to a shard: what have you recorded? (broker/trace.h) */
    BROKER_INSPECTED,       /* its answer */
    BROKER_FIND_MESSAGE,    /* to the owner: what has become of a stored message? */
    BROKER_MESSAGE_FOUND,   /* its answer */
    BROKER_LIST_MESSAGES,   /* to the owner: which messages are stored? */
    BROKER_MESSAGES_LISTED, /* its answer */
    /* Between workers. */
    BROKER_SAMPLE,    /* what have you counted? */
    BROKER_SAMPLED,   /* its answer */
    BROKER_MAKE_ROOM, /* one has no room for what a client sends: yours give way, too */
    BROKER_ROOM_MADE, /* its answer */
    /* The stop: between the workers' brokers themselves (broker/broker.h). */
    BROKER_STOP,     /* to every worker: what have you sent and received? */
    BROKER_STOPPING, /* its answer */
    BROKER_STOPPED,  /* to every worker: nothing is under way any more */
    BROKER_KINDS
};

#define BROKER_NO_SERVICE ((size_t)UINT16_MAX) /* of a message between workers themselves */

#define BROKER_PRESENCE_ID_SIZE 40u
#define BROKER_EVENTS_MOST      64u

enum broker_what { BROKER_STREAM, BROKER_UPLOAD, BROKER_WHATS };

enum broker_slot { BROKER_SLOT_OF_USER, BROKER_SLOT_OF_ADDRESS, BROKER_SLOTS };

/* Of connections, by hash (broker/directory.h); in the message. */
struct broker_groups {
    size_t count;
    const uint64_t *keys;
};

/* Texts may be NULL where that is said, and are the message's. */
struct broker_attach {
    enum broker_what what;
    const char *keys[BROKER_SLOTS]; /* NULL: not limited */
    const char *client;             /* whose oldest may be evicted for it; NULL: nobody's */
    struct broker_groups groups;    /* of a stream, from now on, until it is open or will not be */
    const char *last_id;            /* that its page has seen; NULL: none. With it: */
    struct sse_user *user;          /* whose it is; the message's */
    const char *const *channels;    /* that it may have */
    size_t channel_count;
};

struct broker_attached {
    bool is_refused;          /* nothing is held then: */
    int status;               /* 0, or why the engine does not know: a negative errno */
    enum broker_slot refused; /* for want of which slot */
    uint64_t position;        /* the log's last */
    enum sse_resume resume;   /* with a last id */
    uint64_t after;
};

struct broker_presence {
    enum presence_kind kind;
    const char *user_key, *tenant_id;
    struct bytes *event;   /* for back ends, counted; NULL: nobody wants to hear it */
    struct bytes *about;   /* the same, of the user */
    struct sse_user *left; /* whose connection has gone, the message's; NULL: nobody waits */
    /* Of the connection, where its page may still say why it left, or says so now; else "". */
    char handle[SSE_HANDLE_SIZE];
    bool is_last_words;
};

struct broker_change {
    struct broker_groups joined, left;
};

struct broker_opened {
    struct broker_presence presence;
    struct broker_change change; /* beside those that it attached with */
    const char *client;          /* that holds its connections' slots; NULL: they are not counted */
    int64_t order;               /* its create time, which says which one is older */
    char handle[SSE_HANDLE_SIZE];
};

struct broker_detach {
    struct broker_presence presence; /* of a connection that was opened */
    struct broker_groups groups;     /* that it was in */
    enum broker_what what;
    const char *keys[BROKER_SLOTS]; /* whose slots it held; NULL: none of that kind */
    const char *client;             /* NULL: none */
    char handle[SSE_HANDLE_SIZE];   /* "" when it was not opened */
};

struct broker_claim {
    const char *user; /* whose key it is, */
    const char *key;  /* with the user in it */
};

/* What the first with a key has got. */
struct broker_outcome {
    const char *key;    /* of BROKER_SETTLE */
    int status;         /* of BROKER_CLAIMED: or why the engine does not know: a negative errno */
    struct bytes *body; /* counted; NULL: it did not run, so that this one, or the next, may */
};

/* A connection as the owner of its queues sees it. */
struct broker_subscriber {
    struct consumer client;
    struct qos_identity identity;
    const char *const *listeners;
    size_t listener_count;
};

/* Which of a connection's queues. */
struct broker_scope {
    enum sse_dimension dimension; /* SSE_DIMENSIONS: every one */
    const char *value;            /* NULL: whatever it is */
    const char *event;            /* of those who listen to it; NULL: of all */
};

#define BROKER_EVERY_QUEUE ((struct broker_scope){.dimension = SSE_DIMENSIONS})

struct broker_queues {
    struct broker_subscriber subscriber;
    struct broker_scope scope;
    const char *last_id; /* of a message that its page has seen last; NULL: none */
    bool is_paused;      /* until BROKER_LIFT_BARRIER comes */
};

struct broker_barrier {
    char handle[SSE_HANDLE_SIZE];
    uint64_t joined; /* the position behind which it gets what goes to everybody */
};

struct broker_count {
    struct qos_recipient recipient;
    uint64_t position, instance; /* of those that have it (broker/redelivery/ops.h) */
};

struct broker_counted {
    struct liveness living;
    int64_t newest_time, attentive_time; /* when these two were made */
};

struct broker_line {
    const char *id, *event;
    struct bytes *wire; /* counted */
    bool is_new;        /* its recipient cannot have seen it before */
};

struct broker_redeliver {
    char handle[SSE_HANDLE_SIZE];
    size_t count;
    struct broker_line *lines; /* in the message */
};

struct broker_taken {
    size_t count; /* the first so many of the lines were queued */
    bool is_gone;
};

struct broker_written {
    const char *id;
    bool is_new; /* as above */
};

struct broker_positions {
    const char *user_key; /* to whom they were written */
    uint64_t position;
    size_t count;
    struct broker_written *messages; /* in the message */
};

/* BROKER_RESTORE, BROKER_KEEP: the list is of broker/revoking.h. */
struct broker_revocations {
    int status;         /* 0, or the errno, negative, for which they could not be read */
    struct bytes *list; /* counted; NULL: none */
};

struct broker_acknowledge {
    struct qos_identity identity;
    const char *const *ids;
    size_t count;
};

/* BROKER_END_MESSAGES, BROKER_FIND_MESSAGE, BROKER_LIST_MESSAGES: which stored messages. */
struct broker_choice {
    const char *id; /* NULL: by the filter */
    struct qos_filter filter;
    /* Of a list: */
    bool is_by_message;
    size_t skip, most;
    uint64_t timeout_ms; /* 0: as long as it takes */
};

/* BROKER_ACKNOWLEDGED, BROKER_MESSAGES_ENDED, BROKER_KEPT */
struct broker_done {
    int status; /* 0, or the store's errno, negative */
    size_t count;
    bool is_cut_short; /* the server stops: more are left */
};

/* BROKER_MESSAGE_FOUND, BROKER_MESSAGES_LISTED */
struct broker_found {
    int status;
    uint64_t passed; /* how many there are in all */
    bool is_timeout;
    struct qos_copies copies; /* the message's */
};

struct broker_watched {
    bool is_refused;                  /* there are too many */
    unsigned resume;                  /* enum presence_resume */
    uint64_t after;                   /* where it begins to read */
    char id[BROKER_PRESENCE_ID_SIZE]; /* the same as an id */
};

struct broker_read {
    uint64_t after;
    unsigned kinds;
    const char *tenants; /* words; NULL: all */
    size_t most_bytes;
};

struct broker_events {
    bool is_lost; /* what follows is not kept any more */
    bool is_all;  /* nothing more now: BROKER_WAKE_WATCHERS comes when there is */
    uint64_t after;
    size_t count;
    struct bytes **wires; /* counted, BROKER_EVENTS_MOST at the most; the message's array */
};

struct broker_names {
    const char *const *texts;
    size_t count;
};

/* What is done where a connection lives. */
enum broker_operation {
    BROKER_FIND,  /* nothing: is it there, and the caller's? */
    BROKER_ENTER, /* nothing: whose is it? A numbered call keeps its turn until BROKER_END_CALL */
    BROKER_COUNT_MESSAGE,
    BROKER_COUNT_UPLOAD,
    /* These have their turn, and end it. */
    BROKER_LISTEN,
    BROKER_UNLISTEN,
    BROKER_SUBSCRIBE,
    BROKER_UNSUBSCRIBE,
    BROKER_REFRESH, /* to who asks, which is its user with another credential */
    /* These find one that has ended a moment ago, too (sse/ended.h). */
    BROKER_IDENTIFY, /* which queues are its own? */
    BROKER_DISCONNECT,
    BROKER_OPERATIONS
};

/* What the back end that handles a call is told of its connection. */
struct broker_telling {
    bool is_wanted;
    bool has_token; /* the user's whole token, */
    bool is_brief;  /* unless it has to fit into a header field with all else: then without the
                       connection's header fields and parameters, too */
};

struct broker_call {
    enum broker_operation operation;
    const char *id;            /* of the connection, as its page has said it: any text */
    struct sse_user *user;     /* who asks, the message's; NULL: who knows the id, */
    uint64_t session_number;   /* on this session, */
    bool is_bound;             /* which has to be the stream's */
    bool is_counted;           /* the request has been on this connection before */
    struct call_number number; /* its place among the page's calls; 0: none */
    enum call_queue queue;
    struct broker_telling telling;      /* of ENTER, COUNT_… */
    struct broker_names names;          /* to LISTEN to, SUBSCRIBE to … */
    const char *reason;                 /* of DISCONNECT; NULL: none was given */
    const char *traceparent;            /* for the notifications that come of it; NULL: none */
    int64_t duration, session_duration; /* seconds of this visit, and before; -1: not said */
};

enum broker_call_outcome {
    BROKER_CALL_UNKNOWN,   /* not there, or not the caller's: that is one answer */
    BROKER_CALL_DONE,      /* or begun */
    BROKER_CALL_TOO_OFTEN, /* its user asks too often */
    BROKER_CALL_TOO_MANY,  /* calls wait for their turn */
    BROKER_CALL_REPLACED,  /* another call has come with its number */
};

struct broker_called {
    enum broker_call_outcome outcome;
    char turn[SSE_HANDLE_SIZE]; /* of whom BROKER_END_CALL has to follow; "": of none */
    /* Of LISTEN, SUBSCRIBE, REFRESH …: what it has now. */
    struct broker_names names;
    bool is_full;                /* nothing was added: it would have too many */
    const char *refused;         /* or this channel is not for the user; else NULL */
    struct broker_names removed; /* by REFRESH */
    int64_t expires_at;          /* wall ms; 0: never */
    bool is_heard;               /* of DISCONNECT: it was news */
    /* Of ENTER, COUNT_UPLOAD: whose it is. */
    const char *tenant_id, *user_id;
    char *connection, *user;      /* as JSON, for the back end: the message's; NULL: not wanted */
    struct qos_identity identity; /* of IDENTIFY */
};

struct broker_publish {
    struct broker_batch *batch; /* counted */
    uint64_t session; /* the sender's: what it sends stays in order; 0: the server itself */
    bool is_stored;   /* some of it is to be */
};

struct broker_advance {
    uint64_t after; /* these are the records of the log behind this position, */
    size_t count;
    uint64_t began_ns; /* as of a broker_batch */
};

/* BROKER_PUBLISHED, BROKER_DELIVERED */
struct broker_results {
    int status; /* of what was published: 0, or why nothing was written: a negative errno, */
    size_t at;  /* and the item that it is about */
    size_t count;
    struct broker_result
        *items; /* for each of the batch, or record; in the message, with all that they own */
    struct broker_result only; /* if it is one: such a message takes no more than any other */
};

/* BROKER_CREDENTIALS */
struct broker_credentials {
    size_t count;
    const struct sse_credential *items; /* in the message */
};

struct broker_call_end {
    char handle[SSE_HANDLE_SIZE];
    enum call_queue queue;
};

/* What a query may list. */
enum broker_list {
    BROKER_USERS, /* by their keys */
    BROKER_TOKENS,
    BROKER_TENANTS,
    BROKER_CHANNELS,
    BROKER_LISTS,                     /* of different texts; and of others: */
    BROKER_CONNECTIONS = BROKER_LISTS /* by their rows (broker/row.h) */
};

/* Which connections, or users, a query is about: what is said of them holds together. */
enum broker_filter_by {
    BROKER_BY_NAME, /* a part of it, in any case */
    BROKER_BY_TOKEN,
    BROKER_BY_USER_KEY, /* their group */
    BROKER_BY_USER,     /* the id */
    BROKER_BY_TENANT,
    BROKER_BY_CHANNEL,
    BROKER_BY_LISTENER,
    BROKER_BY_CLIENT,
    BROKER_BY_ID, /* of a connection, */
    BROKER_FILTERS
};

struct broker_filter {
    const char *by[BROKER_FILTERS]; /* NULL: any */
    bool is_of_users;               /* the id may be a user's, too */
};

/* What a list is in the order of. */
enum broker_sort {
    BROKER_SORT_KEY,         /* users; and what is a text and no more */
    BROKER_SORT_NAME,        /* users, and connections by that of theirs */
    BROKER_SORT_CONNECTIONS, /* users: how many they have */
    BROKER_SORT_CREATED,     /* connections */
    BROKER_SORT_MESSAGES,
    BROKER_SORT_QUEUED
};

struct broker_order {
    enum broker_sort sort;
    bool is_descending;
};

struct broker_query {
    unsigned lists; /* a mask of 1 << enum broker_list */
    bool has_away;  /* those who are away within the grace time are users, too */
    enum broker_sort sort;
    struct ranking_choice choice; /* of connections, by their rows; lends from the message */
    struct broker_filter filter;
};

struct broker_rows {
    size_t connections;    /* that the shard has, */
    size_t passed;         /* and of these so many pass the filter */
    struct texts *lists;   /* BROKER_LISTS; the message's */
    struct ranking *first; /* connections; the message's */
};

/* How a connection or a user is shown: as our own queries do it, or as the Java system does, there
 * with the secrets that the service shows, or without. */
enum broker_form { BROKER_FORM_OWN, BROKER_FORM_JAVA, BROKER_FORM_JAVA_MASKED };

struct broker_show {
    bool is_of_users; /* and not of connections */
    enum broker_form form;
    bool shows_queued;     /* of connections */
    uint64_t *connections; /* of each user, which are shown; NULL: they are not. In the message */
    const char **names;    /* keys of users, or handles; in the message */
    size_t count;
};

struct broker_shown {
    size_t count;
    char **texts; /* JSON; NULL: the shard has none. The message's: who takes one leaves NULL. */
};

/* The more the larger. */
enum broker_online { BROKER_IS_OFFLINE, BROKER_IS_AWAY, BROKER_IS_HERE };

struct broker_snapshot {
    bool is_of_users;    /* and not of connections */
    size_t position;     /* those behind it were shown */
    const char *tenants; /* words: only theirs; NULL: all */
};

struct broker_piece {
    size_t position;    /* the same for the next piece; 0: this was the last one */
    size_t shown;       /* so many are in it */
    struct bytes *wire; /* an event, counted; NULL: nobody is in it */
};

/* What a worker has sent to others, and received from them; and its questions without answers. */
struct broker_traffic {
    bool is_stopping;
    uint64_t sent, received;
    size_t open;
};

struct broker_inspected {
    struct bytes *records; /* one behind the other, in the order of time; counted */
    uint64_t passed, lost;
    struct trace_mark mark;
};

struct broker_message {
    struct mailbox_item item; /* the transport's */
    enum broker_kind kind;
    uint16_t service; /* its index, or BROKER_NO_SERVICE */
    uint16_t from;    /* the worker that has sent it */
    uint64_t ticket;  /* of a question, and of its answer; 0: of neither */
    unsigned kept;    /* references that its receiver has taken */
    /* The broker's: of a question to all, where its answers come together; of an answer, those that
     * come with it. */
    struct broker_gathering *gathering;
    struct broker_message *others;
    union {
        struct broker_attach attach;
        struct broker_attached attached;
        struct broker_opened opened;
        struct broker_change change;
        struct broker_detach detach;
        struct broker_claim claim;
        struct broker_outcome outcome; /* BROKER_CLAIMED, BROKER_SETTLE */
        struct broker_queues queues;   /* BROKER_JOIN_QUEUES, BROKER_LEAVE_QUEUES */
        struct broker_barrier barrier;
        struct broker_count count;
        struct broker_counted counted;
        struct broker_redeliver redeliver;
        struct broker_taken taken;
        struct broker_positions positions;
        struct broker_revocations revocations;
        struct broker_acknowledge acknowledge;
        struct broker_choice choice;
        struct broker_done done;
        struct broker_found found;
        struct broker_presence presence;
        /* BROKER_WATCH: the id of the last event that it knows; "": none. */
        char last_id[BROKER_PRESENCE_ID_SIZE];
        struct broker_watched watched;
        struct broker_read read;
        struct broker_events events;
        struct broker_call call; /* BROKER_CALL, BROKER_PASS_CALL */
        struct broker_called called;
        struct broker_call_end call_end;
        struct broker_publish publish;
        struct broker_advance advance;
        struct broker_results results;
        struct broker_names handles; /* BROKER_FIND_CREDENTIALS */
        struct broker_credentials credentials;
        struct broker_query query;
        struct broker_rows rows;
        struct broker_show show;
        struct broker_shown shown;
        const char *user_key;      /* BROKER_IS_ONLINE */
        enum broker_online online; /* BROKER_ONLINE */
        struct why_question why;
        struct why_evidence *evidence; /* the message's */
        struct broker_snapshot snapshot;
        struct broker_piece piece;
        const struct broker_inspect *inspect; /* in the message */
        struct broker_inspected inspected;
        void *sample;                  /* BROKER_SAMPLED: an allocation of who counts */
        bool is_for_stranger;          /* BROKER_MAKE_ROOM */
        struct broker_traffic traffic; /* BROKER_STOPPING */
        bool is_recording;             /* BROKER_RECORD */
        char handle[SSE_HANDLE_SIZE];  /* BROKER_EVICT */
    };
    size_t used;
    char texts[];
};

/* Zero-filled; room for texts of so many bytes in all, each with its NUL. */
struct broker_message *broker_message_new(enum broker_kind kind, size_t service, size_t room);
/* Copies a text into the message. NULL stays NULL. */
const char *broker_message_text(struct broker_message *message, const char *text);
/* What a text takes of the room. */
size_t broker_text_size(const char *text);
/* A part of the message's room for an array or a struct, zero-filled, and what it takes of that. */
void *broker_message_block(struct broker_message *message, size_t size);
size_t broker_block_size(size_t size);
/* The same of a list of texts, which are copied. */
const char *const *broker_message_list(struct broker_message *message, const char *const *texts,
                                       size_t count);
size_t broker_list_size(const char *const *texts, size_t count);

/* A copy of so many groups, in the message. */
struct broker_groups broker_message_groups(struct broker_message *message, const uint64_t *keys,
                                           size_t count);

/* Of BROKER_PUBLISHED or BROKER_DELIVERED, with so many results. */
struct broker_message *broker_message_of_results(enum broker_kind kind, size_t service,
                                                 size_t count);

/* Of a kind with a broker_choice. id may be NULL; it is copied, and so is the filter. */
struct broker_message *broker_choice_new(enum broker_kind kind, size_t service, const char *id,
                                         const struct qos_filter *filter);

/* For its receiver, in whose thread it stays: it is not freed before this reference is, too. */
struct broker_message *broker_message_keep(const struct broker_message *message);
/* Drops a reference; the last one frees it. */
void broker_message_free(struct broker_message *message);

/* Who receives it. */
enum broker_role { BROKER_TO_OWNER, BROKER_TO_SHARD, BROKER_ANSWER, BROKER_TO_BROKER };

enum broker_role broker_role(enum broker_kind kind);

#endif
