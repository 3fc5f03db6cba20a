/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_errand.h"

#include <errno.h>

#include "api/exchange.h"
#include "api/hub.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct qos_errand *errand = container_of(call, struct qos_errand, call);
    const struct api *api = context;

    (void)worker;
    errand->hub = api->services[errand->exchange->service->index].qos;
    errand->begin(errand);
}

static void finish(struct peers_call *call, void *context)
{
    struct qos_errand *errand = container_of(call, struct qos_errand, call);

    (void)context;
    errand->answer(errand);
}

void qos_errand_start(struct qos_errand *errand, struct api_exchange *exchange)
{
    const struct api *api = exchange->api;

    errand->exchange = api_exchange_ref(exchange);
    errand->call.run = run;
    errand->call.finish = finish;
    peers_call_one(api->peers, api->worker, hub_worker(exchange->service), &errand->call);
}

void qos_errand_end(struct qos_errand *errand)
{
    peers_call_done(&errand->call);
}

void qos_errand_refuse(const struct qos_errand *errand, int status)
{
    if (status == -ENOENT)
        api_reply_error(errand->exchange, 404,
                        "there is no stored message with this id; or it has ended so long ago that "
                        "it is not known any more");
    else
        api_reply_error(errand->exchange, 503, "%s; ask again later", qos_text_fault(status));
}

bool qos_errand_is_late(const struct qos_errand *errand)
{
    return api_is_draining(errand->hub->service->api);
}
