/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H
/*
 * One request on its way through this room: what was asked, by whom, and the stream to answer on.
 * Lives until its stream has closed and nobody holds a reference; a handler that answers later
 * holds one. It is this worker's: others are told what they need of it (api/page/on_connection.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/audit.h"
#include "api/worker.h"
#include "auth/auth.h"
#include "h2/body.h"
#include "h2/form.h"
#include "h2/request.h"
#include "h2/router.h"

struct api_exchange;
struct api_facts;
struct body_turn;
struct bytes;
struct h2_stream;
struct sse_user;

enum api_guard {
    API_OPEN,     /* anybody */
    API_PAGE,     /* the service's auth says who it is; wrong credentials are refused */
    API_BACK_END, /* an API key, or a token with permissions (api/guard.h) */
};

enum api_body {
    API_NO_BODY, /* what comes is thrown away */
    API_JSON,
    API_JSON_TOKENS,   /* the same, passed on as it is written */
    API_JSON_MESSAGES, /* the same, of a send */
    API_CREDENTIAL,    /* JSON that may hold one: the handler asks who it is by itself */
    API_FORM,          /* parameters (api/form_body.h), or nothing */
    API_BEACON,        /* the same, and text/plain: a string given to sendBeacon() */
    API_STREAMED,      /* the handler reads it, and asks who it is by itself */
};

/* Whose routes; a mask. A listener may serve one side only (enum api_role). */
enum api_side { API_PAGES_SIDE = 1 << 0, API_BACK_ENDS_SIDE = 1 << 1, API_BOTH_SIDES = 3 };

/* What a route leads to. */
struct api_endpoint {
    enum api_side sides;
    enum api_guard guard;
    enum auth_permission permission; /* that API_BACK_END asks for */
    enum api_body body;
    void (*handle)(struct api_exchange *exchange);
    enum call_lane lane;    /* of a page's own call */
    const char *parameters; /* with commas: a query may have no others; NULL: it may */
};

struct api_exchange {
    unsigned refs;
    struct api *api;
    struct api_service *service; /* NULL outside of every service */
    const struct api_endpoint *endpoint;
    struct h2_stream *stream; /* a reference */
    const struct h2_request *request;
    uint64_t session_number;
    struct h2_form query;
    struct h2_form form; /* the body, when it is one */
    const char *body;    /* while the handler runs; "" when there is none */
    size_t body_length;
    struct h2_body kept;    /* where that lies when it has to wait: for who asks, or its turn */
    struct body_turn *turn; /* it has waited for that, or does; NULL: it did not have to */
    const char *credential; /* what the body shows as one; lent, until that is checked; or NULL */
    struct api_facts *facts;
    bool is_complete;   /* the body has come */
    bool is_full;       /* more of it is to come than is held of somebody unknown */
    bool is_identified; /* the verdict is in */
    bool is_refused;    /* and the log was told (api/refusal.h) */
    enum auth_verdict verdict;
    enum auth_source source;    /* of the credential */
    struct sse_user *user;      /* with AUTH_OK */
    uint64_t revocations;       /* that had been told when the verdict came */
    unsigned permissions;       /* of a back end; a mask of enum auth_permission */
    uint64_t services;          /* of its API key (auth/api_key.h); 0: it showed none */
    char *tenants;              /* that it is for; words. NULL: all */
    const char *route;          /* the pattern of its endpoint, below the service */
    const char *refusal;        /* otherwise: what would be right, */
    struct bytes *refusal_data; /* what the page is told besides (JSON) or NULL, */
    unsigned retry_after_s;     /* and when; 0: any time */
    void (*on_identity)(struct api_exchange *exchange);
    void (*on_close)(struct api_exchange *exchange); /* the stream; or NULL */
    struct call_number order;                        /* of a page's own call */
    bool is_in_order;                                /* it has its place, or needs none */
    void *context;                                   /* the handler's own */
    struct api_audit audit;
    bool is_patient; /* the answer leaves behind the events that wait (h2/stream.h) */
    char variable[H2_ROUTE_MAX_VARIABLE + 1]; /* {path} of the route */
};

/* Takes a reference to the stream and puts itself into its context. */
struct api_exchange *api_exchange_new(struct api *api, struct h2_stream *stream);
struct api_exchange *api_exchange_ref(struct api_exchange *exchange);
struct api_exchange *api_exchange_unref(struct api_exchange *exchange); /* always NULL */

/* The stream goes its own way from here; the exchange lives as long as others hold it. */
void api_exchange_detach(struct api_exchange *exchange);

/* A parameter of the query, else of a form in the body; NULL when there is none. */
const char *api_exchange_parameter(const struct api_exchange *exchange, const char *name);

/* Within the call that lends the body: keeps it for a later one. */
void api_exchange_keep_body(struct api_exchange *exchange);

#endif
