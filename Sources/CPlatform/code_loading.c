#define _GNU_SOURCE
#include "CPlatform.h"

#include <dlfcn.h>
#include <errno.h>
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
