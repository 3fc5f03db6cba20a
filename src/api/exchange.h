/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H
/*
 * One request on its way through this module: what was asked, by whom, and the stream to answer on.
 * Lives until its stream has closed and nobody holds a reference; a handler that answers later
 * holds one. It is this worker's: others are told what they need of it (api/page/connection.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/worker.h"
#include "auth/auth.h"
#include "base/buf.h"
#include "h2/peer.h"
#include "h2/request.h"
#include "h2/request_id.h"
#include "h2/router.h"
#include "h2/stream.h"
#include "h2/uri.h"

struct body_turn;
struct bytes;
struct h2_stream;
struct sse_target;
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
    API_FORM,          /* parameters (api/input.h), or nothing */
    API_BEACON,        /* the same, and text/plain: a string given to sendBeacon() */
    API_STREAMED,      /* the handler reads it, and asks who it is by itself */
};

/* Whose routes; a mask. A listener may serve one side only (enum api_role). */
enum api_side { API_PAGES_SIDE = 1 << 0, API_BACK_ENDS_SIDE = 1 << 1, API_BOTH_SIDES = 3 };

/* Of what a path shows or does, what is of the tenants that an API key is for (api/guard.h). */
enum tenancy {
    TENANCY_NONE,       /* nobody has decided: not for keys with tenants */
    TENANCY_OF_PROCESS, /* nor is this: it is about all of the process */
    TENANCY_BY_TARGET,  /* tenancy_admits_target() decides */
    TENANCY_BY_QUERY,   /* the query has a tenantId, which narrows it */
    TENANCY_BY_HANDLER  /* the handler shows what is of exchange->tenants */
};

/* What a route leads to. */
struct api_endpoint {
    enum api_side sides;
    enum api_guard guard;
    enum auth_permission permission; /* that API_BACK_END asks for */
    enum tenancy tenancy;            /* of that */
    enum api_body body;
    void (*handle)(struct api_exchange *exchange);
    enum call_queue queue;  /* of a page's own call */
    const char *parameters; /* with commas: a query may have no others; NULL: it may */
    /* One of the Java system's lists, which back ends may read; and, where services[].pageLists
     * says so, a page whose user's credential has the claim "lists": true, from an origin that is
     * fine. A page sees no whole token, and only those of its user's tenant where users are unique
     * within theirs. */
    bool is_java_list;
    int what;           /* for its handler: an enum broker_list, or broker_operation */
    const char *action; /* as the audit log calls what it does and cannot undo; NULL: it can */
};

/* Whether it is for pages of the service, too, as such a list. */
static inline bool api_endpoint_is_page_list(const struct api_service *service,
                                             const struct api_endpoint *endpoint)
{
    return service && service->settings->page_lists && endpoint->is_java_list;
}

/* What the answer's line will say; of an exchange. Zero-filled: nothing. */
struct api_audit {
    char *key;         /* the name of the API key that was shown, or NULL; */
    char *subject;     /* else whom the token names, or NULL */
    struct buf target; /* such as userId=7,8 */
    bool is_revoking;
};

struct api_exchange {
    unsigned refs;
    struct api *api;
    struct api_service *service; /* NULL outside of every service */
    const struct api_endpoint *endpoint;
    struct h2_stream *stream; /* a reference */
    const struct h2_request *request;
    uint64_t began_ns; /* clock_real_ns(), when its header fields had come */
    uint64_t session_number;
    uint64_t complete_at; /* loop ms: that all of it, or its header, had come */
    struct h2_form query;
    struct h2_form form; /* the body, when it is one */
    const char *body;    /* while the handler runs; "" when there is none */
    size_t body_length;
    struct h2_body kept;      /* where that lies when it has to wait: for who asks, or its turn */
    struct body_turn *turn;   /* it has waited for that, or does; NULL: it did not have to */
    const char *credential;   /* what the body shows as one; lent, until that is checked; or NULL */
    struct auth_facts *facts; /* see api_exchange_make_facts() */
    bool is_complete;         /* the body has come */
    bool is_full;             /* more of it is to come than is held of somebody unknown */
    bool is_identified;       /* the verdict is in */
    bool is_refused;          /* and the log was told (api/reply.h) */
    enum auth_verdict verdict;
    enum auth_source source;         /* of the credential */
    struct sse_user *user;           /* with AUTH_OK */
    uint64_t revocations;            /* that had been told when the verdict came */
    char sender[BROKER_SENDER_SIZE]; /* a back end: its API key's name, or whom its token names; ""
                                      */
    const char *rule;                /* by which it is refused, a word; NULL: it has no name */
    unsigned permissions;            /* of a back end; a mask of enum auth_permission */
    uint64_t services;               /* of its API key (auth/credential.h); 0: it showed none */
    char *tenants;                   /* that it is for; words. NULL: all */
    const char *route;               /* the pattern of its endpoint, below the service */
    const char *refusal;             /* otherwise: what would be right, */
    struct bytes *refusal_data;      /* what the page is told besides (JSON) or NULL, */
    unsigned retry_after_s;          /* and when; 0: any time */
    void (*on_identity)(struct api_exchange *exchange);
    void (*on_close)(struct api_exchange *exchange); /* the stream; or NULL */
    struct call_number order;                        /* of a page's own call */
    bool is_in_order;                                /* it has its place, or needs none */
    void *context;                                   /* the handler's own */
    struct api_audit audit;
    bool is_patient; /* the answer leaves behind the events that wait (h2/stream.h) */
    char request_id[REQUEST_ID_SIZE]; /* in answers, logs and traces (h2/request_id.h) */
    char *path;                       /* {path} of the route; NULL: it has none */
};

/* What {path} of its route stands for; "": it has none. */
static inline const char *api_exchange_path(const struct api_exchange *exchange)
{
    return exchange->path ? exchange->path : "";
}

/* Takes a reference to the stream and puts itself into its context. */
struct api_exchange *api_exchange_new(struct api *api, struct h2_stream *stream);
struct api_exchange *api_exchange_ref(struct api_exchange *exchange);
struct api_exchange *api_exchange_unref(struct api_exchange *exchange); /* always NULL */

/* The stream goes its own way from here; the exchange lives as long as others hold it. */
void api_exchange_detach(struct api_exchange *exchange);

/* A parameter of the query, else of a form in the body; NULL when there is none. */
const char *api_exchange_parameter(const struct api_exchange *exchange, const char *name);

/* What an auth backend may ask of the request: made anew by the first, when its credential is
 * another one; good as long as the exchange. */
void api_exchange_make_facts(struct api_exchange *exchange);

/* Where its client is (h2/peer.h); "" when that has gone. */
void client_address_of(const struct api_exchange *exchange, char address[CLIENT_ADDRESS_SIZE]);

/* The request's traceparent, for notifications of what it brings about; NULL: it has none, or
 * nobody is notified. */
const char *api_exchange_notified_traceparent(const struct api_exchange *exchange);

/* Asks the owner of the service, and calls reply with what it answers, perhaps before this returns;
 * the exchange is held until then. Takes the question over. */
typedef void (*api_reply_to)(struct api_exchange *exchange, const struct broker_message *answer);
void api_exchange_ask_owner(struct api_exchange *exchange, struct broker_message *question,
                            api_reply_to reply);

/* The last event that its client has seen, or NULL. A new EventSource cannot be given the header:
 * it says it by a parameter. */
const char *api_exchange_last_id(const struct api_exchange *exchange);

/* Within the call that lends the body: keeps it for a later one. */
void api_exchange_keep_body(struct api_exchange *exchange);

/* ---- who asks, and what is answered to whom that must not (request.c) ---- */

/* Finds out who asks, then calls on_identity, now or later. */
void api_exchange_identify(struct api_exchange *exchange,
                           void (*on_identity)(struct api_exchange *exchange));

/* For those who have waited for something else since, and are about to do what lasts: whether
 * anything has been revoked meanwhile, and if so, to find out again. Calls on_identity, too. */
bool api_exchange_is_overtaken(const struct api_exchange *exchange);
void api_exchange_identify_again(struct api_exchange *exchange);

/* For on_identity: true when the credentials are wrong, or show that a stranger's page asks
 * (api/origin.h) or a user who asks too often (broker/limits.h); then it has answered. No
 * credentials at all are not wrong. */
bool api_exchange_refuse_wrong(struct api_exchange *exchange);

/* True when there is a user; else it has answered 401. */
bool api_exchange_require_user(struct api_exchange *exchange);

/* ---- the audit log: what back ends do and cannot undo, by whom, from where, to whom, with what
 * result; refusals, too. Never a key or a whole token ---- */

/* Who asks, by a key of this name. */
void api_audit_note_key(struct api_exchange *exchange, const char *name);
/* Whom it is for: a target, or what the query says. */
void api_audit_note_target(struct api_exchange *exchange, const struct sse_target *target);
void api_audit_note_query(struct api_exchange *exchange);

/* The exchange is being answered; count: connections or messages, -1: none are told. Writes a line
 * when its endpoint is one of those. */
void api_audit_answer(const struct api_exchange *exchange, int status, long long count);

#endif
