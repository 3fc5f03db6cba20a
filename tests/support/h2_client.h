/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_H2_CLIENT_H
#define SUPPORT_H2_CLIENT_H
/*
 * An HTTP/2 client and our server in one thread, joined by a socketpair: h2_server holds loop,
 * endpoint and the handler under test; each h2_client is one connection. h2_pump() lets both work
 * until neither has anything to say. A client speaks through nghttp2, or writes frames as it likes
 * (h2_client_raw...): what the server answers is taken apart either way.
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "h2/session.h"
#include "h2/stream.h"

#define H2_CLIENT_STREAMS 256u

struct h2_client;
struct h2_listener_options;

struct h2_server {
    struct loop *loop;
    struct h2_endpoint *endpoint;
    const struct h2_counters *counters;
    /* What the test does with a request; NULL: h2_server_echo. */
    void (*on_request)(struct h2_server *server, struct h2_stream *stream);
    void *context;                              /* the test's */
    const struct h2_listener_options *listener; /* what clients come by; NULL: cleartext */
    struct h2_client *clients[8];
    size_t client_count;
    unsigned requests, errors;
    int last_error; /* the status that on_error was asked for */
};

struct h2_client_stream {
    int status;
    unsigned informational; /* answers with 1xx */
    int64_t content_length; /* -1: none */
    struct buf body;
    bool is_ended;  /* END_STREAM came */
    bool is_closed; /* for the client's nghttp2 */
    uint32_t error_code;
    struct buf upload; /* from uploaded on is still to be sent */
    size_t uploaded;
    bool is_upload_open;
};

struct h2_client {
    struct h2_server *server;
    struct h2_session *session; /* the server's end; may be gone */
    nghttp2_session *nghttp2;   /* NULL: raw */
    nghttp2_hd_deflater *deflater;
    int fd;
    bool is_paused;    /* does not read */
    bool is_closed;    /* the server has ended the connection; the client then closes its socket, */
    bool is_lingering; /* unless it is slow to do so */
    struct buf unsent;
    struct buf received; /* octets of a frame that is not yet complete */
    size_t bytes_received;
    unsigned frames[256]; /* received, by type */
    unsigned empty_data;
    uint32_t goaway_code; /* of the latest GOAWAY; counted in frames[] */
    int32_t goaway_last;  /* its last stream */
    unsigned resets[16];  /* RST_STREAM received, by code */
    struct h2_client_stream streams[H2_CLIENT_STREAMS];
};

/* limits NULL: the defaults. */
void h2_server_init(struct h2_server *server, const struct h2_limits *limits);
void h2_server_release(struct h2_server *server); /* its clients too */
void h2_server_turn(struct h2_server *server);    /* one turn of the loop, without waiting */
void h2_server_wait(struct h2_server *server);    /* one turn, a tick of time later */

/* Answers 200 with the request's body. */
void h2_server_echo(struct h2_server *server, struct h2_stream *stream);
void h2_server_answer(struct h2_stream *stream, int status, const char *body);

struct h2_client_settings {
    uint32_t window;       /* INITIAL_WINDOW_SIZE; 0: zero, for real */
    bool is_manual_window; /* WINDOW_UPDATE only when the test sends it */
    int socket_buffer;     /* of both ends; 0: the system's */
};

struct h2_client *h2_client_new(struct h2_server *server);
struct h2_client *h2_client_new_with(struct h2_server *server,
                                     const struct h2_client_settings *settings);
/* Sends nothing by itself, its preface neither. */
struct h2_client *h2_client_new_raw(struct h2_server *server);
struct h2_client *h2_client_new_raw_with(struct h2_server *server, int socket_buffer);
/* By TCP, with nghttp2; the handshake of HTTP/2 is done. */
struct h2_client *h2_client_new_tcp(struct h2_server *server);
void h2_client_leave(struct h2_client *client); /* closes its socket */

/* Both sides work until nothing moves any more. */
void h2_pump(struct h2_server *server);

/* A request; its stream's id. body NULL: none. */
int32_t h2_client_get(struct h2_client *client, const char *path);
int32_t h2_client_request(struct h2_client *client, const char *method, const char *path,
                          const char *body, size_t length);
int32_t h2_client_submit(struct h2_client *client, const nghttp2_nv *fields, size_t count,
                         bool has_body);
/* More of the body of a request whose body was NULL but has_body. */
void h2_client_upload(struct h2_client *client, int32_t id, const char *data, size_t length,
                      bool is_end);
struct h2_client_stream *h2_client_stream(struct h2_client *client, int32_t id);

nghttp2_nv h2_field(const char *name, const char *value);

/* Raw: octets as they are; the preface with empty SETTINGS; a frame; a request's HEADERS. */
void h2_client_write(struct h2_client *client, const void *data, size_t length);
void h2_client_preface(struct h2_client *client);
void h2_client_frame(struct h2_client *client, uint8_t type, uint8_t flags, int32_t id,
                     const void *payload, size_t length);
void h2_client_headers(struct h2_client *client, uint8_t flags, int32_t id,
                       const nghttp2_nv *fields, size_t count);
void h2_client_raw_get(struct h2_client *client, uint8_t flags, int32_t id, const char *path);
void h2_client_window_update(struct h2_client *client, int32_t id, uint32_t increment);
void h2_client_setting(struct h2_client *client, uint16_t id, uint32_t value);
void h2_client_reset(struct h2_client *client, int32_t id, uint32_t code);

/* A source that the test fills: {0} is one that has nothing yet. */
struct h2_test_source {
    struct h2_stream *stream; /* set by h2_test_source_respond(), not a reference */
    struct buf bytes;
    size_t taken;
    bool is_over;
    unsigned closed;
};

void h2_test_source_respond(struct h2_test_source *source, struct h2_stream *stream);
void h2_test_source_push(struct h2_test_source *source, const char *data, size_t length);
void h2_test_source_end(struct h2_test_source *source);
void h2_test_source_release(struct h2_test_source *source);

#endif
