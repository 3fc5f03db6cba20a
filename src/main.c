/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"

int main(int argc, char *argv[])
{
    if (descriptors_fill_standard() != 0)
        return COMMAND_FAILED; /* there is nowhere to say why */
    return (int)command_run(argc, argv, environ);
}
