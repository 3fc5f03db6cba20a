/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_SOURCE_H
#define SERVER_CONFIG_SOURCE_H
/*
 * What the readers of file, environment and flags have in common: they bring texts for keys, and
 * these functions put them into a struct config.
 */
#include <stdbool.h>
#include <stddef.h>

struct config;
struct config_fault;
struct config_key;
struct config_list;

/* The settings of a start without file, environment and flags, before anything follows from them.
 */
void config_init_demo(struct config *config);

/* One text for one key. */
struct config_assignment {
    const struct config_key *key;
    size_t index;      /* of the list's item; 0 for other keys */
    size_t outer;      /* of the item that has that list, where it lies in one */
    const char *where; /* how to call it in a fault: "sse-server.yaml:12: services[0].name" */
    const char *text;
};

/* 0, or a negative errno with *fault. The item must exist. */
int config_assign(struct config *config, const struct config_assignment *assignment,
                  struct config_fault *fault);

/* Whether a source has said something of the key, be it the default; of the process's (index 0), or
 * of the item of a list that lies in no other. */
bool config_is_given(const struct config *config, const struct config_key *key, size_t index);

/* owner is what the list lies in: the struct config, or the item of another list. */
void *config_list_item(void *owner, const struct config_list *list, size_t index);
size_t config_list_count(const void *owner, const struct config_list *list);
/* Appends an item with the defaults of its keys; the caller looks at list->most before. */
void config_list_add(void *owner, const struct config_list *list);
void config_list_set_count(void *owner, const struct config_list *list, size_t count);
void config_list_clear(void *owner, const struct config_list *list);
/* What the list lies in: the config, or the item of the list around it that has that number. */
void *config_list_owner(struct config *config, const struct config_list *list, size_t outer);

/* config_replace.c: the shorthands. The listeners become these addresses ("http://…": without TLS);
 * those with TLS take the certificate of the first that had one. The keys become these keys. */
int config_replace_listeners(struct config *config, const char *where, const char *addresses,
                             struct config_fault *fault);
int config_replace_api_keys(struct config *config, const char *where, const char *keys,
                            struct config_fault *fault);

/* config_yaml.c, config_environment.c */
int config_read_file(struct config *config, const char *path, struct config_fault *fault);
int config_read_yaml(struct config *config, const char *name, const char *text, size_t length,
                     struct config_fault *fault);
int config_read_environment(struct config *config, char *const *environment,
                            struct config_fault *fault);

/* config_secrets.c: reads the files of secrets. A relative path is below $CREDENTIALS_DIRECTORY,
 * where there is one. */
int config_read_secrets(struct config *config, char *const *environment,
                        struct config_fault *fault);
/* The text in such a file, without the end of its line, which the caller frees; NULL with a
 * sentence in fault. */
char *config_read_secret(const char *path, char *const *environment, size_t most, char *fault,
                         size_t fault_size);

/* A variable of the environment, or NULL when it is not there or empty. */
const char *config_variable(char *const *environment, const char *name);

#endif
