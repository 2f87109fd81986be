import Operators
import TensorTypes

/// A buffer: a type, its layout, and how its elements are stored.
struct Buffer: Hashable, Sendable {
  static let lanes = 16

  let type: TensorType
  let layout: Layout
  /// Positions in planes that are stored as one byte each, the row-major number of the element of the window.
  var selection: WindowSelection?
  /// Whether vectors are written past the caches: what is read again so late that no cache still holds it.
  var bypassesCaches = false

  var shape: Shape { type.shape }

  /// The layout for a value that only kernels see: channels of images in blocks, everything else row-major.
  static func inner(_ type: TensorType) -> Buffer {
    let isImage = type.shape.rank == 4 && type.shape[1] >= lanes / 2
    let isVector = type.element == .float32 || type.element == .boolean
    return Buffer(type: type, layout: isImage && isVector ? .blocked : .plain)
  }

  /// The layout for inputs and outputs.
  static func outer(_ type: TensorType) -> Buffer { Buffer(type: type, layout: .plain) }

  /// The layout for positions of the largest elements of windows over `source`, where only kernels see them.
  static func inner(_ type: TensorType, selecting window: Window, from source: Buffer) -> Buffer {
    guard source.layout == .blocked, window.kernel.reduce(1, *) <= 256 else { return inner(type) }
    return Buffer(
      type: type, layout: .blocked,
      selection: WindowSelection(window: window, rows: source.shape[2], columns: source.shape[3]))
  }

  /// Blocks of 16 channels.
  var channelBlocks: Int { (shape[1] + Buffer.lanes - 1) / Buffer.lanes }
  var hasPaddedLanes: Bool { layout == .blocked && shape[1] % Buffer.lanes != 0 }

  /// Elements stored, padded lanes included.
  var elementCount: Int {
    switch layout {
    case .plain: shape.elementCount
    case .blocked: shape[0] * channelBlocks * shape[2] * shape[3] * Buffer.lanes
    }
  }

  var byteCount: Int { elementCount * (selection == nil ? type.element.byteCount : 1) }

  /// Bytes to reserve: vectors may read up to one vector behind the last element.
  var reservedByteCount: Int { aligned(byteCount + 64) }

  /// The C type of an element in memory.
  var cType: String { selection == nil ? type.element.cType : "unsigned char" }

  /// How the elements lie, in the words of the dump.
  var storage: String {
    selection != nil ? "\(layout) number in window" : bypassesCaches ? "\(layout) past caches" : "\(layout)"
  }

  /// "f32[8,64,56,56]{nChw16c}": what the dump and the profile call it.
  var summary: String { layout == .plain ? "\(type)" : "\(type){\(storage)}" }
}

/// Elements of the windows over planes of `rows` by `columns`.
struct WindowSelection: Hashable, Sendable {
  let window: Window
  let rows: Int
  let columns: Int

  /// Whether the positions count elements of planes of this shape behind `batchRank` axes.
  func covers(_ plane: [Int], batchRank: Int) -> Bool { batchRank == 2 && plane == [rows, columns] }
}

/// The next multiple of 64.
func aligned(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }
