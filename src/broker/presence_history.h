/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_HISTORY_H
#define BROKER_PRESENCE_HISTORY_H
/*
 * The last presence events of a service, numbered in order and encoded once, from which every
 * watcher reads at its own pace. Ids are "<epoch>-<number>"; an epoch is one unbroken recording, so
 * that an id of another one is recognised. Knows no clock and no threads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/message.h"
#include "broker/presence_kind.h"

struct bytes;

#define PRESENCE_EPOCH_SIZE 17u /* 64 random bits in hex, and a NUL */
#define PRESENCE_ID_SIZE    BROKER_PRESENCE_ID_SIZE

/* What a watcher that was here before can have. */
enum presence_resume {
    PRESENCE_RESUMED, /* all that it has missed */
    PRESENCE_TOO_OLD, /* some of that is not kept any more */
    PRESENCE_OTHER,   /* its id is of another epoch: the server, or its recording, began anew */
    PRESENCE_UNKNOWN, /* its id is none that was given */
    PRESENCE_RESUMES
};

extern const char *const presence_resume_words[PRESENCE_RESUMES];

struct presence_entry;

struct presence_history {
    char epoch[PRESENCE_EPOCH_SIZE];
    uint64_t last; /* number of the newest; 0: there was none yet */
    struct presence_entry *ring;
    size_t capacity, first, count;
    size_t bytes;
    size_t most, most_bytes;
};

void presence_history_init(struct presence_history *history, size_t most, size_t most_bytes);
/* Other bounds: what is beyond them goes at once. */
void presence_history_change(struct presence_history *history, size_t most, size_t most_bytes);
void presence_history_release(struct presence_history *history);

/* A new epoch, with nothing in it. */
void presence_history_restart(struct presence_history *history);

/* Numbers the event and keeps it; the oldest make room. tenant_id: that it is of; "": none. at: ms
 * of its owner's clock. */
void presence_history_add(struct presence_history *history, enum presence_kind kind,
                          const char *tenant_id, const struct bytes *json, uint64_t at);

/* When the oldest was added, unless there is none; the caller may forget it. */
bool presence_history_oldest(const struct presence_history *history, uint64_t *at);
void presence_history_forget_oldest(struct presence_history *history);

void presence_history_id(const struct presence_history *history, uint64_t number,
                         char id[PRESENCE_ID_SIZE]);

/* Where a watcher that shows this id goes on; *number is set when it can. */
enum presence_resume presence_history_find(const struct presence_history *history, const char *id,
                                           uint64_t *number);

struct presence_reading {
    uint64_t after;      /* the number of the last one that was read; moves on */
    unsigned kinds;      /* those that are wanted, */
    const char *tenants; /* of these (words, lent); NULL: of all */
    size_t most;         /* as many as wires[] may hold */
    size_t most_bytes;   /* at least one event is read all the same */
    size_t count;        /* what was read: a reference each */
    struct bytes **wires;
};

/* 0, or -ERANGE when what follows is not kept any more. */
int presence_history_read(const struct presence_history *history, struct presence_reading *reading);

#endif
