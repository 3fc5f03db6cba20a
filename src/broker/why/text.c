/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"

#define TIME_SIZE 32u

/* Of a second: whoever reads it looks at clocks. */
static const char *time_text(int64_t wall_ms, char text[TIME_SIZE])
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    if (wall_ms <= 0 || !gmtime_r(&seconds, &parts) ||
        strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return "a time that is not known";
    return text;
}

static void tell_message(struct buf *to, const struct why_facts *facts)
{
    const struct why_message *message = &facts->message;
    char time[TIME_SIZE];

    if (!message->is_known)
        return;
    buf_append_str(to, "The message");
    if (message->id)
        buf_printf(to, " \"%s\"", message->id);
    if (facts->event)
        buf_printf(to, " with the event \"%s\"", facts->event);
    buf_printf(to, message->refused_for ? " was to be sent at %s" : " was sent at %s",
               time_text(message->at, time));
    if (message->channel)
        buf_printf(to, ", to the channel \"%s\"", message->channel);
    buf_append_str(to, message->asks_listening ? ", to those alone who listen to it. " : ". ");
}

static bool is_of_refusal(enum why_cause cause)
{
    return cause >= WHY_TOKEN_EXPIRED && cause <= WHY_CONNECT_REFUSED;
}

static bool is_of_ending(enum why_cause cause)
{
    return cause >= WHY_OFFLINE && cause <= WHY_REVOKED;
}

static void tell_event(struct buf *to, const struct why_event *event, const char *what)
{
    char time[TIME_SIZE];

    buf_printf(to, " %s at %s", what, time_text(event->at, time));
    if (event->address && event->address[0] != '\0')
        buf_printf(to, ", from %s", event->address);
    if (event->detail && event->detail[0] != '\0')
        buf_printf(to, ": %s", event->detail);
    buf_append_str(to, ".");
    if (event->is_claimed)
        buf_append_str(to, " That it was this user is what the request said; nobody has checked "
                           "it.");
}

/* The refusal or the end that the cause is of. */
static void tell_last_event(struct buf *to, const struct why_facts *facts, enum why_cause cause)
{
    if (is_of_refusal(cause) && facts->refusal.cause == cause)
        tell_event(to, &facts->refusal, "The last connect was refused");
    else if (is_of_ending(cause) && facts->ending.cause == cause)
        tell_event(to, &facts->ending, "Its last connection ended");
}

struct rule {
    const char *word, *text;
};

static const struct rule rules_of_channels[] = {
    {"forbidden", "neither the credential's \"channels\" nor services[].channels.allow has it"},
    {"limit", "the page asked for more than services[].channelsPerConnection"},
    {"invalid", "it is no name of a channel"},
    {NULL, NULL},
};

static const struct rule rules_of_listeners[] = {
    {"limit", "the page asked for more than services[].listeners"},
    {"invalid", "it is no name of an event"},
    {NULL, NULL},
};

static const struct rule rules_of_sends[] = {
    {"lag", "a worker was further behind than services[].log.lag"},
    {"id-in-use", "the id was given to another message before"},
    {"store-full", "the store is full (services[].qos.messages, services[].qos.bytes)"},
    {"store-busy", "more waited for the disk than services[].qos.waitingBytes"},
    {"store-failed", "the store did not work"},
    {"not-ordered", "the order in which the service sends could not be kept"},
    {NULL, NULL},
};

static void tell_rule(struct buf *to, const struct rule *rules, const char *word)
{
    for (; word && rules->word; rules++) {
        if (strcmp(word, rules->word) == 0)
            buf_printf(to, " The rule is \"%s\": %s.", word, rules->text);
    }
}

static void tell_channel(struct buf *to, const struct why_channel *channel, enum why_cause cause)
{
    char time[TIME_SIZE];

    buf_printf(to, " The channel is \"%s\".", channel->name);
    if (cause == WHY_CHANNEL_REFUSED && channel->refused_at > 0) {
        buf_printf(to, " It was refused at %s.", time_text(channel->refused_at, time));
        tell_rule(to, rules_of_channels, channel->refused_for);
    }
    if (cause == WHY_NOT_IN_CHANNEL && channel->left_at > 0)
        buf_printf(to, " Its page left it at %s.", time_text(channel->left_at, time));
    if (cause == WHY_CHANNEL_UNKNOWN && channel->nearest)
        buf_printf(to, " There is one that is called \"%s\".", channel->nearest);
}

static void tell_copies(struct buf *to, const struct why_facts *facts, enum why_cause cause)
{
    const struct why_message *message = &facts->message;
    const struct why_queue *queue = &facts->queue;
    char time[TIME_SIZE];

    switch (cause) {
    case WHY_DELIVERED:
        if (message->resumed_at > 0)
            buf_printf(to, " Its page was away, and got it when it came back at %s.",
                       time_text(message->resumed_at, time));
        break;
    case WHY_GAP:
        buf_printf(to, " That was at %s.", time_text(message->gap_at, time));
        break;
    case WHY_WINDOW_FULL:
        buf_printf(to, " %" PRIu32 " are written, and services[].qos.window is %" PRIu32 ".",
                   queue->in_flight, queue->window);
        break;
    case WHY_STORED_BEHIND_OTHERS:
        buf_printf(to, " %" PRIu64 " %s before it.", message->ahead,
                   message->ahead == 1 ? "is" : "are");
        break;
    case WHY_NOT_ACKNOWLEDGED:
        buf_printf(to, " It was written %" PRIu32 " %s.", message->written,
                   message->written == 1 ? "time" : "times");
        break;
    default:
        break;
    }
}

static void tell_listening(struct buf *to, const struct why_facts *facts)
{
    const struct why_presence *presence = &facts->presence;
    char time[TIME_SIZE];

    if (facts->ending.is_listener)
        tell_event(to, &facts->ending, "Its connection that listened had ended");
    if (presence->nearest)
        buf_printf(to, " It listens to \"%s\".", presence->nearest);
    if (presence->refused_at == 0)
        return;
    buf_printf(to, " Its page asked for it, and was refused, at %s.",
               time_text(presence->refused_at, time));
    tell_rule(to, rules_of_listeners, presence->refused_for);
}

static void tell_details(struct buf *to, const struct why_facts *facts, enum why_cause cause)
{
    switch (cause) {
    case WHY_CHANNEL_REFUSED:
    case WHY_CHANNEL_UNKNOWN:
    case WHY_NOT_IN_CHANNEL:
        tell_channel(to, &facts->channel, cause);
        break;
    case WHY_LISTENING_OTHER_CASE:
    case WHY_NOT_LISTENING:
        tell_listening(to, facts);
        break;
    case WHY_SEND_REFUSED:
        tell_rule(to, rules_of_sends, facts->message.refused_for);
        break;
    case WHY_OTHER_TENANT:
        if (facts->other_tenant)
            buf_printf(to, " A user with this id is connected in the tenant \"%s\".",
                       facts->other_tenant);
        break;
    case WHY_OTHER_SERVICE:
        if (facts->other_service)
            buf_printf(to, " That is \"%s\".", facts->other_service);
        break;
    default:
        tell_last_event(to, facts, cause);
        tell_copies(to, facts, cause);
    }
}

static void tell_presence(struct buf *to, const struct why_facts *facts)
{
    const struct why_presence *presence = &facts->presence;
    char time[TIME_SIZE];

    buf_printf(to, " %s %s %s ", facts->is_past ? "At that time" : "Now", facts->who,
               facts->is_past ? "had" : "has");
    if (presence->connections == 0)
        buf_append_str(to, "no connection here.");
    else
        buf_printf(to, "%" PRIu32 " %s", presence->connections,
                   presence->connections == 1 ? "connection" : "connections");
    if (presence->connections > 0 && facts->event)
        buf_printf(to, ", %" PRIu32 " of them listening to \"%s\".", presence->listening,
                   facts->event);
    else if (presence->connections > 0)
        buf_append_str(to, ".");
    if (facts->message.gap_at > 0 && facts->message.resumed_at == 0 && facts->message.missed == 0)
        buf_printf(to,
                   " Its page came back at %s, and was told that it misses something (sse-gap).",
                   time_text(facts->message.gap_at, time));
    if (facts->queue.is_unknown)
        buf_append_str(to, " The store cannot be asked now: what of it is told is what the trace "
                           "knows.");
    if (facts->is_unrecorded)
        buf_append_str(to, " What was before is not recorded: services[].trace.bytes is 0.");
    else if (!facts->message.is_known && facts->known_since > 0)
        buf_printf(to, " What was before %s is not known any more.",
                   time_text(facts->known_since, time));
}

void why_tell(struct buf *to, const struct why_facts *facts, enum why_cause cause)
{
    tell_message(to, facts);
    buf_append_str(to, why_words[cause].meaning);
    tell_details(to, facts, cause);
    tell_presence(to, facts);
    buf_printf(to, " %s", why_words[cause].advice);
}
