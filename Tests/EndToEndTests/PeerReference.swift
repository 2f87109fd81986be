import Arrays
import Foundation
import TensorTypes

/// What PyTorch computed for a model: the values at one input, in f64 and, as `<name>32`, in f32.
struct PeerReference {
  let model: String
  private let arrays: [String: HostTensor]

  init(model: String, arrays path: String) throws {
    self.model = model
    arrays = Dictionary(try NPZ.read(path: path).map { ($0.name, $0.tensor) }) { first, _ in first }
  }

  struct MissingArray: Error { let name: String }

  subscript(name: String) -> HostTensor {
    get throws {
      guard let tensor = arrays[name] else { throw MissingArray(name: name) }
      return tensor
    }
  }

  func optional(_ name: String) -> HostTensor? { arrays[name] }

  /// An array as a graph takes it: floating-point numbers as f32.
  func input(_ name: String) throws -> HostTensor {
    let tensor = try self[name]
    return tensor.type.element.isFloatingPoint ? HostTensor(tensor.shape, tensor.floats) : tensor
  }

  /// The parts of an array along its first axis, as f32 that hold all of its digits.
  func slices(_ name: String) throws -> [HostTensor] {
    let array = try self[name]
    let type = TensorType(.float32, Shape(Array(array.shape.extents.dropFirst())))
    let (elements, size) = (array.doubles, type.shape.elementCount)
    return (0..<array.shape[0]).map { HostTensor(type, .double(Array(elements[$0 * size..<($0 + 1) * size]))) }
  }

  /// The inputs of a step of ADV² against GRAD. The map to reach stays in f64, as PyTorch has it.
  var stepInputs: [String: HostTensor] {
    get throws {
      let aim = try self["mapTarget"]
      return [
        "x": try input("x"), "target": try input("target"),
        "mapTarget": HostTensor(TensorType(.float32, aim.shape), .double(aim.doubles)),
      ]
    }
  }

  func distance(_ tensor: HostTensor, from name: String) throws -> Double { relativeDistance(tensor, try self[name]) }

  /// The root-mean-square distance of a tensor from PyTorch f64, and PyTorch f32's own.
  ///
  /// Where no sign flips at a kink the largest difference is a matter of a few roundings, and luck; their mean is not.
  func roundingDistances(_ tensor: HostTensor, from name: String) throws -> (found: Double, own: Double) {
    (rootMeanSquareDistance(tensor, try self[name]), rootMeanSquareDistance(try self["\(name)32"], try self[name]))
  }
}

/// √(Σ (a − b)² / Σ b²); infinite where b is zero everywhere.
func rootMeanSquareDistance(_ a: HostTensor, _ b: HostTensor) -> Double {
  let a = a.doubles
  let b = b.doubles
  let scale = b.reduce(0) { $0 + $1 * $1 }
  let difference = zip(a, b).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return scale > 0 && a.count == b.count && difference.isFinite ? (difference / scale).squareRoot() : .infinity
}

/// max |a − b| / max |b|; infinite where b is zero everywhere, so that an empty reference fails.
func relativeDistance(_ a: HostTensor, _ b: HostTensor) -> Double {
  let a = a.doubles
  let b = b.doubles
  let scale = b.reduce(0) { max($0, abs($1)) }
  let difference = zip(a, b).reduce(0.0) { ($1.0 - $1.1).isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
  return scale > 0 && a.count == b.count ? difference / scale : .infinity
}

/// The folder that holds Package.swift.
let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()
