# SPDX-License-Identifier: Apache-2.0
# Included, this file gives bundle(); run with -P, it is the step behind esbuild, which writes the export of a
# module as people do.

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    file(READ "${OUTPUT}" text)
    string(REGEX REPLACE "export{([A-Za-z_$]+) as default};\n$" "const Sse=\\1;export default Sse;" text "${text}")
    file(WRITE "${OUTPUT}" "${text}")
    return()
endif()

find_program(ESBUILD_PROGRAM esbuild REQUIRED)
set(SSE_SERVER_BUNDLE "${CMAKE_CURRENT_LIST_FILE}")

# bundle(OUTPUT FORMAT ENTRY DEPENDS...): the modules that the file ENTRY imports as one small file, a module (esm)
# or a classic script (iife). Names of classes stay, since consoles show them.
function(bundle output format entry)
    add_custom_command(
        OUTPUT ${output}
        COMMAND ${ESBUILD_PROGRAM} ${entry} --bundle --minify --keep-names --target=es2022 --format=${format}
                --legal-comments=none --log-level=warning --outfile=${output}
        COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -P ${SSE_SERVER_BUNDLE}
        DEPENDS ${entry} ${ARGN} ${SSE_SERVER_BUNDLE}
        COMMENT "Bundling the client's modules"
        VERBATIM)
endfunction()
