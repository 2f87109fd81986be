#include "CImageCodecs.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the callbacks of one call share. Everything that must be released after a longjmp lives here or in the result,
// not in local variables.
typedef struct {
  const uint8_t *input;
  size_t input_count, position, output_capacity;
  codecs_result *result;
  codecs_status status;
  png_bytep *rows;
} state;

static void fail(png_structp png, png_const_charp message) {
  state *s = png_get_error_ptr(png);
  if (s->status == codecs_ok) s->status = codecs_damaged;
  snprintf(s->result->message, sizeof s->result->message, "%s", message);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void read_input(png_structp png, png_bytep destination, size_t count) {
  state *s = png_get_io_ptr(png);
  if (count > s->input_count - s->position) {
    s->status = codecs_truncated;
    png_error(png, "the data ends early");
  }
  memcpy(destination, s->input + s->position, count);
  s->position += count;
}

static int allocate(state *s, size_t row_bytes) {
  codecs_result *r = s->result;
  r->byte_count = (size_t)r->width * r->height * 3;
  r->bytes = malloc(r->byte_count);
  s->rows = malloc(r->height * sizeof *s->rows);
  if (!r->bytes || !s->rows || row_bytes != (size_t)r->width * 3) return 0;
  for (uint32_t y = 0; y < r->height; y++) s->rows[y] = r->bytes + (size_t)y * r->width * 3;
  return 1;
}

codecs_status codecs_decode_png(const uint8_t *bytes, size_t byte_count, uint64_t limit, codecs_result *result) {
  memset(result, 0, sizeof *result);
  state s = {.input = bytes, .input_count = byte_count, .result = result};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    return codecs_out_of_memory;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    free(s.rows);
    codecs_free(result);
    return s.status;
  }
  png_set_read_fn(png, &s, read_input);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_read_info(png, info);
  result->width = png_get_image_width(png, info);
  result->height = png_get_image_height(png, info);
  if ((uint64_t)result->width * result->height > limit) {
    s.status = codecs_too_large;
    png_error(png, "too large");
  }
  png_byte color = png_get_color_type(png, info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
  if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (!allocate(&s, png_get_rowbytes(png, info))) {
    s.status = codecs_out_of_memory;
    png_error(png, "out of memory");
  }
  png_read_image(png, s.rows);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  free(s.rows);
  return codecs_ok;
}

static void write_output(png_structp png, png_bytep source, size_t count) {
  state *s = png_get_io_ptr(png);
  codecs_result *r = s->result;
  if (count > s->output_capacity - r->byte_count) {
    size_t capacity = (s->output_capacity + count) * 2;
    uint8_t *grown = realloc(r->bytes, capacity);
    if (!grown) {
      s->status = codecs_out_of_memory;
      png_error(png, "out of memory");
    }
    r->bytes = grown;
    s->output_capacity = capacity;
  }
  memcpy(r->bytes + r->byte_count, source, count);
  r->byte_count += count;
}

static void flush_output(png_structp png) { (void)png; }

codecs_status codecs_encode_png(const uint8_t *rgb, uint32_t width, uint32_t height, codecs_result *result) {
  memset(result, 0, sizeof *result);
  state s = {.result = result};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    return codecs_out_of_memory;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    codecs_free(result);
    return s.status;
  }
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_write_fn(png, &s, write_output, flush_output);
  png_set_IHDR(
      png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, rgb + (size_t)y * width * 3);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return codecs_ok;
}

void codecs_free(codecs_result *result) {
  free(result->bytes);
  result->bytes = NULL;
  result->byte_count = 0;
}
