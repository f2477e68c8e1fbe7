# SPDX-License-Identifier: MIT
# Unit tests and fuzz targets. Each file names what it links in a comment: /* sources: a.c b.c */
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

set(unit_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
set(fuzz_sanitize -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
set(unit_libraries PkgConfig::CMOCKA PkgConfig::JANSSON PkgConfig::LUA PkgConfig::LIBXML
    Zydis::Zydis)
set(fuzz_libraries PkgConfig::JANSSON PkgConfig::LIBXML Zydis::Zydis)

function(native_options target kind)
    target_compile_options(${target} PRIVATE -O1 -g -fshort-wchar -fms-extensions
        -fno-omit-frame-pointer -Wall -Wextra -Wno-unused-parameter -Wno-microsoft-anon-tag
        ${${kind}_sanitize})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE PAGEABLE_VERSION="${PROJECT_VERSION}")
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include
        ${CMAKE_SOURCE_DIR}/include/nt ${CMAKE_SOURCE_DIR}/kernel)
    target_link_libraries(${target} PRIVATE ${${kind}_libraries})
endfunction()

# kind: unit or fuzz. A source is compiled once for all programs of a kind.
function(native_program file kind)
    get_filename_component(name ${file} NAME_WE)
    file(STRINGS ${file} line REGEX "sources:" LIMIT_COUNT 1)
    string(REGEX REPLACE ".*sources: *([^*]*)\\*/.*" "\\1" sources "${line}")
    string(STRIP "${sources}" sources)
    separate_arguments(sources)
    foreach(source ${sources})
        if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${source}) # all of a folder
            file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${source}/*.c)
            list(REMOVE_ITEM sources ${source})
            list(APPEND sources ${files})
        elseif(source MATCHES "^-(.*)") # but for this file
            list(REMOVE_ITEM sources ${source} ${CMAKE_MATCH_1})
        endif()
    endforeach()
    add_executable(${name} EXCLUDE_FROM_ALL ${file})
    native_options(${name} ${kind})
    foreach(source ${sources})
        string(MAKE_C_IDENTIFIER ${kind}_${source} object)
        if(NOT TARGET ${object})
            add_library(${object} OBJECT EXCLUDE_FROM_ALL ${source})
            native_options(${object} ${kind})
        endif()
        target_sources(${name} PRIVATE $<TARGET_OBJECTS:${object}>)
    endforeach()
    target_link_options(${name} PRIVATE ${${kind}_sanitize})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${kind})
endfunction()

set(UNIT_TESTS)
file(GLOB UNIT_FILES CONFIGURE_DEPENDS tests/unit/test_*.c)
foreach(file ${UNIT_FILES})
    native_program(${file} unit)
    get_filename_component(name ${file} NAME_WE)
    list(APPEND UNIT_TESTS ${name})
endforeach()
add_custom_target(unit_tests DEPENDS ${UNIT_TESTS})

set(FUZZ_TARGETS)
file(GLOB FUZZ_FILES CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(file ${FUZZ_FILES})
    native_program(${file} fuzz)
    get_filename_component(name ${file} NAME_WE)
    list(APPEND FUZZ_TARGETS ${name})
endforeach()
add_custom_target(fuzz_targets DEPENDS ${FUZZ_TARGETS})

# ---- make bench: the empty PVH kernel and the host's stop watch ----
add_library(empty_object OBJECT bench/empty.S)
target_compile_options(empty_object PRIVATE --target=x86_64-elf)
add_custom_command(OUTPUT empty.elf
    COMMAND ${LD_LLD} -nostdlib -static -e Entry -Ttext=0x100000 -o empty.elf
            $<TARGET_OBJECTS:empty_object>
    DEPENDS empty_object $<TARGET_OBJECTS:empty_object>
    COMMAND_EXPAND_LISTS VERBATIM)
foreach(figure start check)
    add_executable(bench_${figure} bench/${figure}.c)
    target_include_directories(bench_${figure} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(bench_${figure} PRIVATE _GNU_SOURCE)
endforeach()
add_custom_target(bench_tools ALL DEPENDS empty.elf bench_start bench_check)
