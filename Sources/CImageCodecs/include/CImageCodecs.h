// PNG and JPEG between bytes and 8-bit RGB pixels. Both libraries report errors by longjmp, which must not cross Swift
// frames, and offer much of their interface as macros: so they are called from C, and only plain values cross over.

#ifndef C_IMAGE_CODECS_H
#define C_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  codecs_ok = 0,
  codecs_truncated,      // the data ends before the image does
  codecs_damaged,        // the library found an error; `message` has its words
  codecs_too_large,      // more than `limit` pixels; width and height are set
  codecs_out_of_memory,
} codecs_status;

typedef struct {
  uint32_t width, height;
  uint8_t *bytes;        // decoding: width * height * 3 bytes, row by row; encoding: the file. Freed by codecs_free.
  size_t byte_count;
  char message[200];     // the library's words, NUL-terminated
} codecs_result;

// Alpha is dropped, 16-bit samples keep their high byte, palettes and greys become RGB; gamma and colour profiles are ignored.
codecs_status codecs_decode_png(const uint8_t *bytes, size_t byte_count, uint64_t limit, codecs_result *result);

// Accurate integer DCT and smooth chroma upsampling, the library's defaults. CMYK and YCCK are taken as Adobe writes them,
// inverted, and converted without a colour profile.
codecs_status codecs_decode_jpeg(const uint8_t *bytes, size_t byte_count, uint64_t limit, codecs_result *result);

codecs_status codecs_encode_png(const uint8_t *rgb, uint32_t width, uint32_t height, codecs_result *result);

void codecs_free(codecs_result *result);

#endif
