/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/choice.h"

static size_t filter_size(const struct qos_filter *filter)
{
    return broker_text_size(filter->user_id) + broker_text_size(filter->token) +
           broker_text_size(filter->tenant_id) + broker_text_size(filter->tenants) +
           broker_list_size(filter->channels, filter->channel_count) +
           broker_list_size(filter->listeners, filter->listener_count);
}

static void write_filter(struct broker_message *message, const struct qos_filter *from)
{
    struct qos_filter *filter = &message->choice.filter;

    *filter = *from;
    filter->user_id = broker_message_text(message, from->user_id);
    filter->token = broker_message_text(message, from->token);
    filter->tenant_id = broker_message_text(message, from->tenant_id);
    filter->tenants = broker_message_text(message, from->tenants);
    if (from->channels)
        filter->channels = broker_message_list(message, from->channels, from->channel_count);
    if (from->listeners)
        filter->listeners = broker_message_list(message, from->listeners, from->listener_count);
}

struct broker_message *broker_choice_new(enum broker_kind kind, size_t service, const char *id,
                                         const struct qos_filter *filter)
{
    struct broker_message *message =
        broker_message_new(kind, service, broker_text_size(id) + filter_size(filter));

    message->choice.id = broker_message_text(message, id);
    write_filter(message, filter);
    return message;
}
