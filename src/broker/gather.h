/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_GATHER_H
#define BROKER_GATHER_H
/*
 * What back ends ask: which connections and users are meant. All shards of a service are asked, and
 * what they answer is merged, in slices: how many there are of each kind, and, in order, a page of
 * one kind.
 *
 * Nobody keeps many rows at once. A page near the start is made of all rows before it and its own.
 * For one far behind a sample of the rows comes first: it tells two between which the page is;
 * those before them are but counted. Where these are still many a sample of them follows. The page
 * may be short where a sample tells wrongly: that is less likely than one in a hundred million.
 */
#include "base/buf.h"
#include "base/slices.h"
#include "broker/broker.h"
#include "broker/ranking.h"
#include "broker/texts.h"

struct broker_service;

struct gather {
    struct broker_request request;
    struct slices slices;
    const struct broker_service *service;
    /* The caller's to fill in before it starts: */
    unsigned lists;     /* to count: a mask of 1 << enum broker_list */
    bool has_away;      /* those who are away are users, too */
    size_t start, size; /* the page; size 0: nothing but the counts is wanted */
    bool has_user_rows; /* of users: row_user(); else they are their keys */
    struct broker_order order;
    struct broker_filter filter;                /* lent until done */
    void (*reply)(const struct gather *gather); /* when all is merged */
    void (*done)(void *context);                /* when all is freed */
    void *context;
    /* How far that is: */
    enum broker_list listed;
    struct ranking_choice choice; /* what is looked for among the rows: the page, or a sample */
    char *after, *until;          /* of the choice */
    unsigned samples;
    struct ranking ranking, sample;
    size_t answer, at;
    struct text_cursor cursor;
    struct buf row;
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
/* The rows of the page (broker/row.h); a connection that was looked at twice is two of them. */
size_t gather_rows(const struct gather *gather);
const char *gather_row(const struct gather *gather, size_t index);

#endif
