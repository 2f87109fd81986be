#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/futex.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// The ticket says in one word which step is open and which of its chunks are unclaimed:
//
//     epoch (32 bits) | first (16 bits) | end (16 bits)
//
// A claim is one compare-and-swap of that word, so a late thread can never claim from a step it did not see: the epoch
// grows with every step. A successful claim keeps the step open (`pending` counts its unfinished chunks), so whatever is
// read after the claim is stable. The thread that finishes the last chunk opens the next step. Sleeping or descheduled
// threads are therefore never waited for unless they hold a chunk, which keeps a busy machine from stalling the run.
// Used-up steps leave first = end; `idle` marks the end of a run in the same word, so that a caller who has seen it knows
// that the thread which wrote it writes nothing more.
struct platform_board {
  _Alignas(64) uint64_t ticket;
  _Alignas(64) uint32_t pending;
  _Alignas(64) uint32_t sleeping;
  uint32_t caller_sleeping;
  uint32_t stopping;
  uint32_t entered;
  long spin_nanoseconds;
  _Alignas(64) const struct platform_step *current;
  const struct platform_step *next;
  const struct platform_step *end;
};

static uint32_t epoch_of(uint64_t ticket) { return (uint32_t)(ticket >> 32); }
static uint32_t first_of(uint64_t ticket) { return (uint32_t)(ticket >> 16) & 0xffff; }
static uint32_t end_of(uint64_t ticket) { return (uint32_t)ticket & 0xffff; }
static bool is_idle(uint64_t ticket) { return first_of(ticket) > end_of(ticket); }

enum { idle = 1 << 16 };

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the futex word is the upper half of the ticket"
#endif
static uint32_t *epoch_word(platform_board *board) { return (uint32_t *)&board->ticket + 1; }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb");
#endif
}

static long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void wake(platform_board *board, uint32_t count) {
  syscall(SYS_futex, epoch_word(board), FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/// Opens the next epoch with the claims `first | end`. Only the one thread that may advance the board calls this.
static void publish(platform_board *board, uint32_t claims) {
  uint64_t ticket = __atomic_load_n(&board->ticket, __ATOMIC_RELAXED);
  uint64_t next = (uint64_t)(epoch_of(ticket) + 1) << 32 | claims;
  __atomic_store_n(&board->ticket, next, __ATOMIC_SEQ_CST);
}

/// Runs single-chunk steps on this thread until a divided step can be offered or the steps are used up.
static void advance(platform_board *board) {
  const struct platform_step *step = board->next;
  while (step != board->end && step->chunk_count <= 1) {
    if (step->task_count > 0) step->kernel(step->operands, 0, step->task_count, step->error);
    step++;
  }
  if (step == board->end) {
    publish(board, idle);
    if (__atomic_load_n(&board->caller_sleeping, __ATOMIC_SEQ_CST)) wake(board, INT_MAX);
    return;
  }
  board->current = step;
  board->next = step + 1;
  __atomic_store_n(&board->pending, step->chunk_count, __ATOMIC_RELAXED);
  publish(board, step->chunk_count);
  if (__atomic_load_n(&board->sleeping, __ATOMIC_SEQ_CST) > 0) wake(board, step->chunk_count - 1);
}

/// Claims a chunk and runs it. Returns false, with the ticket that had nothing left, when there is none.
///
/// Half of the threads take chunks from the front and half from the back, so that on consecutive steps a thread tends to
/// meet the rows that are still in its own cache.
static bool run_chunk(platform_board *board, bool from_back, uint64_t *seen) {
  uint64_t ticket = __atomic_load_n(&board->ticket, __ATOMIC_ACQUIRE);
  while (first_of(ticket) < end_of(ticket)) {
    uint64_t claimed = from_back ? ticket - 1 : ticket + (1u << 16);
    if (!__atomic_compare_exchange_n(&board->ticket, &ticket, claimed, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      continue;
    long chunk = from_back ? end_of(ticket) - 1 : first_of(ticket);
    const struct platform_step *step = board->current;
    long count = step->chunk_count;
    step->kernel(
      step->operands, chunk * step->task_count / count, (chunk + 1) * step->task_count / count, step->error);
    if (__atomic_sub_fetch(&board->pending, 1, __ATOMIC_ACQ_REL) == 0) advance(board);
    return true;
  }
  *seen = ticket;
  return false;
}

static bool has_changed(platform_board *board, uint64_t seen) {
  return epoch_of(__atomic_load_n(&board->ticket, __ATOMIC_SEQ_CST)) != epoch_of(seen);
}

static void await_next_epoch(platform_board *board, uint64_t seen, bool is_caller) {
  long deadline = nanoseconds() + board->spin_nanoseconds;
  do {
    for (int i = 0; i < 16; i++) {
      if (has_changed(board, seen)) return;
      relax();
    }
  } while (nanoseconds() < deadline);

  __atomic_add_fetch(&board->sleeping, 1, __ATOMIC_SEQ_CST);
  if (is_caller) __atomic_store_n(&board->caller_sleeping, 1, __ATOMIC_SEQ_CST);
  while (!has_changed(board, seen))
    syscall(SYS_futex, epoch_word(board), FUTEX_WAIT_PRIVATE, epoch_of(seen), NULL, NULL, 0);
  if (is_caller) __atomic_store_n(&board->caller_sleeping, 0, __ATOMIC_SEQ_CST);
  __atomic_sub_fetch(&board->sleeping, 1, __ATOMIC_SEQ_CST);
}

platform_board *platform_board_create(long spin_nanoseconds) {
  platform_board *board = aligned_alloc(64, sizeof(platform_board));
  if (board) *board = (platform_board){.ticket = idle, .spin_nanoseconds = spin_nanoseconds};
  return board;
}

void platform_board_destroy(platform_board *board) { free(board); }

bool platform_board_try_enter(platform_board *board) {
  return __atomic_exchange_n(&board->entered, 1, __ATOMIC_ACQUIRE) == 0;
}

void platform_board_leave(platform_board *board) { __atomic_store_n(&board->entered, 0, __ATOMIC_RELEASE); }

void platform_board_run(platform_board *board, const struct platform_step *steps, size_t step_count) {
  board->next = steps;
  board->end = steps + step_count;
  advance(board);
  uint64_t seen;
  for (;;) {
    if (run_chunk(board, false, &seen)) continue;
    if (is_idle(seen)) return;
    await_next_epoch(board, seen, true);
  }
}

void platform_run_alone(const struct platform_step *steps, size_t step_count) {
  for (const struct platform_step *step = steps; step != steps + step_count; step++)
    if (step->task_count > 0) step->kernel(step->operands, 0, step->task_count, step->error);
}

void platform_board_work(platform_board *board, unsigned index) {
  uint64_t seen;
  for (;;) {
    if (run_chunk(board, index % 2 == 1, &seen)) continue;
    if (__atomic_load_n(&board->stopping, __ATOMIC_ACQUIRE)) return;
    await_next_epoch(board, seen, false);
  }
}

void platform_board_stop(platform_board *board) {
  __atomic_store_n(&board->stopping, 1, __ATOMIC_RELEASE);
  publish(board, idle);
  wake(board, INT_MAX);
}
