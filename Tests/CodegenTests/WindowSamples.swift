import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport

/// Max pooling and sums over windows of every kind, with their gradient and Hessian-vector product.
///
/// Elements, directions and therefore all results are small integers: ties abound, and no sum rounds.
struct WindowSample {
  let graph: Graph
  let window: Window
  private let shape: Shape
  private let seed: UInt64

  static let all: [WindowSample] = {
    do { return try (1...40).map(WindowSample.init(seed:)) } catch {
      preconditionFailure("a window sample is ill-typed: \(error)")
    }
  }()

  /// The sample of a seed: the same in every run.
  init(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func choose<Element>(_ elements: [Element]) -> Element { elements[Int(generator.next() % UInt64(elements.count))] }
    func pair(_ range: ClosedRange<Int>) -> [Int] { [choose(Array(range)), choose(Array(range))] }
    self.seed = seed
    var drawn: (window: Window, shape: Shape)
    repeat {
      let (kernel, strides, dilations) = (pair(1...4), pair(1...4), choose([[1, 1], [1, 1], pair(1...3)]))
      let size = pair(1...13)
      let pads = (0..<2).map { choose(Array(0...(kernel[$0] - 1) * dilations[$0])) }
      let extents = (0..<2).map { axis in
        let room = size[axis] + pads[axis] + choose(Array(0..<kernel[axis])) - (kernel[axis] - 1) * dilations[axis] - 1
        return room < 0 ? 0 : room / strides[axis] + 1
      }
      drawn = (
        Window(kernel: kernel, strides: strides, pads: pads, dilations: dilations, extents: extents),
        Shape([choose([1, 2, 3]), choose([1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33])] + size)
      )
    } while !drawn.window.holdsElements(of: drawn.shape)
    (window, shape) = drawn

    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, shape))
    // A result of another kernel, or the row-major input itself.
    let source = choose([true, true, true, false]) ? try builder.elementwise(.negate, x) : x
    let index = try builder.append(WindowIndexOfMaximum(window: window), [source])
    let largest = try builder.append(Take(batchRank: 2), [source, index])
    let sums = try builder.append(WindowSum(window: window), [source])
    let pooled = choose([true, false]) ? try builder.elementwise(.negate, largest) : largest
    let squares = try builder.add(try builder.multiply(pooled, pooled), try builder.multiply(sums, sums))
    var outputs: [(String, Value)] = [("objective", try builder.sum(squares, axes: [0, 1, 2, 3]))]
    switch choose([0, 1, 2, 3, 4]) {
    case 4: outputs.append(("flat", try builder.reshape(index, [builder.shape(of: index).elementCount])))
    case 0: outputs.append(("index", index))
    case 1: outputs.append(("largest", largest))
    case 2: outputs.append(("position", try builder.append(Convert(to: .float32), [index])))
    default: break
    }
    graph = try builder.finish(name: "window\(seed)", outputs: outputs)
      .hessianVectorProduct(of: "objective", withRespectTo: "x").renamed("window\(seed)")
  }

  /// A point and a direction; `special` elements stand at some of the places.
  func inputs(with special: [Double] = []) -> [HostTensor] {
    var generator = SeededGenerator(seed: seed)
    func tensor(_ special: [Double]) -> HostTensor {
      let elements = (0..<shape.elementCount).map { _ -> Double in
        let element = Double(Int.random(in: -3...3, using: &generator))
        return special.isEmpty || Int.random(in: 0..<6, using: &generator) > 0
          ? element : special[Int.random(in: special.indices, using: &generator)]
      }
      return HostTensor(TensorType(.float32, shape), .double(elements))
    }
    return [tensor(special), tensor([])]
  }
}

extension Window {
  /// Whether there are windows over the images, each with an element inside.
  fileprivate func holdsElements(of shape: Shape) -> Bool {
    let type = TensorType(.float32, shape)
    guard extents.allSatisfy({ $0 > 0 }) else { return false }
    do { _ = try WindowIndexOfMaximum(window: self).resultType(of: [type]) } catch { return false }
    return true
  }
}
