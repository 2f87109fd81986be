import Foundation
import Images
import Testing

@Suite struct ImageFileTests {
  @Test func everyKindOfFileDecodesToPillowsPixels() throws {
    for (kind, file, size, pixels) in RecordedImages.decoded {
      let image = try Image(decoding: bytes(file), named: kind)
      #expect([image.width, image.height] == size, "\(kind)")
      #expect(image.pixels == (try bytes(pixels)), "\(kind)")
    }
  }

  @Test func anEncodedImageDecodesToItself() throws {
    for (width, height) in [(1, 1), (31, 7), (200, 150)] {
      let image = synthetic(width: width, height: height)
      #expect(try Image(decoding: image.encodedPNG()) == image)
      #expect(try image.encodedPNG() == image.encodedPNG())
    }
  }

  @Test func everyTruncatedFileIsRefused() throws {
    for (kind, file, _, _) in RecordedImages.decoded {
      let whole = try bytes(file)
      for count in stride(from: 0, to: whole.count, by: 3) {
        #expect(throws: ImageError.self, "\(kind) cut to \(count) bytes") { try Image(decoding: Array(whole[..<count])) }
      }
    }
  }

  @Test func aDamagedByteEndsInAnImageOrAnError() throws {
    for (kind, file, _, _) in RecordedImages.decoded {
      let whole = try bytes(file)
      for index in whole.indices {
        var damaged = whole
        damaged[index] = ~damaged[index]
        do {
          let image = try Image(decoding: damaged, named: kind)
          #expect(image.pixels.count == image.width * image.height * 3)
        } catch {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }

  @Test func otherFormatsAreRefusedByName() throws {
    for (format, file) in RecordedImages.otherFormats {
      #expect(throws: ImageError.unsupportedFormat(source: "x", format: format)) {
        try Image(decoding: bytes(file), named: "x")
      }
    }
  }

  @Test func whatIsNoImageIsRefusedInOneSentence() throws {
    for bytes in [[], Array("hello".utf8), [0x89], [0xff, 0xd8]] as [[UInt8]] {
      let error = #expect(throws: ImageError.self) { try Image(decoding: bytes, named: "a.png") }
      #expect(error?.description == "'a.png' is not an image: it begins like neither PNG nor JPEG")
    }
  }

  @Test func tooManyPixelsAreRefusedBeforeTheyAreRead() throws {
    // The header of 60000 x 60000 pixels and no data.
    let file = try bytes("iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAPsOIVAAAACElEQVR4nAMAAAAAAUgGidI=")
    #expect(throws: ImageError.tooLarge(source: "a", width: 60000, height: 60000, limit: Image.largestPixelCount)) {
      try Image(decoding: file, named: "a")
    }
  }

  @Test func filesThatCannotBeReadAreNamed() {
    let missing = #expect(throws: ImageError.self) { try Image(contentsOf: "/nowhere/cat.png") }
    #expect(missing?.description == "cannot read '/nowhere/cat.png': No such file or directory")
    let directory = #expect(throws: ImageError.self) { try Image(contentsOf: "/") }
    #expect(directory?.description == "cannot read '/': it is not a regular file")
  }

  @Test func theContentDecidesTheFormatNotTheName() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).jpg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let image = synthetic(width: 6, height: 5)
    try Data(image.encodedPNG()).write(to: URL(fileURLWithPath: path))
    #expect(try Image(contentsOf: path) == image)
  }
}
