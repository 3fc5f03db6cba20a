/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/details.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "api/query/slices.h"
#include "api/reply.h"
#include "base/mem.h"
#include "cluster/peers.h"

struct details_part {
    struct slices slices;
    struct details *details;
    const struct api *api;
    size_t index;
    char **texts; /* one per element; NULL: not here */
};

struct details {
    struct peers_call call;
    struct api_exchange *exchange;
    struct details_page page;
    json_t *(*show)(const struct api *api, const struct sse_service *core, const char *name);
    struct details_part parts[];
};

static bool show_one(struct slices *slices)
{
    struct details_part *part = container_of(slices, struct details_part, slices);
    const struct details *details = part->details;
    const struct sse_service *core = part->api->services[details->exchange->service->index].core;
    json_t *element;

    if (part->index == details->page.count)
        return false;
    element = details->show(part->api, core, details->page.names[part->index]);
    if (element)
        part->texts[part->index] = json_dumps(element, JSON_COMPACT);
    json_decref(element);
    part->index++;
    return part->index < details->page.count;
}

static void all_shown(struct slices *slices)
{
    struct details_part *part = container_of(slices, struct details_part, slices);

    peers_call_done(&part->details->call);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct details *details = container_of(call, struct details, call);
    struct details_part *part = &details->parts[worker];

    part->details = details;
    part->api = context;
    part->texts = mem_zalloc((details->page.count + 1) * sizeof(char *));
    part->slices.step = show_one;
    part->slices.done = all_shown;
    slices_start(part->api->loop, &part->slices);
}

static void details_free(struct details *details, size_t workers)
{
    for (size_t worker = 0; worker < workers; worker++) {
        for (size_t i = 0; i < details->page.count; i++)
            free(details->parts[worker].texts[i]);
        free(details->parts[worker].texts);
    }
    for (size_t i = 0; i < details->page.count; i++)
        free(details->page.names[i]);
    free(details->page.names);
    api_exchange_unref(details->exchange);
    free(details);
}

/* More than one worker may have a user; one of them is enough. */
static const char *text_of(const struct details *details, size_t index, size_t workers)
{
    for (size_t worker = 0; worker < workers; worker++) {
        if (details->parts[worker].texts[index])
            return details->parts[worker].texts[index];
    }
    return NULL;
}

static void finish(struct peers_call *call, void *context)
{
    struct details *details = container_of(call, struct details, call);
    size_t workers = peers_count(call->peers);
    struct buf text = BUF_INIT;
    bool is_first = true;

    (void)context;
    paging_open(&text, &details->page.paging, details->page.total);
    for (size_t i = 0; i < details->page.count; i++) {
        const char *element = text_of(details, i, workers);

        if (!element)
            continue;
        if (!is_first)
            buf_append_char(&text, ',');
        buf_append_str(&text, element);
        is_first = false;
    }
    paging_close(&text, false);
    api_reply_data(details->exchange, &text);
    details_free(details, workers);
}

void details_start(struct api_exchange *exchange, const struct details_page *page,
                   json_t *(*show)(const struct api *api, const struct sse_service *core,
                                   const char *name))
{
    const struct api *api = exchange->api;
    struct details *details =
        mem_zalloc(sizeof(*details) + peers_count(api->peers) * sizeof(details->parts[0]));

    details->exchange = api_exchange_ref(exchange);
    details->page = *page;
    details->show = show;
    details->call.run = run;
    details->call.finish = finish;
    peers_call_start(api->peers, api->worker, &details->call);
}
