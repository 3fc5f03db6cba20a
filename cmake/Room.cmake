# SPDX-License-Identifier: Apache-2.0
# room(NAME sources... DEPENDS libraries...): one folder of src/ as a static library.
function(room name)
    cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ROOM_UNPARSED_ARGUMENTS})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC ${ROOM_DEPENDS})
endfunction()
