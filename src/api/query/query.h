/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QUERY_H
#define API_QUERY_H
/*
 * Asks all shards of a service which connections and users are meant (broker/query.h), and merges
 * what they answer, in slices: how many there are of each kind, and, in order, the first of one
 * kind up to the end of the page.
 */
#include "api/query/connection_filter.h"
#include "api/query/paging.h"
#include "base/slices.h"
#include "broker/broker.h"
#include "broker/ranking.h"
#include "broker/texts.h"

struct api_exchange;

struct query {
    struct broker_request request;
    struct slices slices;
    struct api_exchange *exchange; /* a reference */
    /* The caller's to fill in before it starts: */
    unsigned lists;          /* a mask of 1 << enum broker_list */
    bool has_away;           /* those who are away are users, too */
    struct paging paging;    /* zero-filled: nothing but the counts is wanted; else */
    enum broker_list listed; /* the only one, */
    enum broker_form form;   /* and how it is shown */
    struct connection_filter filter;
    void (*reply)(const struct query *query); /* when all is merged */
    /* How far that is: */
    size_t list, answer;
    struct text_cursor cursor;
    struct ranking *ranking; /* in the end the first of what is listed, in order */
    size_t answer_count;
    struct broker_message *answers[]; /* of all shards; what the first has becomes everybody's */
};

struct query *query_new(struct api_exchange *exchange);
/* Frees itself, when it has replied. */
void query_start(struct query *query);

/* For the reply. Different ones, of a kind that was asked for; or connections. */
size_t query_count(const struct query *query, enum broker_list list);
/* All connections of the service, whatever the filter says. */
size_t query_connections(const struct query *query);

#endif
