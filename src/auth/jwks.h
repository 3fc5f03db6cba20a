/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H
/*
 * A JWK set in a file or behind a URL. It is read at the start, again from time to time, and when
 * a token fits none of its keys, since that is how a new key shows first. While it cannot be read,
 * the set that was read last counts. One worker's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/list.h"
#include "base/loop.h"

struct auth_jwt_keys;
struct outbound_http;

struct auth_jwks_settings {
    const char *place;         /* a path, or http:// or https:// and so on; must live as long */
    unsigned refresh_ms;       /* 0: only when a token makes it look */
    struct file_readers files; /* who read a path; none: the loop's thread does */
};

/* Who waits for the end of a read. */
struct auth_jwks_request {
    struct list node;
    void (*run)(struct auth_jwks_request *request);
};

/* To be looked at; changed in here alone. */
struct auth_jwks {
    struct auth_jwks_settings settings;
    struct loop *loop;
    struct outbound_http *http;
    struct auth_jwt_keys
        *keys; /* NULL while none has been read; valid until the loop's turn ends */
    struct outbound_call *call;   /* NULL: none is under way */
    struct file_reading *reading; /* the same of a file */
    struct loop_timer timer;      /* to the next read, or the end of the time for that of a file */
    struct loop_task file_task;
    struct list requests;
    uint64_t begun_ms; /* loop time of the latest read, */
    uint64_t good_ms;  /* of the latest good one, */
    uint64_t asked_ms; /* of the latest that was asked for, */
    uint64_t due_ms;   /* and of the next, while the timer runs */
    bool was_asked;
    bool failed; /* the latest, so that a long outage is one line in the log */
    uint64_t reads, failures;
};

/* Whether the place is a URL. */
bool auth_jwks_is_url(const char *place);

/* Begins to read. http is for URLs only, and may be NULL without. */
struct auth_jwks *auth_jwks_new(const struct auth_jwks_settings *settings, struct loop *loop,
                                struct outbound_http *http);

/* Other settings of the same place; it is read anew. */
void auth_jwks_change(struct auth_jwks *jwks, const struct auth_jwks_settings *settings);

/* Frees one that nobody asks any more. Those who wait for it are run: they look elsewhere. */
void auth_jwks_retire(struct auth_jwks *jwks);

/* Those who wait are dropped, and not called. Accepts NULL. */
void auth_jwks_free(struct auth_jwks *jwks);

/* Asks for another read: true when one is under way or begins now, after which the request is run
 * once. False when the latest, or for a new question the latest that was asked for or has failed,
 * was a moment ago: strangers make tokens that nobody has a key for as often as they like. Who has
 * a new one waits for the next read all the same, where that is near (AUTH_JWKS_NEAR_MS). */
#define AUTH_JWKS_PAUSE_MS      30000u
#define AUTH_JWKS_FILE_PAUSE_MS 1000u
#define AUTH_JWKS_NEAR_MS       2000u
bool auth_jwks_wait(struct auth_jwks *jwks, struct auth_jwks_request *request, bool is_new);
/* The same for who does not wait. */
bool auth_jwks_look(struct auth_jwks *jwks, bool is_new);

/* How long it is until a read may begin that is asked for, or one begins by itself, in ms. */
uint64_t auth_jwks_pause(const struct auth_jwks *jwks, bool is_new);

#endif
