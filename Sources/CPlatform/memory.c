#define _GNU_SOURCE
#include "CPlatform.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum { page = 4096, slack = 64 };
static const size_t huge_page = 2u << 20;

bool platform_map_memory(size_t byte_count, struct platform_memory *memory) {
  size_t alignment = byte_count >= 2 * huge_page ? huge_page : page;
  size_t total;
  if (__builtin_add_overflow(byte_count, page + slack + alignment, &total)) return false;
  void *mapping = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return false;
  uintptr_t base = ((uintptr_t)mapping + page + alignment - 1) / alignment * alignment;
  if (alignment == huge_page) madvise((void *)base, byte_count, MADV_HUGEPAGE);
  memory->mapping = mapping;
  memory->mapping_byte_count = total;
  memory->base = (char *)base;
  return true;
}

void platform_protect_memory(struct platform_memory memory) {
  mprotect(memory.mapping, memory.mapping_byte_count, PROT_READ);
}

void platform_unmap_memory(struct platform_memory memory) { munmap(memory.mapping, memory.mapping_byte_count); }

size_t platform_peak_resident_byte_count(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return (size_t)usage.ru_maxrss * 1024;
}
