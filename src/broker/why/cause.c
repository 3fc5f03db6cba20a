/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/cause.h"

const struct why_word why_words[WHY_CAUSES] = {
    [WHY_UNKNOWN] = {"unknown", "What is recorded does not tell.",
                     "Send it again, and ask at once; or watch the trace meanwhile."},
    [WHY_DELIVERED] = {"delivered",
                       "It was written to a connection of the user, or its page has acknowledged "
                       "it.",
                       "Look at the page: whether it has a handler for the event."},
    [WHY_OFFLINE] = {"offline", "The user had no connection.",
                     "Find out whether the page is open; with qos 1 the message waits for it."},
    [WHY_HIDDEN] = {"hidden", "The user's page closed its connection because its tab was hidden.",
                    "It comes back when the tab is looked at; new Sse(…, {background: true}) "
                    "stays connected."},
    [WHY_EVICTED] = {"evicted",
                     "A newer connection of the same client took the place of the user's.",
                     "Close tabs, or raise services[].clientConnections."},
    [WHY_KICKED] = {"kicked", "A back end closed the user's connection (disconnectUser).",
                    "Find out which back end did (the audit log says), and let the page connect "
                    "again."},
    [WHY_SLOW] =
        {"slow", "The user's client read too slowly, and its connection was closed.",
         "Send less, raise services[].queueBytes, or choose another services[].slowPolicy."},
    [WHY_TOKEN_EXPIRED] = {"tokenExpired", "The user's token has expired.",
                           "Have the page fetch a new token; compare the clocks of this server and "
                           "of who issues tokens."},
    [WHY_REVOKED] = {"revoked", "The user's token was revoked.",
                     "Give the user a new token, by signing in again."},
    [WHY_CREDENTIAL_REFUSED] = {"credentialRefused", "The credential of the user's page is wrong.",
                                "See what the refusal says of it: its signature, its issuer, its "
                                "claims, or that there is none."},
    [WHY_WEBHOOK_REFUSED] = {"webhookRefused",
                             "The webhook that says who a user is refused the connect, or gave no "
                             "answer that can be used.",
                             "Look at the log of the service behind the webhook."},
    [WHY_ORIGIN_REFUSED] = {"originRefused",
                            "The page's origin is not one of those that may connect.",
                            "Add the origin to services[].origins, if it is yours."},
    [WHY_LIMIT] = {"limit", "The user's connect was above a limit.",
                   "Raise the limit that the refusal names, or find out why so many connect."},
    [WHY_CONNECT_REFUSED] = {"connectRefused", "The user's connect was refused.",
                             "Do what the refusal says."},
    [WHY_OTHER_TENANT] = {"otherTenant",
                          "The message was for one tenant, and the user is of another.",
                          "Send it with the tenantId that the user's credential has."},
    [WHY_OTHER_SERVICE] =
        {"otherService",
         "The user is connected to one service, and the message was sent in another.",
         "Send to the service that the page connects to."},
    [WHY_CHANNEL_REFUSED] = {"channelRefused",
                             "The user's page asked for the channel, and may not have it.",
                             "Allow it: by a pattern in the credential's channels, or in "
                             "services[].channels.allow; or, by the rule \"limit\", raise "
                             "services[].channelsPerConnection."},
    [WHY_CHANNEL_UNKNOWN] = {"channelUnknown", "Nobody has asked for a channel of this name.",
                             "Compare its spelling at both ends."},
    [WHY_NOT_IN_CHANNEL] = {"notInChannel",
                            "The user's page has not asked for the channel, or has left it.",
                            "Have the page subscribe to it."},
    [WHY_LISTENING_OTHER_CASE] = {"listeningOtherCase",
                                  "The user's page listens to the event in another case.",
                                  "Write the name alike at both ends: case counts."},
    [WHY_NOT_LISTENING] = {"notListening", "The user's page does not listen to the event.",
                           "Have the page add a listener for it, before it is sent."},
    [WHY_NOT_SENT] = {"notSent",
                      "The user is connected and listens, and no such event was sent to it here.",
                      "Look at the sender: whether it has sent, to which service, and what it was "
                      "answered."},
    [WHY_SEND_REFUSED] = {"sendRefused",
                          "The message was not taken: the request that sent it was refused.",
                          "Have the sender do what it was answered, and send it again."},
    [WHY_REPEATED_ID] = {"repeatedId",
                         "A message with the same id was sent before; so this one counts as sent.",
                         "Give each message an id of its own."},
    [WHY_EXPIRED] = {"expired", "The stored message waited for longer than its ttl.",
                     "Give it a longer ttl."},
    [WHY_DISPLACED] = {"displaced",
                       "The user's queue was full, and the message was its oldest one.",
                       "Raise services[].qos.queue, or send less while users are away."},
    [WHY_DELETED] = {"deleted", "A back end deleted the stored message.",
                     "Find out which back end did: the audit log says."},
    [WHY_UNREADABLE] = {"unreadable",
                        "The stored message cannot be read, and was set aside in the store.",
                        "See GET {base}/messages?unreadable=true, and the log, about the disk."},
    [WHY_DROPPED] = {"dropped",
                     "The queue of the user's connection was full, and the message was dropped.",
                     "Send less, raise services[].queueBytes, or send it with qos 1."},
    [WHY_GAP] = {"gap",
                 "The user's page read too slowly: the history did not keep the message until it "
                 "could be given it, and the page was told that it misses something (sse-gap).",
                 "Have the page load its state anew at sse-gap; or raise services[].history, or "
                 "send with qos 1."},
    [WHY_WINDOW_FULL] = {"windowFull",
                         "As many messages as may be are written to the user and not acknowledged; "
                         "this one waits behind them.",
                         "See why the page does not acknowledge; or raise services[].qos.window."},
    [WHY_STORED_BEHIND_OTHERS] = {"storedBehindOthers",
                                  "The message is stored, and waits behind others of its queue.",
                                  "It comes in its turn; see whether the user's client reads."},
    [WHY_NOT_ACKNOWLEDGED] = {"notAcknowledged",
                              "The message was written, and the page has not acknowledged it.",
                              "Look at the page: whether its handler fails, or the page is frozen. "
                              "It is written again after services[].qos.ackTimeout."},
};

/* ---- by what is known of the message ---- */

static bool is_listening_elsewise(const struct why_facts *facts)
{
    const struct why_presence *presence = &facts->presence;

    return facts->event && presence->connections > 0 && presence->saying > 0 &&
           presence->listening == 0;
}

static enum why_cause by_ears(const struct why_presence *presence)
{
    return presence->nearness == SPELLING_OTHER_CASE ? WHY_LISTENING_OTHER_CASE : WHY_NOT_LISTENING;
}

static enum why_cause by_waiting(const struct why_facts *facts)
{
    const struct why_message *message = &facts->message;

    if (message->written > 0)
        return WHY_NOT_ACKNOWLEDGED;
    if (facts->presence.connections == 0 ||
        (message->asks_listening && facts->presence.listening == 0))
        return WHY_UNKNOWN;
    if (facts->queue.window > 0 && facts->queue.in_flight >= facts->queue.window)
        return WHY_WINDOW_FULL;
    return message->ahead > 0 ? WHY_STORED_BEHIND_OTHERS : WHY_UNKNOWN;
}

static enum why_cause by_copy(const struct why_facts *facts)
{
    switch (facts->message.state) {
    case QOS_ACKNOWLEDGED:
        return WHY_DELIVERED;
    case QOS_EXPIRED:
        return WHY_EXPIRED;
    case QOS_DISPLACED:
        return WHY_DISPLACED;
    case QOS_DELETED:
        return WHY_DELETED;
    case QOS_UNREADABLE:
        return WHY_UNREADABLE;
    default:
        return by_waiting(facts);
    }
}

/* WHY_UNKNOWN: it did not reach the user, for a cause that lies with that. */
static enum why_cause by_message(const struct why_facts *facts)
{
    const struct why_message *message = &facts->message;

    if (!message->is_known)
        return WHY_UNKNOWN;
    if (message->refused_for)
        return WHY_SEND_REFUSED;
    if (message->is_repeat)
        return WHY_REPEATED_ID;
    if (message->is_stored)
        return by_copy(facts);
    if (message->dropped > 0 && message->dropped >= message->written)
        return WHY_DROPPED;
    if (message->written == 0)
        return message->missed > 0 ? WHY_GAP : WHY_UNKNOWN;
    /* Its page has got it, and has nobody to hand it to. */
    return is_listening_elsewise(facts) ? by_ears(&facts->presence) : WHY_DELIVERED;
}

/* ---- by what is known of the user ---- */

/* The later of the two says why there is no connection. */
static enum why_cause by_last_event(const struct why_facts *facts)
{
    const struct why_event *refusal = &facts->refusal, *ending = &facts->ending;

    if (refusal->cause != WHY_UNKNOWN && refusal->order >= ending->order)
        return refusal->cause;
    return ending->cause;
}

static enum why_cause by_absence(const struct why_facts *facts)
{
    const enum why_cause cause = by_last_event(facts);

    if (cause != WHY_UNKNOWN && cause != WHY_OFFLINE)
        return cause;
    if (facts->other_tenant)
        return WHY_OTHER_TENANT;
    return facts->is_there ? WHY_OTHER_SERVICE : WHY_OFFLINE;
}

static enum why_cause by_channel(const struct why_facts *facts)
{
    const struct why_channel *channel = &facts->channel;

    if (!channel->name || channel->joined > 0)
        return WHY_UNKNOWN;
    if (channel->is_refused)
        return WHY_CHANNEL_REFUSED;
    return channel->members > 0 || channel->left_at > 0 || facts->message.had_members
               ? WHY_NOT_IN_CHANNEL
               : WHY_CHANNEL_UNKNOWN;
}

/* The user has connections that do not listen. One that is not there any more may have. */
static enum why_cause by_listening(const struct why_facts *facts)
{
    const struct why_event *refusal = &facts->refusal, *ending = &facts->ending;

    if (facts->presence.nearness == SPELLING_OTHER_CASE)
        return WHY_LISTENING_OTHER_CASE;
    if (refusal->cause != WHY_UNKNOWN && refusal->order >= ending->order)
        return refusal->cause;
    /* That it had gone says nothing: the user was there. */
    if (ending->is_listener && ending->cause != WHY_UNKNOWN && ending->cause != WHY_OFFLINE)
        return ending->cause;
    return WHY_NOT_LISTENING;
}

static enum why_cause by_presence(const struct why_facts *facts)
{
    const struct why_message *message = &facts->message;
    enum why_cause cause;

    if (message->is_of_other_tenant)
        return WHY_OTHER_TENANT;
    cause = by_channel(facts);
    if (cause != WHY_UNKNOWN)
        return cause;
    if (facts->event && facts->presence.listening == 0 &&
        (facts->presence.saying > 0 || message->asks_listening))
        return by_listening(facts);
    if (!message->is_known && facts->is_sent_there)
        return WHY_OTHER_SERVICE;
    if (!message->is_known && !facts->is_unrecorded)
        return WHY_NOT_SENT;
    return WHY_UNKNOWN;
}

enum why_cause why_decide(const struct why_facts *facts)
{
    const enum why_cause cause = by_message(facts);

    if (cause != WHY_UNKNOWN)
        return cause;
    if (facts->presence.connections > 0)
        return by_presence(facts);
    return facts->is_channel ? WHY_CHANNEL_UNKNOWN : by_absence(facts);
}
