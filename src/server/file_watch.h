/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_FILE_WATCH_H
#define SERVER_FILE_WATCH_H
/*
 * Hears when files change, without looking (inotify): when they are written, and when they, or a
 * symbolic link on the way to them, are replaced. So it hears of what Kubernetes does to a mounted
 * Secret ("..data" becomes another link) and certbot to "live". It may also call for nothing.
 */
#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct file_watch;

/* on_change runs in the loop's thread, for changes since the latest file_watch_set(). */
struct file_watch *file_watch_new(struct ev_loop *ev, void (*on_change)(void *context),
                                  void *context);
void file_watch_free(struct file_watch *watch);

/* Watches these paths instead of those before: as they lead now. To be called after each change,
 * for they may lead elsewhere then. False: the kernel cannot tell of them all (its limits, errno);
 * one has to look oneself then. Nor does it tell of what other machines do on a shared disk. */
bool file_watch_set(struct file_watch *watch, const char *const *paths, size_t count);

#endif
