/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_MERGE_H
#define SERVER_CONFIG_MERGE_H
/*
 * What a reload makes of the settings in use and of those that were read anew: the new ones, but
 * for keys that count at the next start (config_keys.h), which keep the values in use.
 */
#include "base/buf.h"

struct config;

/* The names of keys, with commas (base/words.h). */
struct config_changes {
    struct buf changed; /* have another value now */
    struct buf kept;    /* would have one after a start */
};

#define CONFIG_CHANGES_INIT                                                                        \
    {                                                                                              \
        BUF_INIT, BUF_INIT                                                                         \
    }

/* Listeners are told by their addresses and services by their names, in whatever order; none comes
 * or goes. *next must have been loaded, and must be checked again after this. */
void config_merge(struct config *next, const struct config *now, struct config_changes *changes);
void config_changes_release(struct config_changes *changes);

#endif
