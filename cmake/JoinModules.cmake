# SPDX-License-Identifier: Apache-2.0
# join_modules(OUTPUT MODULE...): one small module of several; see join-modules.awk.
find_program(AWK_PROGRAM NAMES awk mawk gawk REQUIRED)

set(SSE_SERVER_JOIN_MODULES ${CMAKE_CURRENT_LIST_DIR}/join-modules.awk)

function(join_modules output)
    add_custom_command(
        OUTPUT ${output}
        COMMAND ${AWK_PROGRAM} -f ${SSE_SERVER_JOIN_MODULES} ${ARGN} > ${output}
        DEPENDS ${ARGN} ${SSE_SERVER_JOIN_MODULES}
        COMMENT "Joining the client's modules"
        VERBATIM)
endfunction()
