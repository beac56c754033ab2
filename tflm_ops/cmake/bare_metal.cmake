# Toolchain of a bare-metal core; its tests run in QEMU.
#
#   cmake -S tflm_ops -B build -DNEST_CORE=cortex-m4 \
#     -DCMAKE_TOOLCHAIN_FILE=tflm_ops/cmake/bare_metal.cmake
#
# NEST_CORE is one of the cores in bench/cores.json: compiler, flags, machine.
cmake_minimum_required(VERSION 3.19)

set(NEST_CORE cortex-m4 CACHE STRING "The core to build for, from cores.json")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NEST_CORE)
set(NEST_BENCH ${CMAKE_CURRENT_LIST_DIR}/../bench)
file(READ ${NEST_BENCH}/cores.json NEST_CORES)
string(JSON NEST_FACTS ERROR_VARIABLE NEST_UNKNOWN GET ${NEST_CORES} ${NEST_CORE})
if(NEST_UNKNOWN)
  message(FATAL_ERROR
    "Expected NEST_CORE among those in bench/cores.json. Received: ${NEST_CORE}")
endif()
string(JSON NEST_COMPILER GET ${NEST_FACTS} compiler)
string(JSON NEST_MACHINE GET ${NEST_FACTS} machine)
string(JSON NEST_SCRIPT GET ${NEST_FACTS} script)
string(JSON NEST_COUNT LENGTH ${NEST_FACTS} flags)
math(EXPR NEST_LAST "${NEST_COUNT} - 1")
set(NEST_FLAGS "")
foreach(index RANGE ${NEST_LAST})
  string(JSON flag GET ${NEST_FACTS} flags ${index})
  string(APPEND NEST_FLAGS " ${flag}")
endforeach()

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR ${NEST_CORE})
set(CMAKE_C_COMPILER ${NEST_COMPILER}-gcc)
set(CMAKE_C_FLAGS_INIT "${NEST_FLAGS} -ffunction-sections -fdata-sections")
set(CMAKE_C_FLAGS_RELEASE_INIT "-O2")
# A test program would want a board's start-up.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
if(NEST_COMPILER MATCHES riscv)
  set(NEST_QEMU qemu-system-riscv32 -bios none)
else()
  set(NEST_QEMU qemu-system-arm)
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR
  ${NEST_QEMU} -M ${NEST_MACHINE} -display none -serial none -monitor none
  -semihosting-config enable=on,target=native -kernel)
