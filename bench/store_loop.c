/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse-store-loop: what the disk and SQLite can do by themselves: transactions of so many messages,
 * one after the other, with nobody to read, check, route or answer them. It is what bench/durable
 * holds the server's durable sends against, so it is as bare as SQLite's documentation allows: one
 * table, one prepared statement, the same journal and the same synchronous as qos/sqlite.h.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "load_measure.h"

#define FILE_NAME "sse-store-loop.sqlite"

struct options {
    const char *directory;
    uint64_t batch; /* messages of a transaction */
    uint64_t bytes; /* of a message's body */
    double seconds;
    bool json;
};

struct store_loop {
    char *path;
    sqlite3 *database;
    sqlite3_stmt *insert;
    char *body;
    uint64_t messages;
    double seconds;
    struct load_histogram transactions; /* from the begin to the end of the commit */
    struct load_histogram commits;      /* the commit alone */
};

static const char usage[] = "usage: sse-store-loop [options]\n"
                            "Stores messages in a new SQLite file, durably, and measures.\n\n"
                            "  --directory DIR   where the file is made, and removed; default .\n"
                            "  --batch N         messages of a transaction, default 1\n"
                            "  --bytes N         of each message, default 200\n"
                            "  --seconds N       how long, default 3\n"
                            "  --json            the result as JSON\n";

/* 0; 1 when help was asked for and shown; -EINVAL. */
static int parse(struct options *options, int argc, char **argv)
{
    static const struct option longs[] = {
        {"directory", required_argument, NULL, 'd'},
        {"batch", required_argument, NULL, 'n'},
        {"bytes", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int chosen;

    *options = (struct options){.directory = ".", .batch = 1, .bytes = 200, .seconds = 3};
    while ((chosen = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (chosen) {
        case 'd':
            options->directory = optarg;
            break;
        case 'n':
            options->batch = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            options->bytes = strtoull(optarg, NULL, 10);
            break;
        case 's':
            options->seconds = strtod(optarg, NULL);
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return 1;
        default:
            return -EINVAL;
        }
    }
    if (optind < argc || options->batch < 1 || options->batch > 100000 || options->bytes < 1 ||
        options->bytes > 1000000 || !(options->seconds > 0)) {
        (void)fputs(usage, stderr);
        return -EINVAL;
    }
    return 0;
}

static int fail(const struct store_loop *loop, const char *what)
{
    (void)fprintf(stderr, "sse-store-loop: %s: %s: %s\n", loop->path, what,
                  sqlite3_errmsg(loop->database));
    return -EIO;
}

static int execute(const struct store_loop *loop, const char *statement)
{
    return sqlite3_exec(loop->database, statement, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(loop, statement);
}

static void remove_files(const struct store_loop *loop)
{
    static const char *const endings[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char *name = sqlite3_mprintf("%s%s", loop->path, endings[i]);

        (void)unlink(name);
        sqlite3_free(name);
    }
}

static int open_store(struct store_loop *loop, const struct options *options)
{
    loop->path = sqlite3_mprintf("%s/" FILE_NAME, options->directory);
    loop->body = mem_alloc(options->bytes);
    memset(loop->body, 'x', options->bytes);
    remove_files(loop);
    if (sqlite3_open(loop->path, &loop->database) != SQLITE_OK)
        return fail(loop, "open");
    if (execute(loop, "PRAGMA journal_mode = WAL") < 0 ||
        execute(loop, "PRAGMA synchronous = FULL") < 0 ||
        execute(loop, "CREATE TABLE message (number INTEGER PRIMARY KEY, id TEXT, body TEXT)") < 0)
        return -EIO;
    if (sqlite3_prepare_v2(loop->database, "INSERT INTO message VALUES (?, ?, ?)", -1,
                           &loop->insert, NULL) != SQLITE_OK)
        return fail(loop, "prepare");
    return 0;
}

static void close_store(struct store_loop *loop)
{
    (void)sqlite3_finalize(loop->insert);
    (void)sqlite3_close(loop->database);
    remove_files(loop);
    sqlite3_free(loop->path);
    free(loop->body);
}

static int insert_message(struct store_loop *loop, uint64_t bytes)
{
    char id[24];
    int length = snprintf(id, sizeof(id), "m%016" PRIx64, ++loop->messages);

    (void)sqlite3_bind_int64(loop->insert, 1, (sqlite3_int64)loop->messages);
    (void)sqlite3_bind_text(loop->insert, 2, id, length, SQLITE_STATIC);
    (void)sqlite3_bind_text64(loop->insert, 3, loop->body, bytes, SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(loop->insert) != SQLITE_DONE)
        return fail(loop, "insert");
    (void)sqlite3_reset(loop->insert);
    return 0;
}

static int transact(struct store_loop *loop, const struct options *options)
{
    uint64_t began = load_now();
    uint64_t filled;
    uint64_t ended;

    if (execute(loop, "BEGIN IMMEDIATE") < 0)
        return -EIO;
    for (uint64_t i = 0; i < options->batch; i++) {
        if (insert_message(loop, options->bytes) < 0)
            return -EIO;
    }
    filled = load_now();
    if (execute(loop, "COMMIT") < 0)
        return -EIO;
    ended = load_now();
    load_histogram_add(&loop->transactions, began, ended);
    load_histogram_add(&loop->commits, filled, ended);
    return 0;
}

static int run(struct store_loop *loop, const struct options *options)
{
    uint64_t began = load_now();
    uint64_t end = began + (uint64_t)(options->seconds * (double)LOAD_SECOND);

    while (load_now() < end) {
        if (transact(loop, options) < 0)
            return -EIO;
    }
    loop->seconds = (double)(load_now() - began) / (double)LOAD_SECOND;
    return 0;
}

static void print_latency(const char *name, const struct load_histogram *histogram, bool json)
{
    (void)printf(json ? ",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}"
                      : "  %-12s p50 %.3f  p99 %.3f  max %.3f ms\n",
                 name, load_histogram_ms(histogram, 0.5), load_histogram_ms(histogram, 0.99),
                 load_histogram_ms(histogram, 1));
}

static void print(const struct store_loop *loop, const struct options *options)
{
    (void)printf(options->json ? "{\"batch\":%" PRIu64 ",\"bytes\":%" PRIu64
                                 ",\"messagesPerSecond\":%.0f,\"commitsPerSecond\":%.0f"
                               : "batches of %" PRIu64 ", %" PRIu64 " bytes a message: "
                                 "%.0f messages/s, %.0f commits/s\n",
                 options->batch, options->bytes, (double)loop->messages / loop->seconds,
                 (double)loop->transactions.total / loop->seconds);
    print_latency("transaction", &loop->transactions, options->json);
    print_latency("commit", &loop->commits, options->json);
    if (options->json)
        (void)puts("}");
}

int main(int argc, char **argv)
{
    struct options options;
    struct store_loop *loop;
    int rc = parse(&options, argc, argv);

    if (rc != 0)
        return rc > 0 ? 0 : 2;
    loop = mem_zalloc(sizeof(*loop));
    rc = open_store(loop, &options);
    if (rc == 0)
        rc = run(loop, &options);
    if (rc == 0)
        print(loop, &options);
    close_store(loop);
    free(loop);
    return rc < 0 ? 2 : 0;
}
