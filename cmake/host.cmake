# SPDX-License-Identifier: MIT
# The host command, build/pageable, and what `make install` copies.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBXML REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
find_package(zydis 4.0 REQUIRED) # has a CMake package, no .pc

add_custom_command(OUTPUT host_exports.c
    COMMAND awk -f ${CMAKE_SOURCE_DIR}/tools/exports-to-host.awk ${EXPORT_TABLES} > host_exports.c
    DEPENDS ${EXPORT_TABLES} tools/exports-to-host.awk VERBATIM)
add_custom_command(OUTPUT host_demand.c
    COMMAND awk -f ${CMAKE_SOURCE_DIR}/tools/demand-to-c.awk
            ${CMAKE_SOURCE_DIR}/host/exports/demand.csv > host_demand.c
    DEPENDS host/exports/demand.csv tools/demand-to-c.awk VERBATIM)
set(PAGE_FILES page.html style.css model.js map.js timeline.js bytes.js verdict.js check.js main.js)
list(TRANSFORM PAGE_FILES PREPEND ${CMAKE_SOURCE_DIR}/host/timeline/page/)
add_custom_command(OUTPUT html_page.c
    COMMAND awk -f ${CMAKE_SOURCE_DIR}/tools/embed.awk ${PAGE_FILES} > html_page.c
    DEPENDS ${PAGE_FILES} tools/embed.awk VERBATIM)
file(GLOB HOST_SOURCES CONFIGURE_DEPENDS host/*.c host/*/*.c)
add_executable(pageable ${HOST_SOURCES} ${LIB_SOURCES} ${CMAKE_BINARY_DIR}/host_exports.c
    ${CMAKE_BINARY_DIR}/html_page.c ${CMAKE_BINARY_DIR}/host_demand.c)
target_compile_options(pageable PRIVATE -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter
    -fshort-wchar -fms-extensions -Wno-microsoft-anon-tag
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_compile_definitions(pageable PRIVATE _GNU_SOURCE PAGEABLE_VERSION="${PROJECT_VERSION}")
target_include_directories(pageable PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include
    ${CMAKE_SOURCE_DIR}/include/nt)
target_link_libraries(pageable PRIVATE PkgConfig::LUA PkgConfig::JANSSON
    PkgConfig::LIBXML PkgConfig::LIBEDIT Zydis::Zydis)

configure_file(${CMAKE_SOURCE_DIR}/host/gdb/pageable-gdb.py pageable-gdb.py COPYONLY)
