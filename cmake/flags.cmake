include(CheckCCompilerFlag)
# Warnings and hardening for our own code: target_link_libraries(x PRIVATE mitm_flags).
add_library(mitm_flags INTERFACE)
target_compile_definitions(mitm_flags INTERFACE _GNU_SOURCE MITM_VERSION="${PROJECT_VERSION}")
target_compile_options(mitm_flags INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wswitch-enum -Wconversion -Wno-sign-conversion
    -Wdouble-promotion -Wimplicit-fallthrough -Wnull-dereference
    -fno-common -fstack-protector-strong)
if(FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=address,undefined)
else()
    target_compile_options(mitm_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-clash-protection)
    check_c_compiler_flag(-fcf-protection HAVE_CF_PROTECTION) # x86 alone
    if(HAVE_CF_PROTECTION)
        target_compile_options(mitm_flags INTERFACE -fcf-protection)
    endif()
    target_link_options(mitm_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -pie)
endif()
