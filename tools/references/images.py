#!/usr/bin/env python3
"""Records what NumPy writes and what Pillow decodes and resizes, for the tests of Arrays and Images.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/images.py
Writes Tests/ArraysTests/RecordedArrays.swift, Tests/ImagesTests/RecordedImages.swift and, when the photos are at hand,
Tests/ImagesTests/RecordedPhotos.swift.
"""
import base64
import io
import pathlib
import struct
import zlib

import numpy
from PIL import Image

import photos

tests = pathlib.Path(__file__).resolve().parent.parent.parent / "Tests"
HEADER = "// Written by tools/references/images.py.\n\n"
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
# Width and height before and after: smaller, larger, mixed, one direction only, columns first.
SIZES = [
    ((23, 31), (7, 9)), ((5, 4), (9, 7)), ((31, 6), (8, 11)), ((12, 20), (12, 7)), ((20, 12), (7, 12)), ((20, 40), (11, 9)),
    ((64, 3), (3, 2)),
]


def text(data):
    """The bytes as a Swift string literal of base64 lines."""
    encoded = base64.b64encode(data).decode()
    lines = [encoded[i:i + 116] for i in range(0, len(encoded), 116)]
    return '"""\n' + "".join(f"    {line}\n" for line in lines) + '    """'


def synthetic(width, height):
    """The image that the tests make by the same formula."""
    y, x = numpy.mgrid[0:height, 0:width]
    levels = [(x * 37 + y * 11 + (x * y) % 7 * 29 + channel * 71) % 256 for channel in range(3)]
    return Image.fromarray(numpy.stack(levels, -1).astype(numpy.uint8))


def saved(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, row_bytes, seed):
    """A PNG of random samples of a kind that Pillow does not write."""
    random = numpy.random.default_rng(seed)
    rows = b"".join(b"\0" + random.integers(0, 256, row_bytes, numpy.uint8).tobytes() for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def interlaced(width, height, seed):
    """An RGB PNG in the seven passes of Adam7."""
    random = numpy.random.default_rng(seed)
    rows = b""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    for left, top, right, down in passes:
        columns = len(range(left, width, right))
        if columns > 0:
            for _ in range(top, height, down):
                rows += b"\0" + random.integers(0, 256, 3 * columns, numpy.uint8).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def files():
    image = synthetic(13, 10)
    alpha = synthetic(13, 10).getchannel(1)
    orientation = Image.Exif()
    orientation[0x112] = 6
    return {
        "rgb png": saved(image, "PNG"),
        "palette png with a transparent colour": saved(image.quantize(20), "PNG", transparency=3),
        "1-bit png": saved(image.convert("1"), "PNG"),
        "2-bit grey png": png(11, 7, 2, 0, 3, 1),
        "4-bit grey png": png(11, 7, 4, 0, 6, 2),
        "grey png with alpha": saved(Image.merge("LA", (image.convert("L"), alpha)), "PNG"),
        "rgb png with alpha": saved(Image.merge("RGBA", (*image.split(), alpha)), "PNG"),
        "16-bit rgb png": png(11, 7, 16, 2, 66, 3),
        "16-bit rgb png with alpha": png(11, 7, 16, 6, 88, 4),
        "interlaced png": interlaced(13, 9, 5),
        "jpeg 4:2:0": saved(image, "JPEG", quality=80, subsampling=2),
        "jpeg 4:2:2": saved(image, "JPEG", quality=80, subsampling=1),
        "jpeg 4:4:4": saved(image, "JPEG", quality=95, subsampling=0),
        "progressive jpeg": saved(image, "JPEG", quality=80, progressive=True),
        "grey jpeg": saved(image.convert("L"), "JPEG"),
        "cmyk jpeg": saved(image.convert("CMYK"), "JPEG"),
        "jpeg with an orientation tag": saved(image, "JPEG", exif=orientation),
    }


def record_images():
    out = HEADER + "enum RecordedImages {\n"
    out += "  /// Size before and after, filter, and the levels of the resized synthetic image.\n"
    out += "  static let resized: [(before: [Int], after: [Int], interpolation: String, pixels: String)] = [\n"
    for before, after in SIZES:
        for name, filter in FILTERS.items():
            pixels = synthetic(*before).resize(after, filter).tobytes()
            out += f'    ({list(before)}, {list(after)}, "{name}", {text(pixels)}),\n'
    out += "  ]\n\n  /// What is in the file, the file, and size and levels that Pillow decodes.\n"
    out += "  static let decoded: [(kind: String, file: String, size: [Int], pixels: String)] = [\n"
    for kind, file in files().items():
        image = Image.open(io.BytesIO(file)).convert("RGB")
        out += f'    ("{kind}", {text(file)}, {list(image.size)}, {text(image.tobytes())}),\n'
    out += "  ]\n\n  /// Files of other formats.\n  static let otherFormats: [(format: String, file: String)] = [\n"
    for format in ("GIF", "WebP", "BMP", "TIFF", "AVIF"):
        out += f'    ("{format}", {text(saved(synthetic(2, 2), format)[:64])}),\n'
    (tests / "ImagesTests" / "RecordedImages.swift").write_text(out + "  ]\n}\n")


def fingerprint(data):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"0x{value:016x}"


def record_photos():
    out = HEADER + "enum RecordedPhotos {\n"
    out += "  /// FNV-1a of a photo's pixels; of shorter side 256, bicubic, cropped to 224; of 224 x 224, bilinear.\n"
    out += "  static let fingerprints: [(file: String, decoded: UInt64, cropped: UInt64, exact: UInt64)] = [\n"
    for file, _, _ in photos.index()[::50]:
        with Image.open(photos.directory / file) as image:
            image = image.convert("RGB")
        prints = [image.tobytes(), photos.pixels(file).tobytes(), image.resize((224, 224), Image.BILINEAR).tobytes()]
        out += f'    ("{file}", {", ".join(map(fingerprint, prints))}),\n'
    (tests / "ImagesTests" / "RecordedPhotos.swift").write_text(out + "  ]\n}\n")


def record_arrays():
    arrays = {
        "f32": numpy.arange(6, dtype="<f4").reshape(2, 3) / 4, "f64": numpy.array([1e300, -0.1], "<f8"),
        "i32": numpy.array([[-(2**31)], [2**31 - 1]], "<i4"), "i64": numpy.array(2**62, "<i8"),
        "bool": numpy.array([True, False, True]), "none": numpy.zeros((0, 3), "<f4"),
        "fortran": numpy.asfortranarray(numpy.arange(24, dtype="<f4").reshape(2, 3, 4)),
    }
    out = HEADER + "enum RecordedArrays {\n"
    for name, save in (("stored", numpy.savez), ("deflated", numpy.savez_compressed)):
        file = io.BytesIO()
        save(file, **arrays)
        out += f"  static let {name} = {text(file.getvalue())}\n\n"
    out += "  /// Arrays whose elements are refused, with the words that NumPy writes for them.\n"
    out += "  static let refused: [(descr: String, file: String)] = [\n"
    for descr in ("<f2", ">f4", "|u1", "<c8", "<U2"):
        file = io.BytesIO()
        numpy.save(file, numpy.zeros(1, descr))
        out += f'    ("{descr}", {text(file.getvalue())}),\n'
    file = io.BytesIO()
    numpy.save(file, numpy.zeros(1, [("a", "<f4"), ("b", "<i4")]))
    out += f'    ("with named fields", {text(file.getvalue())}),\n'
    (tests / "ArraysTests" / "RecordedArrays.swift").write_text(out + "  ]\n}\n")


if __name__ == "__main__":
    record_arrays()
    record_images()
    if photos.directory.exists():
        record_photos()
