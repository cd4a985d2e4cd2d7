# What is installed, and the packages that Debian gets: powercut (the judge), powercut-server (the store and its
# tools), libpowercut-dev (for engines of others: find_package(powercut), sim/BRING_YOUR_ENGINE.md).
#   cmake --install build --prefix DIR
#   cd build && cpack
include(GNUInstallDirs)
set(package ${CMAKE_BINARY_DIR}/package)
set(package_source ${CMAKE_SOURCE_DIR}/scenarios/package)
file(MAKE_DIRECTORY ${package})
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(GZIP gzip REQUIRED)

# Manual pages and completions are made of what the programs say themselves.
set(verbs calibrate explain explore fences lab list merge record replay run shrink sweep trace view witness zoo)
function(manual_page name program)  # [verb]
  add_custom_command(OUTPUT ${package}/${name}.1.gz VERBATIM
    DEPENDS ${program} ${package_source}/man_page.py ${package_source}/help_text.py
    COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 sh -c
      "\"$0\" \"$@\" >${name}.1 && gzip -9nf ${name}.1"
      ${Python3_EXECUTABLE} ${package_source}/man_page.py ${PROJECT_VERSION} $<TARGET_FILE:${program}> ${ARGN}
    WORKING_DIRECTORY ${package} COMMENT "Writing ${name}(1)")
  set_property(GLOBAL APPEND PROPERTY package_files ${package}/${name}.1.gz)
endfunction()
manual_page(powercut powercut)
foreach(verb IN LISTS verbs)
  manual_page(powercut-${verb} powercut ${verb})
endforeach()
get_property(judge_pages GLOBAL PROPERTY package_files)
set_property(GLOBAL PROPERTY package_files "")
foreach(program powercut-server powercut-check-aof powercut-check-rdb powercut-restore)
  manual_page(${program} ${program})
endforeach()
get_property(server_pages GLOBAL PROPERTY package_files)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${package}/powercut.${shell} VERBATIM
    DEPENDS powercut ${package_source}/completions.py ${package_source}/help_text.py
    COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 sh -c "\"$0\" \"$@\" >powercut.${shell}"
      ${Python3_EXECUTABLE} ${package_source}/completions.py ${shell} $<TARGET_FILE:powercut>
    WORKING_DIRECTORY ${package} COMMENT "Writing the completion of ${shell}")
  list(APPEND completions ${package}/powercut.${shell})
endforeach()
add_custom_target(package_files ALL DEPENDS ${judge_pages} ${server_pages} ${completions})

# --- What goes where ---
install(TARGETS powercut COMPONENT judge)
install(TARGETS powercut-hand-over LIBRARY DESTINATION lib/powercut COMPONENT judge)
install(TARGETS powercut-server powercut-check-aof powercut-check-rdb powercut-restore COMPONENT server)
install(FILES ${judge_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT judge)
install(FILES ${server_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT server)
install(FILES ${package}/powercut.bash RENAME powercut
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT judge)
install(FILES ${package}/powercut.zsh RENAME _powercut
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT judge)
install(FILES ${package}/powercut.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT judge)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scenarios/workloads DESTINATION ${CMAKE_INSTALL_DATADIR}/powercut COMPONENT judge)
foreach(part judge server dev)
  string(REPLACE "judge" "powercut" name ${part})
  string(REPLACE "server" "powercut-server" name ${name})
  string(REPLACE "dev" "libpowercut-dev" name ${name})
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${part})
endforeach()

# The judge and all below it, for a program that brings an engine of its own and has all verbs.
set(rooms powercut_flags light_flags engine_base engine_os engine_store_judged engine_checkpoint_judged
  engine_sqlite engine_command_judged engine_aof_judged engine_tier_judged engine_recovery_judged engine_backup_judged engine_replication_judged
  engine_sink_judged engine_judged
  faults_splice sim faults)
foreach(room base trace record workload judge store sqlite run sweep story shrink explore view lab zoo campaign cli)
  list(APPEND rooms scenarios_${room})
endforeach()
install(TARGETS ${rooms} EXPORT powercut ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/powercut COMPONENT dev)
install(EXPORT powercut NAMESPACE powercut:: FILE powercut-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/powercut COMPONENT dev)
foreach(folder engine sim faults scenarios)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/powercut COMPONENT dev
    FILES_MATCHING PATTERN "*.h" PATTERN "*_testing.h" EXCLUDE PATTERN "engine/server" EXCLUDE
    PATTERN "engine/postgres" EXCLUDE
    PATTERN "engine/fuzz" EXCLUDE PATTERN "scenarios/house" EXCLUDE PATTERN "scenarios/posix" EXCLUDE
    PATTERN "scenarios/regressions" EXCLUDE PATTERN "scenarios/workloads" EXCLUDE PATTERN "scenarios/package" EXCLUDE
    PATTERN "faults/mutants" EXCLUDE PATTERN "faults/testdata" EXCLUDE PATTERN "faults/automatic" EXCLUDE
    PATTERN "scenarios/view/src" EXCLUDE PATTERN "engine/*/testdata" EXCLUDE)
endforeach()
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${package}/powercut-config-version.cmake COMPATIBILITY ExactVersion)
install(FILES ${package_source}/powercut-config.cmake ${package}/powercut-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/powercut COMPONENT dev)

# --- Debian ---
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME powercut)
set(CPACK_PACKAGE_VENDOR powercut)
set(CPACK_PACKAGE_CONTACT "powercut <powercut@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL judge server dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_JUDGE_PACKAGE_NAME powercut)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME powercut-server)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libpowercut-dev)
set(CPACK_COMPONENT_JUDGE_DESCRIPTION "deterministic simulation testing of storage durability
 Pulls the plug on a store, in every way a disk can fail, and checks what
 survives against what each policy promises.")
set(CPACK_COMPONENT_SERVER_DESCRIPTION "durable Redis-compatible store in memory, and its tools
 The store, and two programs that look at its files.")
set(CPACK_COMPONENT_DEV_DESCRIPTION "judge the durability of an engine of your own
 Headers and libraries, for find_package(powercut).")
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION database)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libboost-context-dev, libfmt-dev, libcli11-dev, nlohmann-json3-dev, libxxhash-dev, \
liblz4-dev, liblzf-dev, libsqlite3-dev, libssl-dev, librapidcheck-dev, liblua5.1-0-dev, lua-cjson-dev, lua-bitop-dev, pkg-config")
include(CPack)

add_test(NAME package COMMAND bash ${package_source}/package_test.sh ${CMAKE_BINARY_DIR} ${PROJECT_VERSION})
