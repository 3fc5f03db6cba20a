/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_OWNER_NEWS_H
#define API_OWNER_NEWS_H
/*
 * News for the worker that owns a key (a user, a client): it alone keeps what all workers must know
 * of that key. One way only; what a worker sends to an owner arrives in the order of sending, and
 * at once where that is the worker itself.
 */
#include <stddef.h>

#include "cluster/peers.h"

struct api_service;

/* Embed it in the struct of the concrete news; take and release are the sender's to fill in. */
struct owner_news {
    struct peers_call call;
    size_t service; /* its index */
    /* In the owner's thread, with its part of the service. */
    void (*take)(struct owner_news *news, struct api_service *service);
    /* In the sender's thread, when it has been taken: frees the news. */
    void (*release)(struct owner_news *news);
};

/* Takes over the news. */
void owner_news_send(struct owner_news *news, const struct api_service *from, const char *key);
/* The same for a worker that is known. */
void owner_news_send_to(struct owner_news *news, const struct api_service *from, size_t owner);

#endif
