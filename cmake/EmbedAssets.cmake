# SPDX-License-Identifier: Apache-2.0
# cmake -DLIST=… -DOUTPUT=… -DBROTLI=… -DGZIP=… -P EmbedAssets.cmake: writes the C file that holds
# the assets of the list, which has two lines each: file and name.
cmake_minimum_required(VERSION 3.25)

set(content_type.js "text/javascript; charset=utf-8")
set(content_type.html "text/html; charset=utf-8")
set(content_type.css "text/css; charset=utf-8")
set(content_type.svg "image/svg+xml")
set(content_type.png "image/png")
set(content_type.ico "image/x-icon")
set(content_type.yaml "application/yaml")

# Appends `static struct bytes SYMBOL` with the file's bytes to `code`. Its one reference is never
# given back. (That a flexible array member can be initialised is GNU C.)
function(embed file symbol)
    file(SIZE ${file} size)
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" octets "${hex}")
    string(APPEND code "static struct bytes ${symbol} = {.refs = 1, .length = ${size}, .data = \"${octets}\"};\n")
    set(code "${code}" PARENT_SCOPE)
endfunction()

# Sets `reference` to the expression for one compressed form, which may be NULL.
function(embed_compressed file form symbol)
    set(compressed ${OUTPUT}.${form})
    if(form STREQUAL "brotli")
        set(command ${BROTLI} --quality=11 --stdout ${file})
    else()
        set(command ${GZIP} -9 -n -c ${file})
    endif()
    execute_process(COMMAND ${command} OUTPUT_FILE ${compressed} COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE ${file} size)
    file(SIZE ${compressed} compressed_size)
    set(reference NULL)
    if(compressed_size LESS size)
        embed(${compressed} ${symbol})
        set(reference "&${symbol}")
    endif()
    file(REMOVE ${compressed})
    set(code "${code}" PARENT_SCOPE)
    set(reference "${reference}" PARENT_SCOPE)
endfunction()

file(STRINGS ${LIST} lines)
set(code "/* Generated. */\n#include <string.h>\n\n#include \"base/buf.h\"\n#include \"h2/static.h\"\n\n")
set(rows)
set(number 0)
while(lines)
    list(POP_FRONT lines file name)
    cmake_path(GET file EXTENSION LAST_ONLY extension)
    if(NOT DEFINED content_type${extension})
        message(FATAL_ERROR "${file}: no content type is known for '${extension}'")
    endif()
    file(SHA256 ${file} digest)
    string(SUBSTRING ${digest} 0 32 tag)
    embed(${file} identity_${number})
    embed_compressed(${file} gzip gzip_${number})
    set(gzip ${reference})
    embed_compressed(${file} brotli brotli_${number})
    set(forms "[H2_CODING_BROTLI] = ${reference}, [H2_CODING_GZIP] = ${gzip}")
    string(APPEND rows "    {\"${name}\", \"${content_type${extension}}\", \"\\\"${tag}\\\"\",\n"
                       "     {${forms}, [H2_CODING_IDENTITY] = &identity_${number}}},\n")
    math(EXPR number "${number} + 1")
endwhile()

string(APPEND code "
static const struct h2_asset assets[] = {
${rows}};

const struct h2_asset *h2_asset_find(const char *name)
{
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        if (strcmp(assets[i].name, name) == 0)
            return &assets[i];
    return NULL;
}
")
file(WRITE ${OUTPUT} "${code}")
