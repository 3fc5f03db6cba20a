/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ATTACH_H
#define API_ATTACH_H
/*
 * What lasts, an event stream or an upload, needs slots (broker/attach.h), and a stream one of the
 * whole service, too. Whoever gets none is refused: nobody is sent away for a newcomer, save a
 * client's own oldest (sse/clients.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "broker/attach.h"
#include "broker/service.h"

struct api_exchange;
struct api_service;
struct sse_connection;

/* Embed it in the state of a request. */
struct attach {
    struct broker_attaching base;
    struct api_exchange *exchange; /* a reference until done has returned */
    /* In the thread of the request, perhaps before _ask returns. When no slot was granted it has
     * answered. */
    void (*done)(struct attach *attach, bool is_granted);
    const char *last_id; /* of a stream's page, that it has shown; NULL: none; the exchange's */
};

/* done is the caller's to fill in. is_resumed: the stream goes on where its page was. */
void attach_ask_stream(struct attach *attach, struct api_exchange *exchange, bool is_resumed);
/* tenant_id and user_id: whose it will be. */
void attach_ask_upload(struct attach *attach, struct api_exchange *exchange, const char *tenant_id,
                       const char *user_id);

/* Gives back what was granted, if it was. */
void attach_give(struct attach *attach);
/* Frees the texts. A stream that was opened keeps its slots without them. */
void attach_release(struct attach *attach);

/* What the owner is told of a connection that has opened, and of one that has ended, which gives
 * back its slots (broker/attach.h). */
struct broker_message *attach_opened_new(struct api_service *service,
                                         const struct sse_connection *connection);
struct broker_message *attach_ended_new(struct api_service *service,
                                        const struct sse_connection *connection);

/* The settings of a service, as the broker reads them. */
struct broker_settings attach_settings(const struct api_service *service);

#endif
