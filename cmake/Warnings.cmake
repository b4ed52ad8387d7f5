# One interface target carries the compiler flags of every target of ours.
add_library(wga_flags INTERFACE)
target_include_directories(wga_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(wga_flags INTERFACE _GNU_SOURCE WGA_VERSION="${PROJECT_VERSION}")
target_compile_options(wga_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wvla
  -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror
  -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(wga_flags INTERFACE -Wnull-dereference)
endif()
target_link_options(wga_flags INTERFACE -Wl,-z,relro,-z,now)

if(WGA_SANITIZE)
  target_compile_options(wga_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(wga_flags INTERFACE -fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(wga_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(WGA_FUZZ)
  target_compile_options(wga_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WGA_COVERAGE)
  target_compile_options(wga_flags INTERFACE --coverage)
  target_link_options(wga_flags INTERFACE --coverage)
endif()
