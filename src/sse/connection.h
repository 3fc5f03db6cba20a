/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CONNECTION_H
#define SSE_CONNECTION_H
/*
 * One open event stream: who, what it listens to, what waits for it. Reaches its client through a
 * sink and knows nothing of HTTP. Belongs to one service of one worker. Lives from
 * sse_connection_open() until its sink says sse_connection_gone(); in between it may have ended
 * (sse_connection_close): then it is in no registry any more and only its last bytes leave. After
 * that it is remembered for some seconds, for its page's last words.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/table.h"
#include "sse/client_info.h"
#include "sse/connection_id.h"
#include "sse/history.h"
#include "sse/lifetime.h"
#include "sse/queue.h"
#include "sse/registry.h"

struct sse_backlog;
struct sse_event;
struct sse_service;
struct sse_user;

#define SSE_CONNECTION_MAX_PADDING 4096u

/* The way to the client; the only inversion in the program. Both calls come last in whatever
 * made them, so that the sink may take, or close the connection, inside. */
struct sse_sink {
    /* The queue was empty and has something now, or the connection has ended. */
    void (*wake)(void *context);
    /* Nothing more can be said to this client: break off. sse_connection_gone() follows, later. */
    void (*close)(void *context);
};

enum sse_close_reason {                    /* each with its word on the wire, in logs and metrics */
                        SSE_CLOSE_GONE,    /* the client left */
                        SSE_CLOSE_CLIENT,  /* disconnect.do */
                        SSE_CLOSE_KICKED,  /* disconnectUser */
                        SSE_CLOSE_EVICTED, /* too many connections of one client */
                        SSE_CLOSE_SLOW,    /* the queue's bound, policy disconnect */
                        SSE_CLOSE_LIFETIME, /* end of life */
                        SSE_CLOSE_DRAIN,    /* the server stops */
                        SSE_CLOSE_EXPIRED,  /* the user's credential, and no other came */
                        SSE_CLOSE_REASONS
};

extern const char *const sse_close_reason_words[SSE_CLOSE_REASONS];

struct sse_connection {
    /* What a push touches comes first. */
    struct sse_service *service; /* NULL once it has ended */
    uint64_t dispatch_mark;      /* the last dispatch that wrote here: once per message */
    uint64_t last_heartbeat_at;  /* loop ms: that something came which its page, or client, sees */
    uint32_t message_count;
    uint32_t registry_index;     /* the registry's: its place among all */
    uint64_t barrier_mark;       /* kept events that are dispatched up to this mark pass it by */
    struct sse_backlog *backlog; /* what waits until the queue has room; NULL: nothing */
    struct sse_queue queue;
    const struct sse_sink *sink; /* NULL once gone */
    void *sink_context;

    struct sse_service *home;           /* its service for the accounts, after the end too */
    struct sse_membership *memberships; /* the registry's: where it is listed */
    uint32_t membership_count, channel_count;
    uint32_t request_message_count, request_upload_count;
    struct sse_user *user;
    struct sse_packed_info *info;
    /* The next heartbeat, the end of life or of the credential, whichever is first. */
    struct loop_timer timer;
    struct sse_expiry expiry;     /* of the credential */
    uint64_t created_at, ends_at; /* loop ms; ends_at 0: never */
    uint64_t ended_at;            /* loop ms, once it has ended */
    /* Positions in the history: it gets what is behind joined, and has what is behind resumed, up
     * to opened. */
    uint64_t joined, resumed, opened;
    int64_t create_time;       /* wall ms */
    int64_t last_request_time; /* wall ms, 0: none yet */
    int64_t access_time, session_duration;
    uint64_t session_number; /* of the transport session it runs on */
    struct table_node node;
    char handle[SSE_HANDLE_SIZE];
    char secret[SSE_SECRET_SIZE]; /* for sse/connection_id.c only */
    bool wants_heartbeat, hears_reasons;
    bool acknowledges;  /* its page tells which stored messages it has handled */
    bool is_remembered; /* by sse/ended.h */
    enum sse_close_reason close_reason : 8; /* once it has ended */
};

struct sse_connection_options {
    struct sse_user *user; /* a reference is taken */
    const struct sse_client_info *info;
    const char *const *listeners;
    size_t listener_count;
    const char *const *channels;
    size_t channel_count;
    const struct sse_sink *sink;
    void *sink_context;
    uint64_t session_number;
    int64_t keepalive_time_ms; /* as the page asks; negative: it does not */
    /* A comment of so many bytes comes first, at the most SSE_CONNECTION_MAX_PADDING: it moves what
     * something on the way holds back until it has more. */
    size_t padding;
    /* Its heartbeats are events, which a page sees, instead of comments. It sees no other event
     * that it does not listen to: so they come whatever else is written. */
    bool wants_heartbeat;
    bool offers_acknowledgement; /* its client says which stored messages the page has handled */
    bool hears_reasons; /* its client knows from connect-close whether to come back, and when */
    /* Header fields that its scripts may send from another origin, a list; NULL: any. */
    const char *cors_headers;
    /* What the page has asked for and does not get: an array, borrowed; empty or NULL: nothing. */
    json_t *left_out;
    /* The id that the page has shown (NULL: none), and what sse_history_find() said of it in this
     * turn. */
    const char *last_id;
    enum sse_resume resume;
    uint64_t after;
};

/* What a connection is written of what goes to everybody: that behind after, up to opened, because
 * its page was here before; that behind opened, because it is open. */
struct sse_arrival {
    uint64_t after, opened; /* positions in the history */
    const char *last_id;    /* that its page has shown; NULL: none */
    bool is_exact;          /* its page has all up to after, and nothing behind it */
};

/* Registers the connection, queues connect-finish, sse-left-out when that is so, and sse-gap when
 * its page misses something that is not to be had; tells observers. What the page has missed
 * follows as there is room, before anything that is dispatched later. Never NULL; but an observer
 * may have ended it already. */
struct sse_connection *sse_connection_open(struct sse_service *service,
                                           const struct sse_connection_options *options);

/* Queues an event, by the service's bound and policy, which may end the connection. True when it
 * was queued. */
bool sse_connection_push(struct sse_connection *connection, struct sse_event *event);

/* For what can wait. Whether one more event of this size leaves half of the bounds to what cannot;
 * an empty queue has room for any. */
bool sse_connection_has_room(const struct sse_connection *connection, size_t size);
/* Whether the queue has drained so far that it is worth while to fill it again. */
bool sse_connection_is_drained(const struct sse_connection *connection);

/* Kept events that are dispatched from now on pass the connection by, until the barrier is lifted:
 * those that are dispatched after that it gets. There is one barrier, however often it is raised.
 */
void sse_connection_raise_barrier(struct sse_connection *connection);
void sse_connection_lift_barrier(struct sse_connection *connection);

/* Ends it: leaves the registry, tells observers, and queues connect-close, or retry, as its last
 * event (sse/server_events.h). text overrides the reason's word (NULL: none); reconnect_ms: 0 stay
 * away, > 0 wait that long, < 0 what is usual for the reason. What waits is still delivered, except
 * to clients that are gone or slow. A second call is a no-op. */
void sse_connection_close(struct sse_connection *connection, enum sse_close_reason reason,
                          const char *text, int64_t reconnect_ms);

/* It has ended, its page was told to come back, and has not read that: is told to stay away
 * instead, as by SSE_CLOSE_KICKED. False: it is too late for that, or the page stays away already.
 */
bool sse_connection_send_away(struct sse_connection *connection, const char *text);

/* The server stops: the connection ends at a time of its own (sse/lifetime.h), or before that. */
void sse_connection_drain(struct sse_connection *connection);

/* The same user with another credential: what the connection goes by from now on, and until when it
 * lasts. Its channels are left as they are. A reference is taken. */
void sse_connection_set_user(struct sse_connection *connection, struct sse_user *user);

/* For the sink: what can be taken now, and whether nothing follows it. */
size_t sse_connection_ready(const struct sse_connection *connection, bool *last);
void sse_connection_take(struct sse_connection *connection, char *to, size_t length);

/* Why it left, says the page of a connection that has ended without a word; text NULL: no more than
 * that it did. session_duration negative: not said. False when it had ended otherwise, or has said
 * it before: then it has no more to say. */
bool sse_connection_take_last_words(struct sse_connection *connection, const char *text,
                                    int64_t session_duration);

/* The sink has gone, finished or broken: no call of it may follow. Frees the connection, unless it
 * is remembered. */
void sse_connection_gone(struct sse_connection *connection);
/* For sse/ended.c: it is not remembered any longer. Frees it when its sink has gone. */
void sse_connection_forgotten(struct sse_connection *connection);

/* What it listens to, and its channels (SSE_GROUP_LISTENER, SSE_GROUP_CHANNEL). Names that are none
 * of that kind, and those beyond settings->listeners and channels_per_connection, are left out;
 * whether it may have a channel is the caller's to know. */
void sse_connection_add_names(struct sse_connection *connection, enum sse_group_kind kind,
                              const char *const *names, size_t count);
void sse_connection_remove_names(struct sse_connection *connection, enum sse_group_kind kind,
                                 const char *const *names, size_t count);
/* Those it begins with, of which observers hear by on_connect: sse_connection_open()'s own. */
void sse_connection_set_names(struct sse_connection *connection, enum sse_group_kind kind,
                              const char *const *names, size_t count);
json_t *sse_connection_names(const struct sse_connection *connection,
                             enum sse_group_kind kind); /* array, new */
bool sse_connection_has_name(const struct sse_connection *connection, enum sse_group_kind kind,
                             const char *name);

/* Whether the target selects it, and it listens to what the target asks for. */
bool sse_connection_is_selected(const struct sse_connection *connection,
                                const struct sse_target *target);
/* The value of an individual's target (user, token, connection) that it has; NULL: the target is a
 * group's. Of a target that selects it. */
const char *sse_connection_individual(const struct sse_connection *connection,
                                      const struct sse_target *target);

/* All that is for it has left for its client, up to this position in the log, but what comes from
 * queues of stored messages. */
uint64_t sse_connection_written(const struct sse_connection *connection);

int64_t sse_connection_life_ms(const struct sse_connection *connection); /* 0: it has no end */

struct sse_client_info sse_connection_info(const struct sse_connection *connection); /* borrowed */

/* As the query `connections` shows it; a new reference. */
json_t *sse_connection_to_json(const struct sse_connection *connection, const char *server_id);
/* The same with its user as sse_user_as_told(). */
json_t *sse_connection_as_told(const struct sse_connection *connection, const char *server_id,
                               bool has_token);

/* As the Java system lists it, and users, by its defaults: the same fields in the same order,
 * numbers where the credential gave numbers, times as its Spring writes them. shows_secrets: with
 * the whole token and further secrets, else as sse_user_to_json(). A new reference each. */
json_t *sse_java_connection(const struct sse_connection *connection, const char *server_id,
                            bool shows_secrets);
json_t *sse_java_user(const struct sse_user *user, bool shows_secrets);
json_t *sse_java_time(int64_t wall_ms); /* "2026-11-28T23:41:06.249+00:00"; null for 0 */

#endif
