# mitm_library(NAME source… ) makes the static library of one folder.
#
# Includes spell the whole path ("proto/event.h"). A target sees only the folders that it links to: each library has an
# include directory of its own, in which nothing but a link to its folder lies. So a wrong include does not compile.
function(mitm_library name)
    set(view ${PROJECT_BINARY_DIR}/include/${name})
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    get_filename_component(parent ${view}/${folder} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${folder} SYMBOLIC)
    add_library(${name} STATIC ${ARGN})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PRIVATE mitm_flags)
endfunction()

# mitm_program(NAME source… ) makes a program of the current folder; link it to its libraries with target_link_libraries.
function(mitm_program name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE mitm_flags)
    install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
