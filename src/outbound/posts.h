/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_POSTS_H
#define OUTBOUND_POSTS_H
/*
 * JSON texts POSTed to back ends, signed, until they are accepted: notifications to a service's own
 * back end, receipts to where the senders of messages want them.
 */
#include "base/list.h"
#include "outbound/answer.h"
#include "outbound/webhook.h"

struct bytes;
struct key_queue;
struct loop;
struct post_queue;
struct posts;

/*
 * Posts on their way: in order for each key, several keys at a time, retried until they are
 * accepted or are too old. A queue does no I/O: its sender does.
 *
 * With one target, a post that fails by itself waits alone, with later posts of its key. While the
 * target does not answer, or says that it has too much to do, everything waits, and one post at a
 * time tries again. At the bound the oldest post goes.
 *
 * With a target for each post, which says nothing of the others, every failure is retried. At the
 * bound a new post is refused. A post is read only, but for its call.
 */
struct post {
    struct list in_key, in_queue;
    struct key_queue *waiting;
    struct bytes *json;
    struct outbound_call *call; /* what it is sent by, canceled with it; NULL: it is not */
    uint64_t added_at;          /* loop ms */
    const char *url;            /* its target, behind the id; "": that of all */
    const char *traceparent;    /* behind that; "": none */
    char id[];
};

/* Where one goes. */
struct post_target {
    const char *url;         /* "": where all go */
    const char *traceparent; /* of the request that wanted it; "": none */
};

struct post_queue_settings {
    uint32_t most;      /* posts that wait, those being sent included */
    size_t most_bytes;  /* of their texts */
    uint32_t in_flight; /* keys at a time */
    uint32_t tries;     /* 0: to one target, and */
    uint32_t retry_ms;  /* one that fails at this age is given up; else each has its own, */
    /* and so many tries: it waits for the first time after the first, four times as long after the
     * second, … */
};

enum post_loss {
    POST_DROPPED,  /* there were too many */
    POST_REFUSED,  /* the target will never take it, or it may not go there */
    POST_GIVEN_UP, /* it was tried for too long, */
    POST_LAST,     /* or once more, at the end */
    POST_LOSSES
};

struct post_sender {
    /* Sends it; post_queue_answered() must follow, not before this returns. False: nothing can be
     * sent any more; it stays where it is. */
    bool (*send)(void *context, struct post *post);
    /* It will not be sent any more. status: of the last answer; 0: none. */
    void (*lost)(void *context, const struct post *post, enum post_loss loss, int status);
    void *context;
};

struct post_counters {
    uint64_t sent;    /* accepted */
    uint64_t failed;  /* attempts that were not */
    uint64_t retried; /* attempts after the first */
    uint64_t lost[POST_LOSSES];
};

/* What came back. */
struct post_answer {
    int status; /* 0: nothing */
    int64_t retry_after_s;
    bool is_forbidden; /* nothing may be posted there */
};

struct post_queue *post_queue_new(struct loop *loop, const struct post_queue_settings *settings,
                                  const struct post_sender *sender);
/* Other bounds, which hold from the next post on. is_other: the target has changed; what waits for
 * the old one is tried at once. */
void post_queue_change(struct post_queue *queue, const struct post_queue_settings *settings,
                       bool is_other);
void post_queue_free(struct post_queue *queue); /* cancels what is under way */

/* Behind those of the same key. The texts are copied, json gets a reference. */
void post_queue_push(struct post_queue *queue, const char *key, const char *id,
                     const struct post_target *target, struct bytes *json);
void post_queue_answered(struct post *post, const struct post_answer *answer);
/* The end is near: from here on everything is sent at once, and once. */
void post_queue_hurry(struct post_queue *queue);

size_t post_queue_count(const struct post_queue *queue);
size_t post_queue_bytes(const struct post_queue *queue);
uint64_t post_queue_age_ms(const struct post_queue *queue); /* of the oldest */
const struct post_counters *post_queue_counters(const struct post_queue *queue);

struct posts_settings {
    struct outbound_webhook webhook; /* url NULL: each post has its own. Texts are borrowed */
    struct post_queue_settings queue;
    enum outbound_purpose purpose;
    const char *service; /* its name, for the log. Borrowed */
    /* What is sent of a text now: one reference. NULL: itself. */
    struct bytes *(*text)(void *context, const struct bytes *json);
    void *context;
};

struct posts *posts_new(struct loop *loop, struct outbound_http *http,
                        const struct posts_settings *settings);
/* Other settings: what waits is sent to where they say, signed and bounded by them. */
void posts_change(struct posts *posts, const struct posts_settings *settings);
void posts_free(struct posts *posts); /* those that are left are lost */

/* Behind those of the same key, or with a URL of its own, and no key. id: the same for each try.
 * The texts are copied, json gets a reference. traceparent: as of a target. */
void posts_add(struct posts *posts, const char *key, const char *id, const char *traceparent,
               struct bytes *json);
void posts_add_to(struct posts *posts, const struct post_target *target, const char *id,
                  struct bytes *json);

/* One is not to be posted to where it was wanted: is counted, and told. */
void posts_refuse(struct posts *posts, const char *reason);

struct post_queue *posts_queue(const struct posts *posts);

#endif
