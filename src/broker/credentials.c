/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/credentials.h"

#include <stdlib.h>

#include "base/mem.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

struct broker_message *broker_message_of_credentials(enum broker_kind kind, size_t service,
                                                     const struct broker_credential *items,
                                                     size_t count)
{
    const size_t size = count * sizeof(items[0]);
    size_t room = broker_block_size(size);
    struct broker_credential *copies;
    struct broker_message *message;

    for (size_t i = 0; i < count; i++)
        room += broker_text_size(items[i].text);
    message = broker_message_new(kind, service, room);
    copies = broker_message_block(message, size);
    for (size_t i = 0; i < count; i++)
        copies[i] = (struct broker_credential){items[i].is_token,
                                               broker_message_text(message, items[i].text)};
    message->credentials = (struct broker_credentials){count, copies};
    return message;
}

static struct broker_credential credential_of(const struct sse_user *user)
{
    const bool is_token = user->access_token[0] != '\0';

    return (struct broker_credential){is_token, is_token ? user->access_token : user->key};
}

void broker_find_credentials(const struct broker_service *service,
                             const struct broker_message *message)
{
    const struct broker_names *handles = &message->handles;
    const struct broker_asker asker = broker_asker(message);
    struct broker_credential *found = mem_alloc(handles->count * sizeof(found[0]));
    size_t count = 0;

    for (size_t i = 0; i < handles->count; i++) {
        const struct sse_connection *connection =
            sse_registry_find(service->core->registry, handles->texts[i]);

        if (connection)
            found[count++] = credential_of(connection->user);
    }
    broker_answer(service->broker, &asker,
                  broker_message_of_credentials(BROKER_CREDENTIALS, service->index, found, count));
    free(found);
}
