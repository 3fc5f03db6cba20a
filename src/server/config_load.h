/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_LOAD_H
#define SERVER_CONFIG_LOAD_H
/* Makes a struct config of its sources. */
#include "server/config.h"
#include "server/config_fault.h"

/* Where settings come from, the later ones winning over the earlier: the defaults, the file, the
 * environment, the flags of the command line. NULL: not given. */
struct config_sources {
    const char *file;         /* NULL: the demo */
    char *const *environment; /* SSE_SERVER_… and what the state directory follows from */
    const char *listen;       /* --listen: addresses with commas, as SSE_SERVER_LISTEN */
    const char *workers;      /* --workers */
    const char *log_level;    /* --log-level */
};

/* 0, or a negative errno with *fault; then *config is released. */
int config_load_from(struct config *config, const struct config_sources *sources,
                     struct config_fault *fault);

/* The same without flags. */
int config_load(struct config *config, const char *path, char *const *environment,
                struct config_fault *fault);
void config_release(struct config *config);

/* The state directory that they name, as far as they can be read: *fault is what is wrong with
 * them, or "". The caller frees it; NULL when it is not known. */
char *config_find_state(const struct config_sources *sources, struct config_fault *fault);

#endif
