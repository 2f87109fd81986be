import Adjoint
import Arrays
import Images
import TensorTypes

/// Maps of one interpreter side by side.
typealias PanelRow = [Panel]

/// Pictures of maps laid over photos, all on one scale from 0 to 1.
enum MapPanels {
  /// The most pictures that a figure draws; its table has all photos.
  static let largestCount = 8

  /// - Parameter photos: the row above the maps.
  static func rendered(_ heading: String, _ photos: [Panel], _ rows: [PanelRow]) throws -> Image {
    try Report(heading: heading, rows: [.init(photos)] + rows.map { .init($0, colorScale: ColorScale()) }).rendered()
  }
}

extension FinishedRun {
  /// The unchanged photo at the size of the model's input.
  func photo(of image: String) throws -> Image {
    guard let pixels = try arrays(of: image)["x"] else {
      throw FileError("'\(folder.file(image + ".npz"))' holds no array x")
    }
    let extents = pixels.shape.extents
    guard extents.count == 4, extents[1] == 1 else { return try Image(pixels) }
    // Grey.
    let plane = pixels.floats
    return try Image(HostTensor([1, 3, extents[2], extents[3]], plane + plane + plane))
  }

  /// One of the maps in an image's npz file, laid over a photo.
  func panel(_ title: String, _ array: String, _ image: String, on photo: Image, captions: [String] = []) throws -> Panel {
    guard let map = try arrays(of: image)[array] else {
      throw FileError("'\(folder.file(image + ".npz"))' holds no array \(array)")
    }
    return Panel(title, try Heatmap(map).overlaid(on: photo), captions: captions)
  }
}

extension AttackRecord {
  /// Below the map on the attacked image.
  var captions: [String] {
    [
      "for \(targetName) \(fixed(float.targetProbability, 2))\(float.success ? "" : " (missed)")",
      "L1 to benign \(fixed(float.mapL1, 3))",
    ]
  }
}
