# SPDX-License-Identifier: MIT
# What `make install` copies, and the Debian package that `make package` makes of it. The manual
# pages and the shells' completion come from the command itself, out of the texts of its --help.
set(PACKAGE_COMMANDS run check report debug kd advise explain exports inspect gdb-symbols
    completion)

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man ${CMAKE_BINARY_DIR}/completion)
set(PACKAGE_FILES)
function(package_file Path Command) # Command's standard output, through gzip if Path ends so
    if(Path MATCHES "\\.gz$")
        set(Command "${Command} | gzip -9n")
    endif()
    add_custom_command(OUTPUT ${Path} COMMAND sh -c "./pageable ${Command} > ${Path}"
        DEPENDS pageable VERBATIM)
    set(PACKAGE_FILES ${PACKAGE_FILES} ${CMAKE_BINARY_DIR}/${Path} PARENT_SCOPE)
endfunction()
package_file(man/pageable.1.gz "help --man")
foreach(Command ${PACKAGE_COMMANDS})
    package_file(man/pageable-${Command}.1.gz "help --man ${Command}")
endforeach()
foreach(Shell bash zsh fish)
    package_file(completion/pageable.${Shell} "completion ${Shell}")
endforeach()
add_custom_target(package_files ALL DEPENDS ${PACKAGE_FILES})

install(TARGETS pageable RUNTIME DESTINATION bin)
install(FILES ${CMAKE_BINARY_DIR}/boot.elf ${CMAKE_BINARY_DIR}/ntoskrnl.exe
    ${CMAKE_BINARY_DIR}/ntoskrnl.pdb ${CMAKE_BINARY_DIR}/pageable-gdb.py DESTINATION lib/pageable)
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION share/man/man1)
install(FILES ${CMAKE_BINARY_DIR}/completion/pageable.bash
    DESTINATION share/bash-completion/completions RENAME pageable)
install(FILES ${CMAKE_BINARY_DIR}/completion/pageable.zsh
    DESTINATION share/zsh/vendor-completions RENAME _pageable)
install(FILES ${CMAKE_BINARY_DIR}/completion/pageable.fish
    DESTINATION share/fish/vendor_completions.d)
install(DIRECTORY docs/ DESTINATION share/doc/pageable FILES_MATCHING PATTERN "*.md")
install(FILES LICENSE DESTINATION share/doc/pageable RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pageable)
set(CPACK_PACKAGE_CONTACT "Pageable's authors <pageable@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runs Windows drivers with their pageable code paged out")
set(CPACK_PACKAGE_DESCRIPTION
    "Runs a Windows x64 driver in ring 0 of a small NT-compatible kernel in
 QEMU, takes its pageable sections out of memory, and says which line touched
 them where it must not.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "qemu-system-x86 (>= 1:7.2)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "llvm-19") # source lines and the debugger's symbols
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gdb, lld-19")
include(CPack)
