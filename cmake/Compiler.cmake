# SPDX-License-Identifier: Apache-2.0
# Flags that every target of the project is built with.
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
                    -Wvla -Wwrite-strings -Wformat=2 -fno-common -fstack-protector-strong)
# Assertions guard against our own bugs and stay on in what is shipped: no -DNDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
if(SSE_SERVER_WERROR)
    add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)

# ccache, where it is installed, keeps objects over builds and checkouts. Paths in objects are relative
# to the checkout, so that any checkout can use them. What a source includes it learns from the compiler
# (depend mode): to run the preprocessor for that costs half as much again as to compile.
find_program(SSE_SERVER_CCACHE ccache)
if(SSE_SERVER_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 ${SSE_SERVER_CCACHE})
endif()

# There are as many programs as unit tests, and mold links them in a fraction of the time. What is
# installed is linked as everywhere.
find_program(SSE_SERVER_MOLD mold)
if(SSE_SERVER_MOLD AND SSE_SERVER_TESTS)
    add_link_options(-fuse-ld=mold)
endif()

if(SSE_SERVER_SANITIZE STREQUAL "address")
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(SSE_SERVER_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(NOT SSE_SERVER_SANITIZE STREQUAL "none")
    message(FATAL_ERROR "SSE_SERVER_SANITIZE is '${SSE_SERVER_SANITIZE}'; use none, address or thread")
endif()

if(SSE_SERVER_FUZZ) # so that libFuzzer sees which ways an input went, in the libraries too
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_definitions(_FORTIFY_SOURCE=2)
    add_compile_options(-fPIE)
    add_link_options(-pie -Wl,-z,relro,-z,now)
endif()
