/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_POSTS_H
#define API_QOS_POSTS_H
/*
 * Receipts on their way to the addresses that their messages gave: some at a time, each tried a few
 * times within a minute, in no particular order. What becomes of a message can be asked for at any
 * time; so a receipt that finds no place, or nobody, is counted and forgotten.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct loop;
struct outbound_http;
struct qos_posts;

struct qos_posts_settings {
    struct loop *loop;
    struct outbound_http *http;
    const char *service; /* its name, for the log. Borrowed */
    const char *secret;  /* signs them; "": not signed. Borrowed */
    uint32_t most;       /* that wait, or are under way; 0: none is sent */
    bool only_public;    /* to public addresses, whatever a name leads to */
};

struct qos_posts_counters {
    uint64_t sent;    /* accepted with a 2xx */
    uint64_t failed;  /* given up */
    uint64_t dropped; /* there were too many */
    uint64_t refused; /* to where they may not go */
};

struct qos_posts *qos_posts_new(const struct qos_posts_settings *settings);
/* Other settings: what waits is signed and bounded by them. The loop and http stay. */
void qos_posts_change(struct qos_posts *posts, const struct qos_posts_settings *settings);
void qos_posts_free(struct qos_posts *posts); /* those that are left are lost */

/* Takes a reference to json. */
void qos_posts_add(struct qos_posts *posts, const char *url, struct bytes *json);

/* One is not to be posted there. */
void qos_posts_refuse(struct qos_posts *posts, const char *reason);

/* The server stops: those that wait, and those that still come, are tried at once, and once. */
void qos_posts_hurry(struct qos_posts *posts);

size_t qos_posts_count(const struct qos_posts *posts);
const struct qos_posts_counters *qos_posts_counters(const struct qos_posts *posts);

#endif
