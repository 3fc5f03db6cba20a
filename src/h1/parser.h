/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_PARSER_H
#define H1_PARSER_H
/*
 * Makes requests of HTTP/1.0 and 1.1 (RFC 9112) of the octets of one connection, one at a time.
 * llhttp parses; what it takes more leniently than is safe is refused by h1/scan.c before, and by
 * checks of the whole head here. Once a request is refused nothing more is taken: where the next
 * one begins is not known then.
 */
#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h1_head;
struct h2_limits;
struct h2_request;

/* The octets between the data: request line, fields, chunk lines, and where each ends (RFC 9112 2.1
 * and 7.1), read before the parser library sees them. What could end a line or a field elsewhere
 * than we think is refused here: bare CR and LF, NUL and other control characters, a space before a
 * colon, folded lines, a second space in the request line. */
enum h1_scan_state {
    H1_SCAN_START, /* of a request line; one blank line may come before it */
    H1_SCAN_START_LF,
    H1_SCAN_METHOD_FIRST,
    H1_SCAN_METHOD,
    H1_SCAN_TARGET_FIRST,
    H1_SCAN_TARGET,
    H1_SCAN_VERSION,
    H1_SCAN_VERSION_CR,
    H1_SCAN_LINE_LF, /* of the request line or of a field */
    H1_SCAN_FIELD,   /* the first octet of a line: a field, or the end of all */
    H1_SCAN_NAME,
    H1_SCAN_VALUE,
    H1_SCAN_LAST_LF,
    H1_SCAN_SIZE_FIRST, /* of a chunk */
    H1_SCAN_SIZE,
    H1_SCAN_EXTENSION,
    H1_SCAN_DATA_CR, /* behind a chunk's data */
    H1_SCAN_DATA_LF,
    H1_SCAN_DONE
};

/* Zero-filled is the start of a request. */
struct h1_scan {
    enum h1_scan_state state;
    unsigned position; /* in the version, or digits of a chunk's size */
    size_t octets;     /* of the head, of the trailers, or of all chunk lines' extensions */
    size_t most;       /* of these */
    int fault;         /* the status that answers it; 0: none so far */
    const char *text;  /* what is wrong, and what would be right */
};

/* What comes next, by its first state; and the same, its octets counted with those before. */
void h1_scan_expect(struct h1_scan *scan, enum h1_scan_state first, size_t most);
void h1_scan_go_on(struct h1_scan *scan, enum h1_scan_state first);

/* Takes octets until the part is complete (H1_SCAN_DONE) or one is refused (fault): how many were
 * fine. */
size_t h1_scan_take(struct h1_scan *scan, const char *data, size_t length);

/* The target of a request line (RFC 9112 3.2), and the host field. */
struct h1_target {
    const char *authority; /* of the absolute form; NULL: the host field says it */
    size_t authority_length;
    const char *path; /* with query; "/" where the absolute form has none */
    size_t path_length;
    bool lacks_slash; /* it begins with '?', and a '/' belongs before it */
};

/* Takes text apart; the parts lie in it. False when it has another scheme than http and https, or
 * no authority. */
bool h1_target_parse(struct h1_target *target, const char *text, size_t length);

/* Whether text is a host, with a port or without (RFC 9110 7.2). */
bool h1_target_is_host(const char *text, size_t length);

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
