/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ENDPOINT_H
#define CLI_ENDPOINT_H
/*
 * Which server a command asks, and by which API key. Both come from options, else from the
 * environment (SSE_URL, unless --config is given, SSE_API_KEY, SSE_CA_FILE), else from the
 * settings: the first listener for back ends, and the first key that is known as text and has the
 * permission. A server of settings is known by the keys of its certificates, whatever names they
 * have.
 */
#include <stdbool.h>
#include <stddef.h>

struct cli_line;
struct config;
struct config_fault;
struct config_listener;

struct cli_endpoint {
    char *origin; /* "https://localhost:8443" */
    char *base;   /* "/sse/demo" */
    char *key;
    char *socket;        /* path of a unix socket, or NULL */
    char *public_keys;   /* hashes, as libcurl has them; NULL: authorities say who it is */
    const char *ca_file; /* borrowed; NULL: the system's */
    bool takes_any;      /* --insecure */
    bool is_clear;       /* no TLS */
    bool is_of_settings; /* on this machine: no proxy lies between */
    bool proxy_protocol; /* it expects a PROXY header */
};

/* permission: that the key needs, a word of auth/credential.h. 0, or a negative errno with *fault;
 * then *endpoint holds nothing. */
int cli_endpoint_find(struct cli_endpoint *endpoint, const struct cli_line *line,
                      const char *permission, struct config_fault *fault);
void cli_endpoint_release(struct cli_endpoint *endpoint);

/* Rather one that does not expect a proxy: it may believe none of this machine. NULL: there is none
 * for back ends. */
const struct config_listener *cli_listener_of(const struct config *config, bool is_for_back_ends);

/* On this machine, where the listener is. */
void cli_endpoint_set(struct cli_endpoint *endpoint, const struct config_listener *listener);

#endif
