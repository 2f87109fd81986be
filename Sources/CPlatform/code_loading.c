#define _GNU_SOURCE
#include "CPlatform.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}

bool platform_load_code(
  const void *bytes, size_t count, struct platform_code *code, char *message, size_t message_capacity) {
  int descriptor = memfd_create("kernels", MFD_CLOEXEC);
  if (descriptor < 0) {
    snprintf(message, message_capacity, "memfd_create: %s", strerror(errno));
    return false;
  }
  if (!write_all(descriptor, bytes, count)) {
    snprintf(message, message_capacity, "writing %zu bytes: %s", count, strerror(errno));
    close(descriptor);
    return false;
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    snprintf(message, message_capacity, "%s", reason ? reason : "dlopen failed");
    close(descriptor);
    return false;
  }
  code->handle = handle;
  code->descriptor = descriptor;
  return true;
}

void *platform_find_symbol(struct platform_code code, const char *name) { return dlsym(code.handle, name); }

void platform_unload_code(struct platform_code code) {
  dlclose(code.handle);
  close(code.descriptor);
}

struct search {
  uintptr_t address;
  char *path;
  size_t capacity;
};

static int note_object(struct dl_phdr_info *object, size_t size, void *context) {
  struct search *search = context;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || search->address - (object->dlpi_addr + segment->p_vaddr) >= segment->p_memsz) continue;
    // The program itself has no name here.
    const char *name = object->dlpi_name && *object->dlpi_name ? object->dlpi_name : "/proc/self/exe";
    snprintf(search->path, search->capacity, "%s", name);
    return 1;
  }
  return 0;
}

bool platform_own_file(char *path, size_t capacity) {
  struct search search = {(uintptr_t)&platform_own_file, path, capacity};
  return dl_iterate_phdr(note_object, &search) == 1;
}
