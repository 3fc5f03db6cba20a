/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_LIMIT_H
#define API_LIMIT_H
/* Who may have what: slots of event streams and uploads. Who is over a limit (broker/limits.h,
 * upload/quota.h) is told which one, and when to come again; and whom the store of messages cannot
 * serve, why. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/attach.h"
#include "broker/message.h"
#include "upload/quota.h"

struct api_exchange;

enum limit {
    /* The slots of streams, then those of uploads. */
    LIMIT_USER_CONNECTIONS,
    LIMIT_ADDRESS_CONNECTIONS,
    LIMIT_USER_UPLOADS,
    LIMIT_ADDRESS_UPLOADS,
    LIMIT_CONNECTIONS,
    LIMIT_USER_REQUESTS,
    LIMIT_ADDRESS_REQUESTS,
    LIMIT_SENDS,
    LIMIT_UPLOADS, /* from here on an enum upload_limit */
    LIMITS = LIMIT_UPLOADS + UPLOAD_LIMITS
};

const char *limit_word(enum limit limit); /* as the settings call it */

/* Counts the refusal and answers. */
void limit_refuse(struct api_exchange *exchange, enum limit limit);

/* Why, behind "since": "the disk of the store is full", say. */
const char *store_fault_text(int status);

/* What was asked of the store has failed. -ENOENT is 404: no message has that id. */
void store_refuse(struct api_exchange *exchange, int status);

/* Who holds which slots, or has claimed which idempotency key, is not known now. */
void engine_refuse(struct api_exchange *exchange);
/* What is sent, or who is sent away, cannot get its place in the service's order now. nothing: what
 * has not been done. */
void order_refuse(struct api_exchange *exchange, const char *nothing);

/*
 * An event stream or an upload needs slots (broker/attach.h), and a stream one of the whole
 * service, too. A request without a slot is refused: nobody is closed for a newcomer, save a
 * client's own oldest (sse/clients.h). Embed it in the state of a request; release its base.
 */
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

#endif
