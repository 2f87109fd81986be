#define _GNU_SOURCE
#include "CPlatform.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
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

// Where `cpuid` reports a feature: a register of a leaf.
enum place { ecx_of_1, ebx_of_7, ecx_of_extended, place_count };

// The state that the operating system must save for a feature to be usable.
enum { no_state = 0, vector_state = 0x06, wide_vector_state = 0xe6 };

// `level` is the psABI level that demands the feature, 0 for none.
static const struct feature {
  const char *name;
  int level;
  enum place place;
  int bit;
  uint64_t state;
} features[] = {
  {"cx16", 2, ecx_of_1, 13, no_state},
  {"lahf", 2, ecx_of_extended, 0, no_state},
  {"popcnt", 2, ecx_of_1, 23, no_state},
  {"sse3", 2, ecx_of_1, 0, no_state},
  {"sse4.1", 2, ecx_of_1, 19, no_state},
  {"sse4.2", 2, ecx_of_1, 20, no_state},
  {"ssse3", 2, ecx_of_1, 9, no_state},
  {"avx", 3, ecx_of_1, 28, vector_state},
  {"avx2", 3, ebx_of_7, 5, vector_state},
  {"bmi", 3, ebx_of_7, 3, no_state},
  {"bmi2", 3, ebx_of_7, 8, no_state},
  {"f16c", 3, ecx_of_1, 29, vector_state},
  {"fma", 3, ecx_of_1, 12, vector_state},
  {"lzcnt", 3, ecx_of_extended, 5, no_state},
  {"movbe", 3, ecx_of_1, 22, no_state},
  {"avx512bw", 4, ebx_of_7, 30, wide_vector_state},
  {"avx512cd", 4, ebx_of_7, 28, wide_vector_state},
  {"avx512dq", 4, ebx_of_7, 17, wide_vector_state},
  {"avx512f", 4, ebx_of_7, 16, wide_vector_state},
  {"avx512vl", 4, ebx_of_7, 31, wide_vector_state},
  {"sha", 0, ebx_of_7, 29, no_state},
};
enum { feature_count = sizeof features / sizeof *features };

// One bit for each feature that processor and operating system support, and the highest bit. Asked once: in a virtual
// machine each `cpuid` costs microseconds.
static uint64_t supported_features(void) {
  static _Atomic uint64_t known;
  uint64_t supported = atomic_load_explicit(&known, memory_order_relaxed);
  if (supported) return supported;
  unsigned registers[place_count] = {0}, eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) registers[ecx_of_1] = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) registers[ebx_of_7] = ebx;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) registers[ecx_of_extended] = ecx;
  const unsigned osxsave = 1u << 27;
  uint64_t saved = registers[ecx_of_1] & osxsave ? extended_control_register() : 0;
  for (int i = 0; i < feature_count; i++) {
    const struct feature *f = &features[i];
    if (registers[f->place] >> f->bit & 1 && (saved & f->state) == f->state) supported |= 1ull << i;
  }
  supported |= 1ull << 63;
  atomic_store_explicit(&known, supported, memory_order_relaxed);
  return supported;
}

bool platform_cpu_has(const char *name) {
  for (int i = 0; i < feature_count; i++)
    if (strcmp(features[i].name, name) == 0) return supported_features() >> i & 1;
  return false;
}

const char *platform_x86_64_feature(int level, size_t index) {
  for (int i = 0; i < feature_count; i++)
    if (features[i].level != 0 && features[i].level <= level && index-- == 0) return features[i].name;
  return NULL;
}

int platform_x86_64_level(void) {
  int level = 4;
  for (int i = 0; i < feature_count; i++)
    if (features[i].level != 0 && features[i].level <= level && !(supported_features() >> i & 1))
      level = features[i].level - 1;
  return level;
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

bool platform_cpu_has(const char *name) { return false; }

const char *platform_x86_64_feature(int level, size_t index) { return NULL; }

int platform_x86_64_level(void) { return 0; }

#else
#error "supported processors: x86-64 and aarch64"
#endif
