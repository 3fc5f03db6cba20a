# SPDX-License-Identifier: Apache-2.0
# assets(TARGET FILE NAME ...): a static library with h2_asset_find() over the files, each as it is
# and, where that makes it smaller, compressed with brotli and gzip.
find_program(BROTLI_PROGRAM brotli REQUIRED)
find_program(GZIP_PROGRAM gzip REQUIRED)

function(assets target)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}.c)
    set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}.list)
    set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedAssets.cmake)
    set(files)
    set(lines)
    set(rest ${ARGN})
    while(rest)
        list(POP_FRONT rest file name)
        list(APPEND files ${file})
        string(APPEND lines "${file}\n${name}\n")
    endwhile()
    file(CONFIGURE OUTPUT ${list} CONTENT "${lines}" @ONLY) # touched only when it changes
    add_custom_command(
        OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -DLIST=${list} -DOUTPUT=${source} -DBROTLI=${BROTLI_PROGRAM}
                -DGZIP=${GZIP_PROGRAM} -P ${script}
        DEPENDS ${files} ${list} ${script}
        COMMENT "Compressing and embedding ${target}"
        VERBATIM)
    add_library(${target} STATIC ${source})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
endfunction()
