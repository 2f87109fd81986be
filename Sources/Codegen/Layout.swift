import Operators
import TensorTypes

/// A buffer: a type and its layout.
struct Buffer: Hashable, Sendable {
  static let lanes = 16

  let type: TensorType
  let layout: Layout

  var shape: Shape { type.shape }

  /// The layout for a value that only kernels see: channels of images in blocks, everything else row-major.
  static func inner(_ type: TensorType) -> Buffer {
    let isImage = type.element == .float32 && type.shape.rank == 4 && type.shape[1] >= lanes / 2
    return Buffer(type: type, layout: isImage ? .blocked : .plain)
  }

  /// The layout for inputs and outputs.
  static func outer(_ type: TensorType) -> Buffer { Buffer(type: type, layout: .plain) }

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

  /// Bytes to reserve: vectors may read up to one vector behind the last element.
  var reservedByteCount: Int { aligned(elementCount * type.element.byteCount + 64) }
}

/// The next multiple of 64.
func aligned(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }
