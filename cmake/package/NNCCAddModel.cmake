# nncc_add_model(target MODEL [NAME name] [NAMESPACE namespace] [TARGET cpu|cuda|cuda,cpu] [CPUS cpu...] [WEIGHTS embed|file] [OPTIONS option...])
#
# Compiles a model while the application is built. Linking `target` brings the object, the folder of its header (#include "name.h") and
# the runtime. When the model changes, or the files that its tensors are in, it is compiled again. NAME: of the model, in C++ and in the
# files (default: target). WEIGHTS file: name.weights, beside the object; its path is the property NNCC_WEIGHTS of the target.
# OPTIONS: what else nncc takes, --dim=batch=8 for example. A model for GPUs brings nnccrt::nnccrt_cuda, which an application links before
# models for CPUs alone: it is the same runtime with GPUs.
cmake_policy(PUSH)
cmake_policy(SET CMP0116 NEW) # paths in depfiles

function(nncc_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "NAME;NAMESPACE;TARGET;WEIGHTS" "CPUS;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "nncc_add_model(${target}): cannot make sense of ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME ${target})
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/nncc/${target}")
  set(object "${folder}/${arg_NAME}.o")
  set(outputs "${folder}/${arg_NAME}.h")
  set(options --name=${arg_NAME})
  if(arg_NAMESPACE)
    list(APPEND options --namespace=${arg_NAMESPACE})
  endif()
  if(arg_TARGET)
    list(APPEND options -target=${arg_TARGET})
  endif()
  if(arg_CPUS)
    string(REPLACE ";" "," cpus "${arg_CPUS}")
    list(APPEND options -mcpu=${cpus})
  endif()
  if(arg_WEIGHTS)
    list(APPEND options --weights=${arg_WEIGHTS})
    if(arg_WEIGHTS STREQUAL "file")
      list(APPEND outputs "${folder}/${arg_NAME}.weights")
    endif()
  endif()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${object}" BYPRODUCTS ${outputs}
    COMMAND nncc::nncc "${model}" -o "${object}" ${options} ${arg_OPTIONS} -MD -MF "${object}.d"
    DEPENDS "${model}" nncc::nncc DEPFILE "${object}.d" COMMENT "Compiling ${arg_NAME} from ${model}" VERBATIM)
  add_custom_target(${target}_compiled DEPENDS "${object}")
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_compiled)
  target_include_directories(${target} INTERFACE "${folder}")
  if(arg_TARGET MATCHES "cuda")
    target_link_libraries(${target} INTERFACE "${object}" nnccrt::nnccrt_cuda)
  else()
    target_link_libraries(${target} INTERFACE "${object}" nnccrt::nnccrt)
  endif()
  set_target_properties(${target} PROPERTIES NNCC_WEIGHTS "${folder}/${arg_NAME}.weights")
endfunction()

cmake_policy(POP)
