import Images
import Testing

@Suite struct ResizeTests {
  @Test func resizingGivesPillowsLevels() throws {
    for (before, after, name, pixels) in RecordedImages.resized {
      let interpolation = try #require(Interpolation(rawValue: name))
      let image = synthetic(width: before[0], height: before[1])
      let resized = try image.resized(width: after[0], height: after[1], interpolation: interpolation)
      #expect(resized.pixels == (try bytes(pixels)), "\(before) to \(after), \(name)")
    }
  }

  @Test func theSameSizeIsTheSameImage() throws {
    let image = synthetic(width: 9, height: 7)
    for interpolation in Interpolation.allCases {
      #expect(try image.resized(width: 9, height: 7, interpolation: interpolation) == image)
    }
  }

  @Test func aConstantImageStaysConstant() throws {
    let image = Image(width: 31, height: 17, filledWith: Color(3, 128, 255))
    for (interpolation, width, height) in [(Interpolation.bicubic, 7, 40), (.bilinear, 50, 3), (.bicubic, 1, 1)] {
      let resized = try image.resized(width: width, height: height, interpolation: interpolation)
      #expect(resized == Image(width: width, height: height, filledWith: Color(3, 128, 255)))
    }
  }

  @Test func theShorterSideRoundsHalvesToEvenAndTheCentreIsCutOut() throws {
    // 10 / 4 = 2.5, so 5 x 4 becomes round(12.5) = 12 by 10, and 7 x 4 becomes round(17.5) = 18 by 10.
    for (width, scaledWidth, left) in [(5, 12, 2), (7, 18, 5)] {
      let image = synthetic(width: width, height: 4)
      let scaled = try image.resized(width: scaledWidth, height: 10, interpolation: .bicubic)
      let expected = try scaled.cropped(left: left, top: 1, width: 7, height: 8)
      #expect(try image.resized(width: 7, height: 8, by: .shorterSide(10, .bicubic)) == expected)
    }
  }

  @Test func aCropLargerThanTheImageIsRefused() {
    let image = synthetic(width: 20, height: 10)
    let error = #expect(throws: ImageError.self) { try image.resized(width: 8, height: 9, by: .shorterSide(8, .bilinear)) }
    #expect(error == .cropOutside(width: 16, height: 8, cropWidth: 8, cropHeight: 9))
    #expect(error?.description == "a crop of 8 x 9 does not fit an image of 16 x 8")
    #expect(throws: ImageError.self) { try image.cropped(left: .max, top: 0, width: 1, height: 1) }
    #expect(throws: ImageError.self) { try image.cropped(left: -1, top: 0, width: 1, height: 1) }
  }

  @Test func sizesOfNoImageAreRefused() {
    let image = synthetic(width: 20, height: 10)
    for (width, height) in [(0, 5), (5, -1), (Int.max, 2), (100_000, 1_001)] {
      #expect(throws: ImageError.invalidSize(width: width, height: height)) {
        try image.resized(width: width, height: height, interpolation: .bicubic)
      }
    }
    #expect(throws: ImageError.self) { try image.resized(width: 1, height: 1, by: .shorterSide(-3, .bicubic)) }
    #expect(throws: ImageError.self) { try image.resized(width: 1, height: 1, by: .shorterSide(.max, .bicubic)) }
  }

  @Test(.enabled(if: photos != nil, "needs the photos of data/imagenet"))
  func photosHavePillowsPixels() throws {
    let directory = try #require(photos)
    for (file, decoded, cropped, exact) in RecordedPhotos.fingerprints {
      let image = try Image(contentsOf: directory.appendingPathComponent(file).path)
      #expect(fingerprint(image) == decoded, "\(file)")
      #expect(fingerprint(try image.resized(width: 224, height: 224, by: .shorterSide(256, .bicubic))) == cropped, "\(file)")
      #expect(fingerprint(try image.resized(width: 224, height: 224, by: .exact(.bilinear))) == exact, "\(file)")
    }
  }

  /// FNV-1a of the levels, 64 bits.
  private func fingerprint(_ image: Image) -> UInt64 {
    image.pixels.withUnsafeBufferPointer { pixels in
      var value: UInt64 = 0xcbf2_9ce4_8422_2325
      for level in pixels { value = (value ^ UInt64(level)) &* 0x100_0000_01b3 }
      return value
    }
  }
}
