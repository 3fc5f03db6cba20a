/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_PARSER_H
#define H1_PARSER_H
/*
 * Makes requests of HTTP/1.0 and 1.1 (RFC 9112) of the octets of one connection, one at a time.
 * llhttp parses; what it takes more leniently than is safe is refused by h1/scan.h before, and by
 * checks of the whole head here. Once a request is refused nothing more is taken: where the next
 * one begins is not known then.
 */
#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h1/scan.h"

struct h1_head;
struct h2_limits;
struct h2_request;

struct h1_facts {
    bool is_1_0;
    bool is_persistent; /* the client takes another answer on this connection */
    bool is_chunked;    /* the body is, whose length nobody knows then */
};

/* What was found. Called by h1_parser_take(); none of them may call that or free the parser. */
struct h1_events {
    /* The head is complete, or is refused (request->fault). Takes over the request. */
    void (*on_head)(void *context, struct h2_request *request, const struct h1_facts *facts);
    void (*on_body)(void *context, const char *data, size_t length);
    /* The whole request has come: nothing more is taken before h1_parser_reset(). */
    void (*on_end)(void *context);
    /* What followed the head cannot be read. */
    void (*on_fault)(void *context, int status, const char *text);
};

enum h1_phase {
    H1_HEAD,
    H1_BODY, /* of a stated length, */
    H1_CHUNK_LINE,
    H1_CHUNK_DATA,
    H1_CHUNK_END,
    H1_TRAILERS,
    H1_COMPLETE,
    H1_REFUSED
};

struct h1_parser {
    llhttp_t llhttp;
    struct h1_scan scan;
    enum h1_phase phase;
    uint64_t left;        /* of the body, or of this chunk */
    struct h1_head *head; /* what has come of one; NULL: nothing, or all */
    const struct h2_limits *limits;
    const struct h1_events *events;
    void *context;
    const char *scheme;                                 /* of the requests, "https" or "http" */
    bool is_head_done, is_chunk_begun, is_message_done; /* llhttp has said so */
    bool is_persistent;                                 /* and so, of the connection */
};

/* limits, events and scheme are borrowed. */
void h1_parser_init(struct h1_parser *parser, const struct h2_limits *limits, const char *scheme,
                    const struct h1_events *events, void *context);
void h1_parser_release(struct h1_parser *parser);
void h1_parser_reset(struct h1_parser *parser); /* for the next request */

/* Takes octets, and tells of what is found in them. How many; fewer than length when the request
 * ends there, or is refused. */
size_t h1_parser_take(struct h1_parser *parser, const char *data, size_t length);

/* Refuses the request whose head has begun. */
void h1_parser_refuse(struct h1_parser *parser, int status, const char *text);

/* An octet of a request has come, and its head is not complete. */
bool h1_parser_is_in_head(const struct h1_parser *parser);
/* More of this request is to come. */
static inline bool h1_parser_is_in_body(const struct h1_parser *parser)
{
    return parser->phase > H1_HEAD && parser->phase < H1_COMPLETE;
}

#endif
