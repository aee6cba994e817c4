# Flags and functions that every folder uses: nncc_add_library, nncc_add_tool, nncc_tablegen.

find_program(CCACHE ccache)
if(CCACHE) # The environment belongs to the rule, so that nobody has to set it: without it ccache refuses precompiled headers.
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  endforeach()
endif()

# What all of our code is compiled with. -fPIC by hand, not CMAKE_POSITION_INDEPENDENT_CODE: that gives executables -fPIE, and a
# header precompiled with -fPIC cannot be reused there.
add_library(nncc_warnings INTERFACE)
target_compile_options(nncc_warnings INTERFACE -fPIC -Wall -Wextra -Werror)
target_link_options(nncc_warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fuse-ld=lld> -Wl,--as-needed)
if(NNCC_SANITIZE)
  target_compile_options(nncc_warnings INTERFACE -fsanitize=${NNCC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(nncc_warnings INTERFACE -fsanitize=${NNCC_SANITIZE})
endif()

# nncc_add_library(NAME [EXCEPTIONS] SOURCES... [LINK libs...]): a static library of the compiler. Only Import throws: LLVM is built
# without exceptions, and the precompiled header with it, so an EXCEPTIONS library does without the header.
function(nncc_add_library name)
  cmake_parse_arguments(arg "EXCEPTIONS" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC nncc_compiler_flags ${arg_LINK})
  add_dependencies(${name} nncc_generated)
  set_property(GLOBAL APPEND PROPERTY NNCC_LIBRARIES ${name})
  if(NOT arg_EXCEPTIONS)
    target_compile_options(${name} PRIVATE -fno-exceptions)
    if(NNCC_PCH)
      target_precompile_headers(${name} REUSE_FROM nncc_pch)
    endif()
  endif()
endfunction()

# nncc_add_tool(NAME SOURCES... [LINK libs...])
function(nncc_add_tool name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE nncc_compiler_flags ${arg_LINK})
  add_dependencies(${name} nncc_generated)
  target_compile_options(${name} PRIVATE -fno-exceptions)
  if(NNCC_PCH)
    target_precompile_headers(${name} REUSE_FROM nncc_pch)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# nncc_tablegen(TD GENERATOR OUTPUT [GENERATOR OUTPUT ...]): runs mlir-tblgen on the TD of this folder. Outputs land in the same
# folder of the build tree, so that an include reads "nncc/<room>/<Output>".
function(nncc_tablegen td)
  file(RELATIVE_PATH room ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(flags ${ARGN})
  while(flags)
    list(POP_FRONT flags generator output)
    separate_arguments(generator_args UNIX_COMMAND "${generator}")
    set(out ${CMAKE_BINARY_DIR}/${room}/${output})
    add_custom_command(OUTPUT ${out} DEPFILE ${out}.d DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${td}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/${room}
      COMMAND ${MLIR_TABLEGEN_EXE} ${generator_args} -I ${MLIR_INCLUDE_DIRS} -I ${CMAKE_SOURCE_DIR}/include
              ${CMAKE_CURRENT_SOURCE_DIR}/${td} -o ${out} -d ${out}.d --write-if-changed
      COMMAND ${CMAKE_COMMAND} -E touch ${out})
    list(APPEND outputs ${out})
  endwhile()
  string(MAKE_C_IDENTIFIER "nncc_${room}_${td}" target)
  add_custom_target(${target} DEPENDS ${outputs})
  set_property(GLOBAL APPEND PROPERTY NNCC_GENERATED ${target})
endfunction()
