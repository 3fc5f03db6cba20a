/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PLACES_H
#define API_PLACES_H
/*
 * A place for what lasts, an event stream or an upload: first one of its user, then one of its
 * address, each asked of the worker that owns the user or the address; a stream needs one of the
 * whole service, too. Whoever gets none of one kind gives the others back, and is refused: nobody
 * is sent away for a newcomer, save a client's own oldest (api/limit/client_limit.h).
 *
 * Where this worker is the owner, and where nothing is limited, the answer comes at once.
 */
#include <stdbool.h>

#include "cluster/peers.h"

struct api_exchange;
struct api_service;
struct sse_connection;

enum places_kind { PLACES_OF_STREAM, PLACES_OF_UPLOAD, PLACES_KINDS };

enum places_owner { PLACES_USER, PLACES_ADDRESS, PLACES_OWNERS };

/* Embed it in the state of a request. */
struct places {
    struct peers_call call;
    struct api_exchange *exchange; /* a reference until done has returned */
    /* In the thread of the request, perhaps before _ask returns. When none was granted it has
     * answered. */
    void (*done)(struct places *places, bool granted);
    enum places_kind kind;
    char *keys[PLACES_OWNERS]; /* NULL: not limited */
    char *client;              /* whose oldest would go; NULL: nobody's */
    enum places_owner asked;   /* those before it have given a place */
    bool is_taken;             /* the answer of the one that is asked */
    bool is_held;              /* granted, and not given back */
};

/* done is the caller's to fill in. tenant_id and user_id: whose it will be. */
void places_ask(struct places *places, enum places_kind kind, struct api_exchange *exchange,
                const char *tenant_id, const char *user_id);

/* What was granted, if it was, is not needed any more. */
void places_give(struct places *places, const struct api_service *service);

/* Frees the texts. A stream that was opened keeps its places without them: */
void places_release(struct places *places);

/* Gives back what the connection's stream was granted. */
void places_leave(const struct api_service *service, const struct sse_connection *connection);

#endif
