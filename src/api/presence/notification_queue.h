/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NOTIFICATION_QUEUE_H
#define API_NOTIFICATION_QUEUE_H
/*
 * Notifications on their way to a back end: in order for each user, several users at a time, again
 * and again until they are accepted or too old. A notification that the target cannot take for its
 * own sake waits alone with those of its user; while the target as a whole does not answer, or says
 * that it has too much to do, everything waits and one at a time asks whether it is back.
 *
 * What waits is bounded: at the bound the oldest goes. Does no I/O: its sender does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct loop;
struct notification;
struct notification_queue;

struct notification_queue_settings {
    uint32_t most;      /* notifications that wait, those being sent included */
    size_t most_bytes;  /* of their texts */
    uint32_t in_flight; /* users at a time */
    uint32_t retry_ms;  /* one that fails at this age is given up */
};

enum notification_loss {
    NOTIFICATION_DROPPED,  /* there were too many */
    NOTIFICATION_REFUSED,  /* the target will never take it */
    NOTIFICATION_GIVEN_UP, /* it was tried for too long, */
    NOTIFICATION_LAST,     /* or once more, at the end */
    NOTIFICATION_LOSSES
};

struct notification_sender {
    /* Sends it; notification_queue_answered() must follow, not before this returns. False: nothing
     * can be sent any more; it stays where it is. */
    bool (*send)(void *context, struct notification *notification);
    /* It will not be sent any more. status: of the last answer; 0: none. */
    void (*lost)(void *context, const struct notification *notification,
                 enum notification_loss loss, int status);
    void *context;
};

struct notification_counters {
    uint64_t sent;    /* accepted */
    uint64_t failed;  /* attempts that were not */
    uint64_t retried; /* attempts after the first */
    uint64_t lost[NOTIFICATION_LOSSES];
};

/* What came back. */
struct notification_answer {
    int status; /* 0: nothing */
    int64_t retry_after_s;
};

struct notification_queue *
notification_queue_new(struct loop *loop, const struct notification_queue_settings *settings,
                       const struct notification_sender *sender);
/* What is being sent must not be answered any more. */
/* Other bounds, which hold from the next notification on. is_other: the target has changed; what
 * waits for the old one is tried at once. */
void notification_queue_change(struct notification_queue *queue,
                               const struct notification_queue_settings *settings, bool is_other);
void notification_queue_free(struct notification_queue *queue);

/* Behind those of the same user. id and user_key are copied, json gets a reference. */
void notification_queue_push(struct notification_queue *queue, const char *user_key, const char *id,
                             struct bytes *json);

void notification_queue_answered(struct notification_queue *queue,
                                 struct notification *notification,
                                 const struct notification_answer *answer);

/* The end is near: from here on everything is sent at once, and once. */
void notification_queue_hurry(struct notification_queue *queue);

const char *notification_id(const struct notification *notification);
struct bytes *notification_json(const struct notification *notification); /* borrowed */

size_t notification_queue_count(const struct notification_queue *queue);
size_t notification_queue_bytes(const struct notification_queue *queue);
uint64_t notification_queue_age_ms(const struct notification_queue *queue); /* of the oldest */
const struct notification_counters *
notification_queue_counters(const struct notification_queue *queue);

#endif
