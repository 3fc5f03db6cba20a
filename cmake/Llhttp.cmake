# SPDX-License-Identifier: Apache-2.0
# llhttp, the HTTP/1.1 parser: a library from Debian 13 on. Debian 12 has its sources, with the module
# for Node; its strict mode is a choice of the compilation there, and always on later.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)
if(LLHTTP_FOUND)
    add_library(llhttp ALIAS PkgConfig::LLHTTP)
else()
    find_path(LLHTTP_SOURCES llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
    find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
    if(NOT LLHTTP_SOURCES OR NOT LLHTTP_INCLUDE)
        message(FATAL_ERROR "llhttp is not there: install libllhttp-dev, or node-llhttp on Debian 12 (script/bootstrap does)")
    endif()
    add_library(llhttp STATIC ${LLHTTP_SOURCES}/api.c ${LLHTTP_SOURCES}/http.c ${LLHTTP_SOURCES}/llhttp.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp PRIVATE -w)
endif()
