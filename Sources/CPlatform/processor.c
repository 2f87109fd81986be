#define _GNU_SOURCE
#include "CPlatform.h"

#include <sched.h>
#include <unistd.h>

int platform_usable_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

enum {
  mxcsr_exceptions_masked = 0x1f80,
  mxcsr_flush_to_zero = 0x8000,
  mxcsr_denormals_are_zero = 0x0040,
};

uint64_t platform_float_control(void) { return _mm_getcsr(); }

uint64_t platform_flush_denormals(void) {
  unsigned control = _mm_getcsr();
  _mm_setcsr(mxcsr_exceptions_masked | mxcsr_flush_to_zero | mxcsr_denormals_are_zero);
  return control;
}

void platform_restore_float_control(uint64_t control) { _mm_setcsr((unsigned)control); }

static uint64_t extended_control_register(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

#define HAS(word, bits) (((word) & (bits)) == (bits))
#define BIT(n) (1u << (n))

// The feature lists of the x86-64 psABI, with the state that the operating system must save for them.
int platform_x86_64_level(void) {
  unsigned eax, ebx, ecx1, edx, ecx, ebx7 = 0, ecx_extended = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx1, &edx)) return 1;
  __get_cpuid_count(7, 0, &eax, &ebx7, &ecx, &edx);
  __get_cpuid(0x80000001, &eax, &ebx, &ecx_extended, &edx);

  const unsigned sse3 = BIT(0), ssse3 = BIT(9), fma = BIT(12), cmpxchg16b = BIT(13), sse41 = BIT(19), sse42 = BIT(20);
  const unsigned movbe = BIT(22), popcnt = BIT(23), osxsave = BIT(27), avx = BIT(28), f16c = BIT(29);
  const unsigned lahf = BIT(0), lzcnt = BIT(5);
  const unsigned bmi1 = BIT(3), avx2 = BIT(5), bmi2 = BIT(8);
  const unsigned avx512 = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31);  // F, DQ, CD, BW, VL

  if (!HAS(ecx1, sse3 | ssse3 | cmpxchg16b | sse41 | sse42 | popcnt) || !HAS(ecx_extended, lahf)) return 1;
  if (!HAS(ecx1, fma | movbe | osxsave | avx | f16c) || !HAS(ecx_extended, lzcnt) || !HAS(ebx7, bmi1 | avx2 | bmi2))
    return 2;
  uint64_t saved = extended_control_register();
  const uint64_t vector_state = 0x06, wide_vector_state = 0xe6;
  if (!HAS(saved, vector_state)) return 2;
  return HAS(ebx7, avx512) && HAS(saved, wide_vector_state) ? 4 : 3;
}

#elif defined(__aarch64__)

uint64_t platform_float_control(void) {
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}

void platform_restore_float_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }

uint64_t platform_flush_denormals(void) {
  uint64_t control = platform_float_control();
  const uint64_t flush_to_zero = 1u << 24;
  platform_restore_float_control(flush_to_zero);
  return control;
}

int platform_x86_64_level(void) { return 0; }

#else
#error "supported processors: x86-64 and aarch64"
#endif
