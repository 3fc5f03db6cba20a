/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "server/commands.h"

int main(int argc, char *argv[])
{
    return (int)command_run(argc, argv, environ);
}
