# SPDX-License-Identifier: MIT
# The guest: boot.elf (the only ELF), the kernel as a PE image, the drivers as .sys files.

set(GUEST_FLAGS --target=x86_64-pc-windows-msvc -fms-extensions -ffreestanding -O2 -g -gcodeview
    -gno-codeview-command-line
    -fasync-exceptions -fasynchronous-unwind-tables -fno-inline-functions
    -Xclang -fno-elide-constructors -fno-stack-protector
    -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.) # PDBs name files from the project's root on
set(GUEST_INCLUDES ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/include/nt)
set(GUEST_LINK ${LLD_LINK} /driver /subsystem:native,10.00 /nodefaultlib /machine:x64 /debug
    /release /Brepro /pdbsourcepath:. /section:INIT,ERD /pdbaltpath:%_PDB%)

# ---- boot.elf ----
file(GLOB LIB_SOURCES CONFIGURE_DEPENDS lib/*.c) # pure modules: the same files everywhere
file(GLOB BOOT_SOURCES CONFIGURE_DEPENDS boot/*.c boot/*.S)
file(GLOB BOOT_LIB_SOURCES CONFIGURE_DEPENDS lib/cpio.c lib/pe_*.c)
add_library(boot_objects OBJECT ${BOOT_SOURCES} ${BOOT_LIB_SOURCES})
target_compile_options(boot_objects PRIVATE --target=x86_64-elf -ffreestanding -fms-extensions
    -O2 -g -mno-red-zone -mgeneral-regs-only -fno-pic -mcmodel=kernel -fno-stack-protector
    -fno-asynchronous-unwind-tables -Wall -Wextra -Werror)
target_include_directories(boot_objects PRIVATE ${GUEST_INCLUDES})
add_custom_command(OUTPUT boot.elf
    COMMAND ${LD_LLD} -nostdlib -static -z max-page-size=4096 -T ${CMAKE_SOURCE_DIR}/boot/boot.ld
            -o boot.elf $<TARGET_OBJECTS:boot_objects>
    DEPENDS boot_objects $<TARGET_OBJECTS:boot_objects> boot/boot.ld
    COMMAND_EXPAND_LISTS VERBATIM)

# ---- exports ----
file(GLOB EXPORT_TABLES CONFIGURE_DEPENDS kernel/exports/*.csv)
add_custom_command(OUTPUT ntoskrnl.def
    COMMAND awk -f ${CMAKE_SOURCE_DIR}/tools/exports-to-def.awk ${EXPORT_TABLES} > ntoskrnl.def
    DEPENDS ${EXPORT_TABLES} tools/exports-to-def.awk VERBATIM)
add_custom_command(OUTPUT vf_exports.c
    COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C awk -f ${CMAKE_SOURCE_DIR}/tools/exports-to-c.awk
            ${EXPORT_TABLES} > vf_exports.c
    DEPENDS ${EXPORT_TABLES} tools/exports-to-c.awk VERBATIM)

# ---- programs of ring 3: client.exe is in the kernel, fuzz.exe in the test kernel ----
file(GLOB USER_SOURCES CONFIGURE_DEPENDS user/*.c user/*.S)
file(GLOB FUZZ_PROGRAM_SOURCES CONFIGURE_DEPENDS tests/user/*.c tests/user/*.S)
function(user_program name entry container)
    add_library(${name}_objects OBJECT ${ARGN})
    target_compile_options(${name}_objects PRIVATE ${GUEST_FLAGS})
    target_include_directories(${name}_objects PRIVATE ${GUEST_INCLUDES})
    add_custom_command(OUTPUT ${name}.exe ${name}.pdb
        COMMAND ${LLD_LINK} /subsystem:native,10.00 /nodefaultlib /machine:x64 /debug /release
                /Brepro /pdbsourcepath:. /pdbaltpath:%_PDB% /entry:${entry} /fixed /base:0x100000
                /export:KiUserApcDispatcher /out:${name}.exe /pdb:${name}.pdb
                /implib:${name}.lib $<TARGET_OBJECTS:${name}_objects>
        DEPENDS ${name}_objects $<TARGET_OBJECTS:${name}_objects>
        COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${container} PROPERTIES
        OBJECT_DEPENDS ${CMAKE_BINARY_DIR}/${name}.exe COMPILE_OPTIONS -I${CMAKE_BINARY_DIR})
endfunction()
user_program(client ClientThread kernel/io/client_image.S ${USER_SOURCES})
user_program(fuzz FuzzThread tests/guest/fuzz_image.S ${FUZZ_PROGRAM_SOURCES} user/system_call.S)

# ---- kernel ----
file(GLOB KERNEL_SOURCES CONFIGURE_DEPENDS
    kernel/ke/*.c kernel/ke/*.S kernel/mm/*.c kernel/mm/*.S kernel/io/*.c kernel/io/*.S
    kernel/ex/*.c kernel/ex/*.S kernel/ob/*.c kernel/ps/*.c kernel/rtl/*.c
    kernel/se/*.c kernel/se/*.S kernel/kd/*.c kernel/kd/*.S kernel/hal/*.c
    kernel/cm/*.c kernel/vf/*.c kernel/mfs/*.c kernel/fsrtl/*.c kernel/etw/*.c)
file(GLOB GUEST_TEST_SOURCES CONFIGURE_DEPENDS tests/guest/*.c tests/guest/*.S
    bench/at_raise.c bench/guest.c bench/irp.c bench/floor.S)
set(KERNEL_OPTIONS ${GUEST_FLAGS} -mgeneral-regs-only)

add_library(kernel_objects OBJECT ${KERNEL_SOURCES} ${LIB_SOURCES}
    ${CMAKE_BINARY_DIR}/vf_exports.c)
add_library(guest_test_objects OBJECT ${GUEST_TEST_SOURCES})
foreach(objects kernel_objects guest_test_objects)
    target_compile_options(${objects} PRIVATE ${KERNEL_OPTIONS})
    target_compile_definitions(${objects} PRIVATE DBG=$<BOOL:${PAGEABLE_CHECKED}>
        PAGEABLE_KERNEL=1)
    target_include_directories(${objects} PRIVATE ${GUEST_INCLUDES} ${CMAKE_SOURCE_DIR}/kernel)
endforeach()

function(link_kernel name)
    cmake_parse_arguments(K "" "" "OBJECTS" ${ARGN})
    add_custom_command(OUTPUT ${name}.exe ${name}.pdb ${name}.lib
        COMMAND ${GUEST_LINK} /entry:KiSystemStartup /base:0xFFFFF80000000000 /dynamicbase
                /def:ntoskrnl.def /implib:${name}.lib /out:${name}.exe /pdb:${name}.pdb ${K_OBJECTS}
        DEPENDS ${K_OBJECTS} ntoskrnl.def
        COMMAND_EXPAND_LISTS VERBATIM)
endfunction()
link_kernel(ntoskrnl OBJECTS $<TARGET_OBJECTS:kernel_objects>)
link_kernel(ntoskrnl-test OBJECTS $<TARGET_OBJECTS:kernel_objects>
    $<TARGET_OBJECTS:guest_test_objects>)

# ---- drivers: drivers/{correct,faulty}/NAME/*.c -> drivers/{correct,faulty}/NAME.sys ----
set(DRIVER_OUTPUTS)
file(GLOB driver_words CONFIGURE_DEPENDS drivers/*/*/compile.txt drivers/*/*/link.txt
    drivers/*/*/gcc.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${driver_words})
file(GLOB DRIVER_FOLDERS CONFIGURE_DEPENDS LIST_DIRECTORIES true drivers/correct/* drivers/faulty/*)
foreach(folder ${DRIVER_FOLDERS})
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
    if(NOT sources)
        continue()
    endif()
    get_filename_component(name ${folder} NAME)
    get_filename_component(parent ${folder} DIRECTORY)
    get_filename_component(kind ${parent} NAME)
    if(EXISTS ${folder}/gcc.txt)
        continue() # below
    endif()
    set(target driver_${kind}_${name})
    set(output drivers/${kind}/${name})
    add_library(${target} OBJECT ${sources})
    # compile.txt: a driver's own words for the compiler, such as -fstack-protector-strong
    set(compile_flags)
    if(EXISTS ${folder}/compile.txt)
        file(STRINGS ${folder}/compile.txt compile_flags)
    endif()
    target_compile_options(${target} PRIVATE ${GUEST_FLAGS} ${compile_flags})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/include/nt
        ${CMAKE_SOURCE_DIR}/drivers)
    # link.txt: a driver's own words for the linker, such as /align:128
    set(link_flags /entry:DriverEntry)
    if(EXISTS ${folder}/link.txt)
        file(STRINGS ${folder}/link.txt link_flags)
    endif()
    # NAME.def: an import library of the driver's own, searched before the kernel's
    set(import_libraries)
    file(GLOB definitions CONFIGURE_DEPENDS ${folder}/*.def)
    foreach(definition ${definitions})
        get_filename_component(library ${definition} NAME_WE)
        set(library ${output}-${library}.lib)
        add_custom_command(OUTPUT ${library}
            COMMAND ${CMAKE_COMMAND} -E make_directory drivers/${kind}
            COMMAND ${LLD_LINK} /lib /machine:x64 /def:${definition} /out:${library}
            DEPENDS ${definition} VERBATIM)
        list(APPEND import_libraries ${library})
    endforeach()
    add_custom_command(OUTPUT ${output}.sys ${output}.pdb
        COMMAND ${CMAKE_COMMAND} -E make_directory drivers/${kind}
        COMMAND ${GUEST_LINK} ${link_flags} /out:${output}.sys /pdb:${output}.pdb
                $<TARGET_OBJECTS:${target}> ${import_libraries} ntoskrnl.lib
        DEPENDS $<TARGET_OBJECTS:${target}> ${import_libraries} ntoskrnl.lib
        COMMAND_EXPAND_LISTS VERBATIM)
    list(APPEND DRIVER_OUTPUTS ${output}.sys)
endforeach()

# ---- drivers built by gcc and GNU ld of mingw-w64, with its headers and libraries ----
# gcc.txt has the sources, from the project's root on, and words for gcc.
set(GCC_FLAGS -std=gnu17 -O2 -g -ffreestanding -fno-strict-aliasing -fno-stack-protector
    -Wall -Wextra -Werror
    -Wno-unused-parameter -Wno-missing-field-initializers -Wno-unknown-pragmas
    -Wno-attributes -Wno-multichar -Wno-array-bounds -isystem /usr/share/mingw-w64/include/ddk
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}=.
    -I${CMAKE_SOURCE_DIR}/drivers)
set(GCC_LINK -nostdlib -Wl,--subsystem,native:6.1 -Wl,--entry,DriverEntry -Wl,--dynamicbase
    -Wl,--nxcompat -Wl,--exclude-all-symbols -Wl,--no-insert-timestamp)
file(GLOB gcc_files CONFIGURE_DEPENDS drivers/*/*/gcc.txt)
foreach(file ${gcc_files})
    get_filename_component(folder ${file} DIRECTORY)
    get_filename_component(name ${folder} NAME)
    get_filename_component(parent ${folder} DIRECTORY)
    get_filename_component(kind ${parent} NAME)
    file(STRINGS ${file} words)
    set(sources ${words})
    list(FILTER sources INCLUDE REGEX "[.]c$")
    list(FILTER words EXCLUDE REGEX "[.]c$")
    list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/)
    set(output drivers/${kind}/${name}.sys)
    set(import_libraries)
    file(GLOB definitions CONFIGURE_DEPENDS ${folder}/*.def)
    foreach(definition ${definitions})
        get_filename_component(library ${definition} NAME_WE)
        set(library drivers/${kind}/${name}-${library}.a)
        add_custom_command(OUTPUT ${library}
            COMMAND ${CMAKE_COMMAND} -E make_directory drivers/${kind}
            COMMAND ${MINGW_DLLTOOL} --input-def ${definition} --output-lib ${library}
            DEPENDS ${definition} VERBATIM)
        list(APPEND import_libraries ${library})
    endforeach()
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -E make_directory drivers/${kind}
        COMMAND ${MINGW_GCC} ${GCC_FLAGS} ${words} -MD -MF ${output}.d -MT ${output} -o ${output}
                ${sources} ${GCC_LINK} ${import_libraries} -lntoskrnl -lhal -lgcc
        DEPENDS ${sources} ${file} ${import_libraries}
        DEPFILE ${output}.d
        VERBATIM)
    list(APPEND DRIVER_OUTPUTS ${output})
endforeach()

add_custom_target(guest ALL DEPENDS boot.elf ntoskrnl.exe ntoskrnl-test.exe ${DRIVER_OUTPUTS})
