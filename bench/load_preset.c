/* SPDX-License-Identifier: Apache-2.0 */
#include "load_preset.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "load_options.h"

struct preset {
    const char *target;
    struct load_exchange connect, publish, request;
    const char *unicast_connect_path;
    const char *unicast_publish_path;
    const char *unicast_publish_body;
    const char *store_publish_body; /* NULL: this target stores nothing */
};

static const struct preset presets[] = {
    {
        .target = "sse",
        .connect = {.method = "GET",
                    .path = "/sse/demo/connect?userId={n}&name=load{n}&clientId=c{n}"
                            "&listeners=load",
                    .accept = "text/event-stream"},
        .publish = {.method = "POST",
                    .path = "/sse/demo/send",
                    .body = "{\"event\":\"load\",\"all\":true,\"data\":\"{payload}\"}",
                    .content_type = "application/json"},
        .request = {.method = "POST",
                    .path = "/sse/demo/connect/message/ping.do?userId={n}&name=load{n}",
                    .body = "{\"n\":{n}}",
                    .content_type = "application/json"},
        .unicast_publish_body = "{\"event\":\"load\",\"userId\":\"{t}\",\"data\":\"{payload}\"}",
        .store_publish_body =
            "{\"event\":\"load\",\"userId\":\"away{t}\",\"qos\":1,\"data\":\"{payload}\"}",
    },
    {
        .target = "nchan",
        .connect = {.method = "GET", .path = "/sub/all", .accept = "text/event-stream"},
        .publish = {.method = "POST",
                    .path = "/pub/all",
                    .body = "{payload}",
                    .content_type = "text/plain"},
        .request = {.method = "GET", .path = "/ping.json"},
        .unicast_connect_path = "/sub/{n}",
        .unicast_publish_path = "/pub/{t}",
    },
};

static void complete(const char **text, const char *preset)
{
    if (*text == NULL)
        *text = preset;
}

static void complete_exchange(struct load_exchange *exchange, const struct load_exchange *preset)
{
    complete(&exchange->method, preset->method);
    complete(&exchange->path, preset->path);
    complete(&exchange->body, preset->body);
    complete(&exchange->body, "");
    complete(&exchange->content_type, preset->content_type);
    complete(&exchange->accept, preset->accept);
    complete(&exchange->bearer, preset->bearer);
}

int load_preset_apply(struct load_options *options)
{
    const struct preset *preset = NULL;

    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (strcmp(presets[i].target, options->target) == 0)
            preset = &presets[i];
    }
    if (preset == NULL) {
        (void)fprintf(stderr, "--target is '%s'; use sse or nchan\n", options->target);
        return -EINVAL;
    }
    if (options->batch > 1 && strcmp(options->target, "sse") != 0) {
        (void)fprintf(stderr, "--batch: only the target sse takes arrays\n");
        return -EINVAL;
    }
    if (options->scenario == LOAD_STORE && preset->store_publish_body == NULL) {
        (void)fprintf(stderr, "--scenario store: only the target sse stores messages\n");
        return -EINVAL;
    }
    if (options->threads > options->sessions)
        options->threads = options->sessions;
    if (options->scenario == LOAD_UNICAST) {
        complete(&options->connect.path, preset->unicast_connect_path);
        complete(&options->publish.path, preset->unicast_publish_path);
        complete(&options->publish.body, preset->unicast_publish_body);
    }
    if (options->scenario == LOAD_STORE)
        complete(&options->publish.body, preset->store_publish_body);
    complete_exchange(&options->connect, &preset->connect);
    complete_exchange(&options->publish, &preset->publish);
    complete_exchange(&options->request, &preset->request);
    return 0;
}
