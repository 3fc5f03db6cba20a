# SPDX-License-Identifier: Apache-2.0
# sse_module(NAME sources... DEPENDS libraries...): one folder of src/ as a static library.
function(sse_module name)
    cmake_parse_arguments(MODULE "" "" "DEPENDS" ${ARGN})
    add_library(${name} STATIC ${MODULE_UNPARSED_ARGUMENTS})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC ${MODULE_DEPENDS})
endfunction()
