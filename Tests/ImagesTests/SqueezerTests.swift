import Arrays
import Foundation
import Images
import TensorTypes
import Testing

/// Median, bit depth and non-local means against values that SciPy, NumPy and OpenCV 5.0.0 recorded.
@Suite struct SqueezerTests {
  private let arrays: [String: HostTensor]

  init() throws {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    arrays = Dictionary(
      try NPZ.read(path: package.appendingPathComponent("graphs/peers/squeezers.npz").path).map { ($0.name, $0.tensor) }
    ) { first, _ in first }
  }

  private func planes(_ name: String) throws -> (planes: [[Double]], height: Int, width: Int) {
    let tensor = try #require(arrays[name])
    let (height, width) = (tensor.shape[2], tensor.shape[3])
    let elements = tensor.doubles
    return (
      stride(from: 0, to: elements.count, by: height * width).map { Array(elements[$0..<$0 + height * width]) }, height,
      width
    )
  }

  @Test(arguments: [2, 3])
  func `medians are SciPy's`(size: Int) throws {
    let (images, height, width) = try planes("images")
    for (plane, expected) in zip(images, try planes("median\(size)").planes) {
      let x = plane.map { Float($0) / 255 }
      #expect(medianFiltered(x, height: height, width: width, size: size) == expected.map(Float.init))
    }
  }

  @Test(arguments: [1, 2, 3, 5])
  func `fewer bits are NumPy's`(bits: Int) throws {
    for (plane, expected) in zip(try planes("images").planes, try planes("bits\(bits)").planes) {
      #expect(reducedToBits(plane.map { Float($0) / 255 }, bits: bits) == expected.map(Float.init))
    }
  }

  @Test func `non-local means of grey are OpenCV's bit for bit`() throws {
    let (images, height, width) = try planes("images")
    for (plane, expected) in zip(images, try planes("nlmGrey").planes) {
      let denoised = NonLocalMeans.denoised([plane.map { UInt8($0) }], height: height, width: width)
      #expect(denoised == [expected.map { UInt8($0) }])
    }
  }

  @Test func `non-local means of colours are OpenCV's bit for bit`() throws {
    let (images, height, width) = try planes("images")
    let expected = try planes("nlm").planes
    for first in stride(from: 0, to: images.count, by: 3) {
      let colours = images[first..<first + 3].map { $0.map { UInt8($0) } }
      let denoised = NonLocalMeans.denoised(colours, height: height, width: width)
      #expect(denoised == expected[first..<first + 3].map { $0.map { UInt8($0) } })
    }
  }

  @Test func `colours go to Lab and back as in OpenCV`() throws {
    func triples(_ name: String) throws -> [[UInt8]] {
      let elements = try #require(arrays[name]).integers.map { UInt8($0) }
      return stride(from: 0, to: elements.count, by: 3).map { Array(elements[$0..<$0 + 3]) }
    }
    let (colours, lab, rgb) = (try triples("colors"), try triples("lab"), try triples("rgb"))
    #expect(colours.count == 4096)
    for (index, colour) in colours.enumerated() {
      let there = LinearLab.lab(red: colour[0], green: colour[1], blue: colour[2])
      let back = LinearLab.rgb(l: colour[0], a: colour[1], b: colour[2])
      #expect([there.l, there.a, there.b] == lab[index] && [back.red, back.green, back.blue] == rgb[index], "\(colour)")
    }
  }

  @Test func `a constant image stays itself, however small`() {
    for (height, width) in [(1, 1), (2, 3), (7, 1)] {
      let plane = [UInt8](repeating: 93, count: height * width)
      #expect(NonLocalMeans.denoised([plane], height: height, width: width) == [plane])
      let x = plane.map { Float($0) / 255 }
      #expect(medianFiltered(x, height: height, width: width, size: 3) == x)
    }
  }
}
