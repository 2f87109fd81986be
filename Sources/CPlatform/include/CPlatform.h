// What Swift on Linux cannot reach by itself: loading code from memory, the floating-point control word, processor
// features, page-aligned memory, and the lock-free board that spreads the steps of a program over threads.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Code.

/// A shared object loaded from memory. The descriptor stays open while the object is loaded: the dynamic loader
/// recognises objects by path, so a reused descriptor number would return the older object.
struct platform_code {
  void *handle;
  int descriptor;
};

/// Loads a shared object from its bytes through an anonymous file.
/// On failure returns false and writes the reason to `message`.
bool platform_load_code(
  const void *bytes, size_t count, struct platform_code *code, char *message, size_t message_capacity);
void *platform_find_symbol(struct platform_code code, const char *name);
void platform_unload_code(struct platform_code code);

/// The path of the program or library that this code is part of.
bool platform_own_file(char *path, size_t capacity);

// Floating-point control.

/// Rounds to nearest, masks exceptions, flushes denormal operands and results to zero, on the calling thread.
/// Returns the previous control word for `platform_restore_float_control`.
uint64_t platform_flush_denormals(void);
void platform_restore_float_control(uint64_t control);
uint64_t platform_float_control(void);

// Memory.

/// Zeroed memory with room for `byte_count` bytes at `base`, at least 64 readable bytes on both sides of it. `base` is
/// page-aligned, and aligned to 2 MiB with huge pages advised when the size makes that worthwhile.
struct platform_memory {
  void *mapping;
  size_t mapping_byte_count;
  char *base;
};

bool platform_map_memory(size_t byte_count, struct platform_memory *memory);
void platform_protect_memory(struct platform_memory memory);
void platform_unmap_memory(struct platform_memory memory);
size_t platform_peak_resident_byte_count(void);

// Processor.

/// Processors that the calling process may run on.
int platform_usable_processor_count(void);

/// Whether processor and operating system support a feature, by the name that compilers give it; false for unknown names.
bool platform_cpu_has(const char *name);

/// The name of the feature at `index` among those that a psABI level of x86-64 demands; NULL past the last.
const char *platform_x86_64_feature(int level, size_t index);

/// 1 to 4 for the psABI levels x86-64, -v2, -v3, -v4 that processor and operating system support; 0 elsewhere.
int platform_x86_64_level(void);

// Steps.

typedef void (*platform_kernel)(char *const *operands, long first, long end, int *error);

/// A call of `kernel` over tasks 0..<task_count, cut into chunks that threads claim. One chunk: the step runs on the
/// thread that finished the step before it.
struct platform_step {
  platform_kernel kernel;
  char *const *operands;
  int *error;
  long task_count;
  uint32_t chunk_count;
};

enum { platform_maximum_chunk_count = 65535 };

/// Where threads meet to claim chunks of the current step.
typedef struct platform_board platform_board;

/// A thread without work spins for `spin_nanoseconds`, then sleeps. Returns NULL when memory is exhausted.
platform_board *platform_board_create(long spin_nanoseconds);
void platform_board_destroy(platform_board *board);

/// True if the board was free; it then belongs to the caller until `platform_board_leave`.
bool platform_board_try_enter(platform_board *board);
void platform_board_leave(platform_board *board);

/// Runs the steps in order on the caller and on every thread inside `platform_board_work`; returns when all are done.
void platform_board_run(platform_board *board, const struct platform_step *steps, size_t step_count);

/// Runs the steps in order on the caller alone.
void platform_run_alone(const struct platform_step *steps, size_t step_count);

/// Serves the board until it is stopped. `index` counts the workers from 1.
void platform_board_work(platform_board *board, unsigned index);
void platform_board_stop(platform_board *board);

// Programs.

/// Starts the program `arguments[0]` in `directory`, without a shell: nothing to read, its output and diagnostics in the
/// new file `log`, no signal blocked. Returns 0 or an error number.
int platform_spawn(
  char *const *arguments, char *const *environment, const char *directory, const char *log, int *identifier);

// Hashing.

/// Folds `block_count` blocks of 64 bytes into the eight words of a SHA-256 state (FIPS 180-4, section 6.2.2), with the
/// processor's instructions for it where it has them.
void platform_sha256_blocks(uint32_t *state, const uint8_t *blocks, size_t block_count);

/// The same without such instructions.
void platform_sha256_blocks_portable(uint32_t *state, const uint8_t *blocks, size_t block_count);

#endif
