/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <strings.h>

#include "base/text.h"
#include "server/certificate.h"
#include "server/config_keys.h"

#define MOST_KICKED  10000u /* users in one request */
#define MOST_OPTIONS 100u   /* of the load program */

const struct cli_command cli_commands[] = {
    {"init", "[DIRECTORY]", "write a configuration to begin with, and its keys",
     "Writes sse-server.yaml, an API key (api.key), and the pair of keys of access tokens "
     "(token.key, token-public.pem), and prints what to run next.\n"
     "Nothing is overwritten: when one of them is there, nothing is written, and the status is 1.\n"
     "Secrets have mode 0600.",
     0, 1, cli_init, NULL, "FILE", false},
    {"check-config", "[FILE]", "say whether a configuration is right, and what it would do",
     "Reads the settings as a start would, and prints \"OK\" with the listeners and services, or "
     "what is wrong and what would be right.\n"
     "Certificates and keys are loaded, and it is asked whether the directories and files can be "
     "written that a start would; nothing is made or changed, and a server may run with the "
     "settings meanwhile.\n"
     "A service to which nobody can send is a warning.\n"
     "Ends with 2 when something is wrong.",
     0, 1, cli_check_config, NULL, "FILE", false},
    {"doctor", "", "say what is wrong with a set-up, and what to do",
     "Looks at the settings, at certificates and when they end, at who can read keys, at who is at "
     "the addresses, at the state directory, the stored messages and the logs, asks JWK sets and "
     "webhooks, and compares the clock "
     "with theirs and the open files with the sessions.\n"
     "Nothing is made or changed, and a server may run with the settings meanwhile.\n"
     "Webhooks get an OPTIONS.\n"
     "Ends with 1 when there is an error, with 0 when there are warnings at the most.",
     0, 0, cli_doctor, NULL, "", false},
    {"reload", "", "have the running server read its settings and certificates anew",
     "Asks the server of the same state directory, and prints what has changed.\n"
     "Ends with 0 when it has, with 2 when something is wrong with the settings, of which nothing "
     "counts then, and with 1 when no server can be reached.",
     0, 0, cli_reload, NULL, "", false},
    {"backup", "FILE|-", "copy a service's stored messages while the server runs; -: to output",
     "The server of the same state directory makes the copy, and goes on storing.\n"
     "All messages whose senders had been answered before are in it.\n"
     "The file gets mode 0600, and is replaced when the copy is whole; on any failure it stays as "
     "it was, and the status is 1.",
     0, 1, cli_back_up, NULL, "FILE", false},
    {"default-config", "", "print a commented configuration of all settings",
     "Each setting with its default, its range, and when a change of it counts.", 0, 0,
     cli_default_config, NULL, "", false},
    {"make-cert", "[NAME]...", "make a development certificate, for localhost and these names",
     "Prints where its two files are: in the directory of --out, or else in the state directory, "
     "where the next start takes them from.",
     0, CERTIFICATE_MAX_NAMES, NULL, cli_make_certificate, "", false},
    {"make-key", "[-]", "make a back end's key and its hash; -: the hash of standard input's key",
     "The hash is for \"apiKeys[].hash\".", 0, 1, cli_make_key, NULL, "", false},
    {"make-token", "", "make an access token, for a service with auth jwt",
     "Signs it with the first of \"tokenKeys\" that can sign, or the one with the id --key.\n"
     "Where that has the public key only, --key-file gives the private one.\n"
     "It is for the user --user, called --name, of the tenant --tenant, allows the patterns of "
     "channels in --channels, and ends after --expires.\n"
     "With --permissions it is a back end's, and need not have a user.",
     0, 0, NULL, cli_make_token, "", false},
    {"check-token", "TOKEN|-", "say what that service would say to it; -: to standard input's",
     "Prints \"OK\" with user, permissions, key and end, or what is wrong with it, with status 1.",
     0, 1, cli_check_token, NULL, "", false},
    {"health", "[ready|live]", "ask the running server, as a supervisor's check",
     "Asks the server that runs with these settings, on this machine, at /health/ready or "
     "/health/live; a listener without \"proxyProtocol\" comes first.\n"
     "Its certificate is not checked.\n"
     "Ends with 0 when the answer is 200, else with 1.",
     0, 1, cli_health, NULL, "ready live", false},
    {"send", "EVENT [DATA|-]", "send an event; -: the data of standard input",
     "Says to how many connections it was written, and its id.\n"
     "The data is sent as it is written, JSON as well as text; of standard input all but the end "
     "of its last line.",
     1, 2, cli_send, NULL, "", false},
    {"users", "", "list who is online", "", 0, 0, cli_users, NULL, "", false},
    {"connections", "", "list the open event streams",
     "By user name and time, where --sort says nothing else.\n"
     "The table has those of their fields that people look for; --json has all.",
     0, 0, cli_connections, NULL, "", false},
    {"kick", "[USER]...", "close the connections of users, or those of --connection",
     "Their pages come back unless --stay-away says that they must not.", 0, MOST_KICKED, cli_kick,
     NULL, "", false},
    {"why", "[USER] [EVENT]", "say why a user did not get an event",
     "Answers afterwards, from what the server has recorded: the cause, a paragraph about it, and "
     "the connections that the user has now.\n"
     "With --id it is about that message, of which each recipient is told.",
     0, 2, cli_why, NULL, "", false},
    {"tail", "", "show what the server decides, as it does",
     "A line for each record of the trace: what became of messages, which connections opened and "
     "closed, what was refused and by which rule.\n"
     "Ends with 1 when the server ends it.",
     0, 0, cli_tail, NULL, "", false},
    {"top", "", "show what the server does, again and again",
     "Connections, events, queues, and how late the loops are, of all services that the key may "
     "see, or of --service.\n"
     "The busiest users and channels are those of the first 1000 connections of one service; an "
     "event counts once for each connection, and for each channel that this is in.\n"
     "With --json it prints a line for each time.",
     0, 0, cli_top, NULL, "", false},
    {"bench", "[OPTION]...", "put a server under load, and measure it",
     "Runs the load program sse-load against it; the options behind -- are its own (-- --help "
     "lists them), such as --scenario unicast, --sessions 1000, --duration 10.\n"
     "It opens event streams of users of its own making, so the service has to be one with auth "
     "development, and sends events to them: use no server that others use.\n"
     "Ends with 0 when everybody got everything once and in order, with 1 when not.",
     0, MOST_OPTIONS, cli_bench, NULL, "", false},
    {"completion", "bash|zsh", "print a script that lets the shell complete this command line", "",
     0, 1, cli_completion, NULL, "bash zsh", false},
    {"manual", "", "make a manual page of the template on standard input", "", 0, 0, cli_manual,
     NULL, "", true},
    {"version", "", "print the version", "", 0, 0, cli_version, NULL, "", false},
    {"help", "[COMMAND]", "print this, or what a command does and its options", "", 0, 1, cli_help,
     NULL, "", false},
};
const size_t cli_command_count = COUNT(cli_commands);

#define ASKING     "send, users, connections, kick, why, tail, top, bench"
#define LISTS      "users, connections"
#define TO(member) offsetof(struct cli_line, member)
const struct cli_option cli_options[] = {
    {"config", TO(sources.file), "", "FILE", "FILE", "read settings from FILE (YAML)"},
    {"listen", TO(sources.listen), "", "ADDRESS", "listeners[].address",
     "listen here instead, such as 127.0.0.1:9443; several with commas; http://ADDRESS: without "
     "TLS"},
    {"workers", TO(sources.workers), "", "N", "workers",
     "threads that serve connections; 0: one per processor that the process may use"},
    {"log-level", TO(sources.log_level), "", "LEVEL", "log.level", "debug, info, warn or error"},
    {"out", TO(out), "make-cert", "DIRECTORY", "FILE",
     "where the files are put (default: the state directory)"},
    {"service", TO(service), "init", "NAME", "", "what the service is called (default: app)"},
    {"base-path", TO(base_path), "init", "PATH", "", "where it is (default: /sse/NAME)"},
    {"origin", TO(origin), "init", "ORIGIN", "",
     "of the pages, with commas for several (default: https://localhost:3000)"},
    {"service", TO(service), "make-token, check-token", "NAME", "",
     "for which service (default: the first with auth jwt)"},
    {"service", TO(service), "backup", "NAME", "",
     "whose messages (default: the only service with messages in a file)"},
    {"url", TO(url), ASKING, "URL", "",
     "the service's base URL, as https://push.example.org/sse/app (default: SSE_URL, else what the "
     "settings say)"},
    {"service", TO(service), ASKING, "NAME", "",
     "which service of the settings (default: the first)"},
    {"key", TO(key), ASKING, "NAME", "",
     "which of apiKeys is shown (default: SSE_API_KEY, else the first that may do this)"},
    {"key-file", TO(key_file), ASKING, "FILE", "FILE", "the file that has the API key"},
    {"cacert", TO(ca_file), ASKING, "FILE", "FILE",
     "authorities of the server's certificate (default: SSE_CA_FILE, else the system's; of a "
     "server "
     "of the settings, its own certificate)"},
    {"insecure", TO(insecure), ASKING, NULL, "", "whatever the certificate is, for development"},
    {"json", TO(json), ASKING ", doctor", NULL, "", "print JSON, for programs"},
    {"user", TO(user), "send", "LIST", "", "to these users, with commas"},
    {"channel", TO(channel), "send", "LIST", "", "to these channels"},
    {"connection", TO(connection), "send", "LIST", "", "to these connections"},
    {"tenant", TO(tenant), "send", "LIST", "",
     "to all of these tenants; beside --user, the tenant that the users are of"},
    {"all", TO(all), "send", NULL, "", "to everybody"},
    {"listening", TO(listening), "send", NULL, "", "only to pages that listen to the event"},
    {"qos", TO(qos), "send", "0|1", "", "1: stored until it is acknowledged"},
    {"ttl", TO(ttl), "send", "SECONDS", "", "for how long it is, at the most"},
    {"id", TO(id), "send", "ID", "", "the id of the message (default: the server makes one)"},
    {"user", TO(user), LISTS, "ID", "", "only of this user"},
    {"name", TO(name), LISTS, "TEXT", "", "only where this is part of the user's name"},
    {"tenant", TO(tenant), LISTS, "ID", "", "only of this tenant"},
    {"channel", TO(channel), LISTS, "NAME", "", "only in this channel"},
    {"event", TO(event), LISTS, "EVENT", "", "only of pages that listen to it"},
    {"client", TO(client), LISTS, "ID", "", "only of this client"},
    {"id", TO(id), LISTS, "ID", "", "only this connection"},
    {"sort", TO(sort), "users", "FIELD", "", "by id (the usual), name or connections"},
    {"sort", TO(sort), "connections", "FIELD", "",
     "by name (the usual), createTime, messageCount or queuedBytes"},
    {"reverse", TO(reverse), LISTS, NULL, "", "the last ones, or the most, first"},
    {"limit", TO(limit), LISTS, "N", "", "at most so many (default: 100)"},
    {"tenant", TO(tenant), "why", "ID", "", "the tenant that the user is of"},
    {"channel", TO(channel), "why", "NAME", "", "the channel that it should have come by"},
    {"id", TO(id), "why", "ID", "", "of the message that is meant"},
    {"user", TO(user), "tail", "ID", "", "only what is about this user"},
    {"tenant", TO(tenant), "tail", "ID", "", "only of this tenant"},
    {"channel", TO(channel), "tail", "NAME", "", "only about this channel"},
    {"event", TO(event), "tail", "EVENT", "", "only about this event"},
    {"id", TO(id), "tail", "ID", "", "only about this message"},
    {"connection", TO(connection), "tail", "ID", "", "only about this connection"},
    {"client", TO(client), "tail", "ID", "", "only of this client"},
    {"address", TO(address), "tail", "ADDRESS", "", "only of this client's address"},
    {"refusals", TO(refusals), "tail", NULL, "", "only what was refused"},
    {"past", TO(past), "tail", NULL, "",
     "the latest 1000 that are recorded, instead of those to come"},
    {"once", TO(once), "top", NULL, "", "only once, after one interval"},
    {"interval", TO(interval), "top", "TIME", "", "how long each time is (default: 2s)"},
    {"connection", TO(connection), "kick", "LIST", "", "these connections, with commas"},
    {"tenant", TO(tenant), "kick", "ID", "", "the tenant that the users are of"},
    {"reason", TO(reason), "kick", "TEXT", "",
     "what their pages are told: letters, digits, blanks"},
    {"stay-away", TO(stay_away), "kick", NULL, "", "they must not come back by themselves"},
    {"revoke", TO(revoke), "kick", NULL, "", "what they have shown is not good any more"},
    {"user", TO(user), "make-token", "ID", "", "whose token it is"},
    {"name", TO(name), "make-token", "TEXT", "", "what the user is called"},
    {"tenant", TO(tenant), "make-token", "ID", "", "the user's tenant"},
    {"channels", TO(channels), "make-token", "LIST", "", "patterns of channels, with commas"},
    {"permissions", TO(permissions), "make-token", "LIST", "", "what a back end may do with it"},
    {"expires", TO(expires), "make-token", "TIME", "", "how long it is good (default: 1h)"},
    {"key", TO(key), "make-token", "ID", "",
     "which of tokenKeys signs (default: the first that can)"},
    {"key-file", TO(key_file), "make-token", "FILE", "FILE",
     "what it signs with, where tokenKeys has the public key"},
};
const size_t cli_option_count = COUNT(cli_options);

const struct cli_command *cli_command_find(const char *name, const char **nearest)
{
    const char *names[COUNT(cli_commands) + 1] = {NULL};
    size_t shown = 0;

    for (size_t i = 0; i < COUNT(cli_commands); i++) {
        if (strcasecmp(name, cli_commands[i].name) == 0)
            return &cli_commands[i];
        if (!cli_commands[i].is_hidden)
            names[shown++] = cli_commands[i].name;
    }
    *nearest = config_nearest(name, names);
    return NULL;
}

bool cli_option_is_for(const struct cli_option *option, const char *command)
{
    return *option->commands == '\0' || words_have(option->commands, command);
}

const char **cli_option_value(struct cli_line *line, const struct cli_option *option)
{
    return (const char **)(void *)((char *)line + option->offset);
}

const char *cli_option_text(const struct cli_line *line, const struct cli_option *option)
{
    const void *member = (const char *)line + option->offset;

    return *(const char *const *)member;
}
