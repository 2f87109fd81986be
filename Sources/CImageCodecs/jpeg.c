#include "CImageCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// A progressive image of a few kilobytes can ask for thousands of scans over all of its coefficients.
enum { most_scans = 500 };

typedef struct {
  struct jpeg_error_mgr manager;  // first: the library hands back a pointer to it
  jmp_buf jump;
  codecs_result *result;
  codecs_status status;
  uint8_t *line;
} state;

static void fail(j_common_ptr info) {
  state *s = (state *)info->err;
  if (s->status == codecs_ok) {
    char words[JMSG_LENGTH_MAX];
    s->manager.format_message(info, words);
    snprintf(s->result->message, sizeof s->result->message, "%s", words);
    s->status = s->manager.msg_code == JERR_OUT_OF_MEMORY ? codecs_out_of_memory : codecs_damaged;
  }
  longjmp(s->jump, 1);
}

// The memory source warns and makes up an end marker when the data ends early; other warnings (a damaged block, bytes between
// segments) leave an image that other decoders show too.
static void warn(j_common_ptr info, int level) {
  state *s = (state *)info->err;
  if (level < 0 && s->manager.msg_code == JWRN_JPEG_EOF) {
    s->status = codecs_truncated;
    longjmp(s->jump, 1);
  }
}

static void stop_at_many_scans(j_common_ptr info) {
  if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > most_scans) {
    state *s = (state *)info->err;
    s->status = codecs_damaged;
    snprintf(s->result->message, sizeof s->result->message, "more than %d progressive scans", most_scans);
    longjmp(s->jump, 1);
  }
}

static uint8_t multiply(unsigned a, unsigned b) {  // a * b / 255, rounded
  unsigned product = a * b + 128;
  return (uint8_t)(((product >> 8) + product) >> 8);
}

// `inked` holds 255 - ink of each of the four colours.
static void rgb_from_inverted_cmyk(const uint8_t *inked, uint8_t *rgb, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, inked += 4, rgb += 3) {
    uint8_t white = inked[3];
    for (int channel = 0; channel < 3; channel++) {
      rgb[channel] = (uint8_t)(white - multiply(255 - inked[channel], white));
    }
  }
}

static void rgb_from_grey(const uint8_t *grey, uint8_t *rgb, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, rgb += 3) rgb[0] = rgb[1] = rgb[2] = grey[x];
}

codecs_status codecs_decode_jpeg(const uint8_t *bytes, size_t byte_count, uint64_t limit, codecs_result *result) {
  memset(result, 0, sizeof *result);
  state s = {.result = result};
  struct jpeg_decompress_struct info;
  struct jpeg_progress_mgr progress = {.progress_monitor = stop_at_many_scans};
  memset(&info, 0, sizeof info);
  info.err = jpeg_std_error(&s.manager);
  s.manager.error_exit = fail;
  s.manager.emit_message = warn;
  if (setjmp(s.jump)) {
    jpeg_destroy_decompress(&info);
    free(s.line);
    codecs_free(result);
    return s.status;
  }
  jpeg_create_decompress(&info);
  info.progress = &progress;
  jpeg_mem_src(&info, bytes, byte_count);
  jpeg_read_header(&info, TRUE);
  result->width = info.image_width;
  result->height = info.image_height;
  if ((uint64_t)info.image_width * info.image_height > limit) {
    s.status = codecs_too_large;
    longjmp(s.jump, 1);
  }
  info.out_color_space = info.num_components == 1   ? JCS_GRAYSCALE
                         : info.num_components == 4 ? JCS_CMYK
                                                    : JCS_RGB;
  jpeg_start_decompress(&info);
  size_t row = (size_t)info.output_width * 3;
  result->byte_count = row * info.output_height;
  result->bytes = malloc(result->byte_count);
  s.line = malloc((size_t)info.output_width * 4);
  if (!result->bytes || !s.line) {
    s.status = codecs_out_of_memory;
    longjmp(s.jump, 1);
  }
  while (info.output_scanline < info.output_height) {
    uint8_t *rgb = result->bytes + row * info.output_scanline;
    JSAMPROW line = info.output_components == 3 ? rgb : s.line;
    jpeg_read_scanlines(&info, &line, 1);
    if (info.output_components == 1) rgb_from_grey(s.line, rgb, info.output_width);
    if (info.output_components == 4) rgb_from_inverted_cmyk(s.line, rgb, info.output_width);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  free(s.line);
  return codecs_ok;
}
