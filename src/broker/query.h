/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QUERY_H
#define BROKER_QUERY_H
/*
 * What back ends ask: which connections and users are meant, and what is known of some of them. All
 * shards of a service are asked, and what they answer is merged, in slices: how many there are of
 * each kind, and, in order, the first of one kind. Then those shards that may have them show some.
 *
 * A shard looks at very many in slices, and answers when it has looked at all. A connection that
 * leaves meanwhile may make another one be looked at twice; none that stays is left out.
 *
 * A connection's row is a text: what it is sorted by (the name of its user and its age; or a
 * number) and its handle, so that rows are in the order in which connections are listed.
 */
#include "base/slices.h"
#include "broker/broker.h"
#include "broker/texts.h"

struct broker_service;

/* ---- the asking side ---- */

struct gather {
    struct broker_request request;
    struct slices slices;
    const struct broker_service *service;
    /* The caller's to fill in before it starts: */
    unsigned lists; /* a mask of 1 << enum broker_list */
    bool has_away;  /* those who are away are users, too */
    size_t most;    /* of the first; 0: nothing but the counts is wanted */
    struct broker_order order;
    struct broker_filter filter;                /* lent until done */
    void (*reply)(const struct gather *gather); /* when all is merged */
    void (*done)(void *context);                /* when all is freed */
    void *context;
    /* How far that is: */
    size_t list, answer;
    struct text_cursor cursor;
    struct ranking *ranking; /* in the end the first of what is listed, in order */
    size_t answer_count;
    struct broker_message *answers[]; /* of all shards; what the first has becomes everybody's */
};

struct gather *gather_new(const struct broker_service *service);
/* Frees itself, when it has replied. */
void gather_start(struct gather *gather);

/* For the reply. Different ones, of a kind that was asked for; or connections. */
size_t gather_count(const struct gather *gather, enum broker_list list);
/* All connections of the service, whatever the filter says. */
size_t gather_connections(const struct gather *gather);

/* Some users, by their keys, or connections, by their handles, as those shards show them that have
 * them. */
struct showing {
    bool is_of_users;
    enum broker_form form;
    size_t count;
    char **names; /* owned, and allocated: freed at the end */
    /* texts: of each name; NULL: nobody has it any more. Perhaps before _start returns. */
    void (*done)(void *context, char *const *texts, size_t count);
    void *context;
};

void showing_start(const struct broker_service *service, const struct showing *showing);

const char *broker_row_handle(const char *row); /* lies in the row */

/* ---- a shard's part ---- */

/* BROKER_QUERY */
void broker_query_gather(struct broker_service *service, const struct broker_message *question);
/* BROKER_SHOW */
void broker_query_show(struct broker_service *service, const struct broker_message *question);
/* BROKER_IS_ONLINE */
void broker_query_online(struct broker_service *service, const struct broker_message *question);

#endif
