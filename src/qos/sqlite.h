/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_SQLITE_H
#define QOS_SQLITE_H
/*
 * A repository in one SQLite file: WAL, synchronous=FULL, so that what commit has returned is on
 * the disk; or the same in memory.
 */
#include <stddef.h>

struct qos_repository;

/* Opens the file (NULL: a new one in memory), or makes it, and brings an older schema up to date.
 * Checks it (PRAGMA quick_check), for half a second, then beside what is done with it: begin fails
 * with -EUCLEAN once that has found damage. NULL with a negative errno in *error and a sentence in
 * fault: -EUCLEAN when the file is damaged, -EPROTONOSUPPORT when a newer program made it. *error
 * comes as 0; as -ENOSPC when the file has been checked and nothing but want of room was wrong with
 * it since: then it is not checked again; or as -EUCLEAN when it was damaged: then it is checked
 * before it is opened, however long that takes. */
struct qos_repository *qos_sqlite_new(const char *path, int *error, char *fault, size_t fault_size);

#endif
