/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_LOAD_H
#define SERVER_CONFIG_LOAD_H
/* Makes a struct config of its sources, merges two, and prints one. */
#include "base/buf.h"
#include "server/config.h"
#include "server/config_value.h"

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

void config_release(struct config *config);

/* The state directory that they name, as far as they can be read: *fault is what is wrong with
 * them, or "". The caller frees it; NULL when it is not known. */
char *config_find_state(const struct config_sources *sources, struct config_fault *fault);

/* The settings of a start without file, environment and flags, before anything follows from them.
 */
void config_init_demo(struct config *config);

/* config_yaml.c, config_environment.c: the readers of file and environment bring texts for keys. */
int config_read_file(struct config *config, const char *path, struct config_fault *fault);
int config_read_environment(struct config *config, char *const *environment,
                            struct config_fault *fault);

/* The shorthand: the listeners become these addresses ("http://…": without TLS); those with TLS
 * take the certificate of the first that had one. */
int config_replace_listeners(struct config *config, const char *where, const char *addresses,
                             struct config_fault *fault);

/* The text in the file of a secret, without the end of its line, which the caller frees; NULL with
 * *fault. A relative path is below $CREDENTIALS_DIRECTORY, where there is one. */
char *config_read_secret(const char *path, char *const *environment, size_t most,
                         struct config_fault *fault);

/* A variable of the environment, or NULL when it is not there or empty. */
const char *config_variable(char *const *environment, const char *name);

/* The names of keys, with commas (base/text.h). Zero-filled to begin with. */
struct config_changes {
    struct buf changed; /* have another value now */
    struct buf kept;    /* would have one after a start */
};

/* What a reload makes of the settings in use and of those that were read anew: the new ones, but
 * for keys that count at the next start (config_keys.h), which keep the values in use. Listeners
 * are told by their addresses and services by their names, in whatever order; none comes or goes.
 * *next must have been loaded, and must be checked again after this. */
void config_merge(struct config *next, const struct config *now, struct config_changes *changes);
void config_changes_release(struct config_changes *changes);

/* A complete, commented YAML file of all keys with their defaults. The caller frees it. */
char *config_default_text(void);

/* The settings in use, as one JSON object: {"version":1,"settings":{"log.level":"info",…},
 * "defaults":{…}}, with the defaults of those that have another value. Instead of a secret that is
 * set stands "***", and of a URL the name and password. The caller frees it. */
char *config_show(const struct config *config, uint64_t version);

#endif
