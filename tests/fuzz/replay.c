/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a target once over each file of the folders that are named, where there is no libFuzzer. */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fuzz/fuzz.h"

static void replay(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");

    if (!data || !file || fread(data, 1, size, file) != size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    FTS *tree = argc > 1 ? fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    FTSENT *entry;
    unsigned count = 0;

    while (tree && (entry = fts_read(tree)))
        if (entry->fts_info == FTS_F) {
            replay(entry->fts_accpath, (size_t)entry->fts_statp->st_size);
            count++;
        }
    if (tree)
        fts_close(tree);
    printf("%u inputs replayed\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
