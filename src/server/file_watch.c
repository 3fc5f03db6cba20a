/* SPDX-License-Identifier: Apache-2.0 */
#include "server/file_watch.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define MOST_LINKS 40u /* as the kernel has it */
#define CHANGES                                                                                    \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF)

/* A name in a directory that a path leads through. */
struct step {
    int directory; /* its watch descriptor */
    char *name;
};

struct file_watch {
    struct ev_loop *ev;
    struct ev_io io;
    int fd; /* -1: none */
    void (*on_change)(void *context);
    void *context;
    struct step *steps;
    size_t count;
    int error; /* the latest; 0: all are watched */
};

static void add_step(struct file_watch *watch, const char *directory, const char *name)
{
    const int descriptor = inotify_add_watch(watch->fd, directory, CHANGES | IN_ONLYDIR);

    if (descriptor < 0) {
        watch->error = errno;
        return;
    }
    watch->steps = mem_realloc(watch->steps, (watch->count + 1) * sizeof(*watch->steps));
    watch->steps[watch->count++] = (struct step){descriptor, mem_strdup(name)};
}

struct walk {
    char at[PATH_MAX];   /* a directory, without links in its name */
    char rest[PATH_MAX]; /* what is left of the path from there */
    unsigned links;
};

/* Cuts the next name from what is left. False: there is none. */
static bool take_name(struct walk *walk, char name[NAME_MAX + 1])
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    const size_t length = strcspn(start, "/");

    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    start += length;
    start += strspn(start, "/");
    memmove(walk->rest, start, strlen(start) + 1);
    return true;
}

/* Puts the target of a link before what is left. False: that is too long, or no link. */
static bool follow_link(struct walk *walk, const char *path)
{
    char target[PATH_MAX], whole[PATH_MAX];
    const ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length <= 0 || ++walk->links > MOST_LINKS)
        return false;
    target[length] = '\0';
    if (snprintf(whole, sizeof(whole), "%s/%s", target, walk->rest) >= (int)sizeof(whole))
        return false;
    memcpy(walk->rest, whole, strlen(whole) + 1);
    if (*target == '/')
        memcpy(walk->at, "/", sizeof("/"));
    return true;
}

/* One name further on the way. False at the end of it. */
static bool step_on(struct file_watch *watch, struct walk *walk)
{
    char name[NAME_MAX + 1], path[PATH_MAX];
    struct stat facts;

    if (!take_name(walk, name) ||
        snprintf(path, sizeof(path), "%s/%s", walk->at, name) >= (int)sizeof(path))
        return false;
    if (lstat(path, &facts) != 0) { /* somebody may put it there again */
        add_step(watch, walk->at, name);
        return false;
    }
    if (S_ISLNK(facts.st_mode)) {
        add_step(watch, walk->at, name);
        return follow_link(walk, path);
    }
    if (*walk->rest == '\0') {
        add_step(watch, walk->at, name);
        return false;
    }
    memcpy(walk->at, path, strlen(path) + 1);
    return true;
}

static void watch_path(struct file_watch *watch, const char *path)
{
    struct walk walk = {.links = 0};

    if (strlen(path) >= sizeof(walk.rest))
        return;
    memcpy(walk.at, *path == '/' ? "/" : ".", 2);
    memcpy(walk.rest, path, strlen(path) + 1);
    while (step_on(watch, &walk))
        continue;
}

static void stop(struct file_watch *watch)
{
    if (watch->fd >= 0) {
        ev_io_stop(watch->ev, &watch->io);
        close(watch->fd);
    }
    for (size_t i = 0; i < watch->count; i++)
        free(watch->steps[i].name);
    free(watch->steps);
    watch->steps = NULL;
    watch->count = 0;
    watch->fd = -1;
}

static bool concerns(const struct file_watch *watch, const struct inotify_event *event)
{
    if (event->len == 0) /* the directory itself, or events that were lost */
        return !(event->mask & IN_ATTRIB);
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->steps[i].directory == event->wd &&
            strcmp(watch->steps[i].name, event->name) == 0)
            return true;
    }
    return false;
}

static void on_events(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct file_watch *watch = io->data;
    char events[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool has_changed = false;
    ssize_t length;

    (void)ev;
    (void)revents;
    while ((length = read(watch->fd, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (const struct inotify_event *)(events + at);

            has_changed |= concerns(watch, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    if (has_changed)
        watch->on_change(watch->context);
}

struct file_watch *file_watch_new(struct ev_loop *ev, void (*on_change)(void *context),
                                  void *context)
{
    struct file_watch *watch = mem_zalloc(sizeof(*watch));

    watch->ev = ev;
    watch->fd = -1;
    watch->on_change = on_change;
    watch->context = context;
    return watch;
}

void file_watch_free(struct file_watch *watch)
{
    if (!watch)
        return;
    stop(watch);
    free(watch);
}

bool file_watch_set(struct file_watch *watch, const char *const *paths, size_t count)
{
    stop(watch);
    watch->error = 0;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        watch_path(watch, paths[i]);
    ev_io_init(&watch->io, on_events, watch->fd, EV_READ);
    watch->io.data = watch;
    ev_io_start(watch->ev, &watch->io);
    errno = watch->error;
    return watch->error == 0;
}
