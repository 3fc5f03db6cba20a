/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/showing.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/service.h"

struct details {
    struct broker_request request;
    const struct broker_service *service;
    struct showing asked;
    char **texts; /* of the names; NULL: nobody has shown it, so far */
};

/* Any shard may have connections of a user. */
static bool may_have(const struct details *details, size_t worker, size_t index)
{
    return details->asked.is_of_users ||
           broker_shard_of(details->service->broker, details->asked.names[index]) == worker;
}

static void details_free(struct details *details)
{
    for (size_t i = 0; i < details->asked.count; i++) {
        free(details->asked.names[i]);
        free(details->texts[i]);
    }
    free(details->asked.names);
    free(details->asked.connections);
    free(details->texts);
    free(details);
}

static void show(struct details *details)
{
    details->asked.done(details->asked.context, details->texts, details->asked.count);
    details_free(details);
}

/* More than one shard may have a user; one of them is enough. */
static void on_shown(struct broker_request *request, const struct broker_message *answer)
{
    struct details *details = container_of(request, struct details, request);
    char **shown = answer->shown.texts;

    for (size_t i = 0; i < details->asked.count; i++) {
        if (!may_have(details, answer->from, i))
            continue;
        if (!details->texts[i]) {
            details->texts[i] = *shown;
            *shown = NULL;
        }
        shown++;
    }
    if (request->open == 0)
        show(details);
}

static struct broker_message *make_show(void *context, size_t worker)
{
    const struct details *details = context;
    const size_t names = details->asked.count * sizeof(char *);
    const size_t counts = details->asked.connections ? details->asked.count * sizeof(uint64_t) : 0;
    size_t room = broker_block_size(names) + broker_block_size(counts);
    struct broker_message *message;
    struct broker_show *show;

    for (size_t i = 0; i < details->asked.count; i++)
        room += broker_text_size(details->asked.names[i]);
    message = broker_message_new(BROKER_SHOW, details->service->index, room);
    show = &message->show;
    show->is_of_users = details->asked.is_of_users;
    show->form = details->asked.form;
    show->shows_queued = details->asked.shows_queued;
    show->names = broker_message_block(message, names);
    if (counts > 0) /* of users, whom each shard is asked for */
        show->connections =
            memcpy(broker_message_block(message, counts), details->asked.connections, counts);
    for (size_t i = 0; i < details->asked.count; i++) {
        if (may_have(details, worker, i))
            show->names[show->count++] = broker_message_text(message, details->asked.names[i]);
    }
    if (show->count > 0)
        return message;
    broker_message_free(message);
    return NULL;
}

void showing_start(const struct broker_service *service, const struct showing *showing)
{
    struct details *details = mem_zalloc(sizeof(*details));

    details->service = service;
    details->asked = *showing;
    details->texts = mem_zalloc((showing->count + 1) * sizeof(*details->texts));
    details->request.on_answer = on_shown;
    if (showing->count > 0)
        broker_ask_all(service->broker, make_show, details, &details->request);
    else
        show(details);
}
