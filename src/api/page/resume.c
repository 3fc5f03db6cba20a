/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/resume.h"

#include "api/exchange.h"
#include "api/hub.h"
#include "api/page/channel_rights.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/service.h"
#include "sse/subject.h"

/* A new EventSource cannot be given the header: sse.js says it in the query. */
static const char *last_id_of(const struct api_exchange *exchange)
{
    const char *id = h2_request_header(exchange->request, "last-event-id");

    if (!id || *id == '\0')
        id = api_exchange_parameter(exchange, "lastEventId");
    return id && *id != '\0' ? id : NULL;
}

static void find(struct resume *resume, const struct api_service *service)
{
    const struct sse_subject subject = {
        .user = resume->exchange->user,
        .channels = resume->channels.names,
        .channel_count = resume->channels.count,
    };

    resume->kind = sse_history_find(service->core->history, resume->last_id, &subject,
                                    loop_now_ms(service->api->loop), &resume->after);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct resume *resume = container_of(call, struct resume, call);
    const struct api *api = context;

    (void)worker;
    find(resume, &api->services[resume->exchange->service->index]);
    peers_call_done(call);
}

static void finish(struct peers_call *call, void *context)
{
    struct resume *resume = container_of(call, struct resume, call);

    (void)context;
    resume->done(resume);
}

static bool may_have(void *context, const char *channel)
{
    const struct api_exchange *exchange = context;

    return channel_rights_allow(exchange->service->settings, exchange->user, channel);
}

void resume_ask(struct resume *resume, struct api_exchange *exchange)
{
    struct api *api = exchange->api;
    const size_t hub = hub_worker(exchange->service);

    resume->exchange = exchange;
    resume->last_id = last_id_of(exchange);
    resume->kind = SSE_RESUME_NONE;
    if (!resume->last_id) {
        resume->done(resume);
        return;
    }
    /* What is none, or not for it, is left out of the stream later, with a sentence. */
    (void)name_list_add_form(&resume->channels, NAME_OF_CHANNEL, &exchange->query, "channel");
    (void)name_list_add_form(&resume->channels, NAME_OF_CHANNEL, &exchange->form, "channel");
    name_list_keep(&resume->channels, may_have, exchange);
    if (hub == api->worker) {
        find(resume, exchange->service);
        resume->done(resume);
        return;
    }
    resume->call.run = run;
    resume->call.finish = finish;
    peers_call_one(api->peers, api->worker, hub, &resume->call);
}

void resume_release(struct resume *resume)
{
    name_list_release(&resume->channels);
}
