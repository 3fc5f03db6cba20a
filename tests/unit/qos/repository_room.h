/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPOSITORY_ROOM_H
#define REPOSITORY_ROOM_H
/* A repository in its own directory, and short words for what is done with it. */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "qos/copies.h"
#include "qos/sqlite.h"
#include "support/test.h"

struct repository_room {
    struct qos_repository *repository;
    struct qos_repository *(*open)(const struct repository_room *room);
    bool is_kept; /* what is in it is there again after reopening */
    char directory[64];
    char path[96];
};

static inline struct repository_room *
room_new(struct qos_repository *(*open)(const struct repository_room *room), bool is_kept)
{
    struct repository_room *room = mem_zalloc(sizeof(*room));

    room->open = open;
    room->is_kept = is_kept;
    snprintf(room->directory, sizeof(room->directory), "/tmp/test_repository.XXXXXX");
    assert_non_null(mkdtemp(room->directory));
    snprintf(room->path, sizeof(room->path), "%s/qos.sqlite", room->directory);
    room->repository = open(room);
    assert(room->repository);
    return room;
}

static inline void room_close(struct repository_room *room)
{
    if (room->repository)
        room->repository->ops->free(room->repository);
    room->repository = NULL;
}

static inline void room_free(struct repository_room *room)
{
    DIR *directory = opendir(room->directory);
    const struct dirent *entry;

    room_close(room);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    closedir(directory);
    assert_int_equal(rmdir(room->directory), 0);
    free(room);
}

/* As after a restart. In memory, where that would forget all, nothing happens. */
static inline void room_reopen(struct repository_room *room)
{
    if (room->repository && !room->is_kept)
        return;
    room_close(room);
    room->repository = room->open(room);
    assert(room->repository);
}

/* For what has to be the same before and after. */
#define BEFORE_AND_AFTER_REOPENING(room) for (int round = 0; round < 2; round++, room_reopen(room))

static inline void room_begin(struct repository_room *room)
{
    assert_int_equal(room->repository->ops->begin(room->repository), 0);
}

static inline void room_commit(struct repository_room *room)
{
    assert_int_equal(room->repository->ops->commit(room->repository), 0);
    assert_int_equal(room->repository->fault, 0);
}

/* A message that was created at 100 and expires at 1000. */
static inline struct qos_message message_of(const char *id)
{
    static const char json[] = "{\"event\":\"e\",\"message\":1}";

    return (struct qos_message){
        .id = id,
        .json = json,
        .length = sizeof(json) - 1,
        .digest = 0xfedcba9876543210u,
        .created = 100,
        .expires = 1000,
        .receipt = "",
    };
}

static inline uint64_t room_put_message(struct repository_room *room, struct qos_message message,
                                        const struct sse_target *target)
{
    room_begin(room);
    assert_int_equal(room->repository->ops->put(room->repository, &message, target), 0);
    room_commit(room);
    return message.number;
}

/* To so many users, in a text that has commas between them. */
static inline uint64_t room_put(struct repository_room *room, const char *id, const char *users)
{
    char *text = mem_strdup(users);
    char *values[16];
    struct sse_target target = {.dimension = SSE_BY_USER, .values = values};
    char *rest = text;
    uint64_t number;

    while (rest)
        values[target.count++] = strsep(&rest, ",");
    number = room_put_message(room, message_of(id), &target);
    free(text);
    return number;
}

static inline struct qos_recipient user(const char *id)
{
    return (struct qos_recipient){SSE_BY_USER, id, ""};
}

static inline int room_end(struct repository_room *room, uint64_t number,
                           const struct qos_recipient *recipient, int64_t at)
{
    int result;

    room_begin(room);
    result =
        room->repository->ops->end(room->repository, number, recipient, QOS_ACKNOWLEDGED, at, 1);
    room_commit(room);
    return result;
}

static inline void room_end_user(struct repository_room *room, uint64_t number, const char *id,
                                 int64_t at)
{
    const struct qos_recipient recipient = user(id);

    assert_int_equal(room_end(room, number, &recipient, at), 0);
}

static inline int room_set_aside(struct repository_room *room, uint64_t number, const char *value,
                                 enum qos_cause cause)
{
    int result;

    room_begin(room);
    result = room->repository->ops->set_aside(room->repository, number, value, cause);
    room_commit(room);
    return result;
}

static inline size_t room_forget(struct repository_room *room, int64_t before, size_t most,
                                 size_t limit)
{
    size_t forgotten = 999;

    room_begin(room);
    assert_int_equal(
        room->repository->ops->forget(room->repository, before, most, limit, &forgotten), 0);
    room_commit(room);
    return forgotten;
}

/* Whether there is more to give back. */
static inline bool room_shrink(struct repository_room *room)
{
    bool is_more = true;

    room_begin(room);
    assert_int_equal(room->repository->ops->shrink(room->repository, &is_more), 0);
    room_commit(room);
    return is_more;
}

static inline uint64_t room_count(struct repository_room *room,
                                  const struct qos_recipient *recipient)
{
    uint64_t count = 999;

    assert_int_equal(room->repository->ops->count(room->repository, recipient, &count), 0);
    return count;
}

static inline void assert_totals(const struct repository_room *room, uint64_t copies,
                                 uint64_t messages)
{
    assert_int_equal(room->repository->totals.copies, copies);
    assert_int_equal(room->repository->totals.messages, messages);
    assert_int_equal(room->repository->totals.bytes, messages * message_of("").length);
}

/* "id:value/listening=state" of each, in the order in which they came, with blanks between. */
struct shown {
    char text[2048];
    size_t enough; /* stops after so many; 0: never */
    size_t count;
};

static inline bool shown_visit(void *context, const struct qos_copy *copy)
{
    struct shown *shown = context;
    const size_t at = strlen(shown->text);

    snprintf(shown->text + at, sizeof(shown->text) - at, "%s%s:%s/%s=%s", at > 0 ? " " : "",
             copy->message->id, copy->recipient.value, copy->recipient.listening,
             qos_state_words[copy->state]);
    return ++shown->count != shown->enough;
}

static inline void assert_read(struct repository_room *room, const struct qos_recipient *recipient,
                               uint64_t after, size_t limit, const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        room->repository->ops->read(room->repository, recipient, after, limit, shown_visit, &shown),
        0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_scan(struct repository_room *room, uint64_t after, size_t limit,
                               const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        room->repository->ops->scan(room->repository, after, limit, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_aside(struct repository_room *room, uint64_t after, size_t limit,
                                const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        room->repository->ops->aside(room->repository, after, limit, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_expired(struct repository_room *room, int64_t now, size_t limit,
                                  const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        room->repository->ops->expired(room->repository, now, limit, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static inline struct qos_repository *room_open_memory(const struct repository_room *room)
{
    char fault[256];
    int error = 0;

    (void)room;
    return qos_sqlite_new(NULL, &error, fault, sizeof(fault));
}

static inline struct qos_repository *room_open_sqlite(const struct repository_room *room)
{
    char fault[256];
    int error = 0;

    return qos_sqlite_new(room->path, &error, fault, sizeof(fault));
}

static inline int room_set_up_sqlite(void **state)
{
    *state = room_new(room_open_sqlite, true);
    return 0;
}

static inline int room_set_up_memory(void **state)
{
    *state = room_new(room_open_memory, false);
    return 0;
}

static inline int room_tear_down(void **state)
{
    room_free(*state);
    return 0;
}

#define ROOM_CASE(function, set_up)                                                                \
    cmocka_unit_test_setup_teardown(function, set_up, room_tear_down)

#endif
