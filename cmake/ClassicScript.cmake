# SPDX-License-Identifier: Apache-2.0
#
# The classic script that defines window.Sse, made from the module: the same text in a function,
# with the one export turned into an assignment. Included, this file gives add_classic_script();
# run with -P, it is the step itself.

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    file(READ "${MODULE}" text)
    string(REPLACE "export default Sse;" "window.Sse=Sse;" classic "${text}")
    if(classic STREQUAL text)
        message(FATAL_ERROR "${MODULE}: no \"export default Sse;\" to make a classic script of")
    endif()
    file(WRITE "${CLASSIC}" "(function(){'use strict';${classic}})();\n")
    return()
endif()

set(SSE_SERVER_CLASSIC_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

# Both paths absolute; classic is made when something depends on it.
function(add_classic_script module classic)
    add_custom_command(
        OUTPUT "${classic}"
        COMMAND "${CMAKE_COMMAND}" "-DMODULE=${module}" "-DCLASSIC=${classic}"
                -P "${SSE_SERVER_CLASSIC_SCRIPT}"
        DEPENDS "${module}" "${SSE_SERVER_CLASSIC_SCRIPT}"
        VERBATIM)
endfunction()
