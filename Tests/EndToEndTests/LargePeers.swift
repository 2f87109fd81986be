import Codegen
import Execution
import Foundation
import IR
import NativeCompilation
import Programs
import TensorTypes

/// What tools/references/full.py recorded of large networks at 224 x 224, in the folder that ADJOINT_PEERS names.
struct LargePeers {
  static let folder: String? = ProcessInfo.processInfo.environment["ADJOINT_PEERS"]

  let folder = Self.folder ?? ""

  /// The plain derivatives of four photos.
  func references(_ model: String) throws -> [PeerReference] { try references(model, "", photos: 4) }

  /// The derivatives of 24 photos under h.
  func smoothedReferences(_ model: String) throws -> [PeerReference] { try references(model, "-smoothed", photos: 24) }

  private func references(_ model: String, _ kind: String, photos: Int) throws -> [PeerReference] {
    try (0..<photos).map { photo in
      let suffix = photo == 0 ? "" : "-\(photo)"
      return try PeerReference(model: "\(folder)/\(model).onnx", arrays: "\(folder)/\(model)\(kind)\(suffix).npz")
    }
  }

  func executable(_ graph: Graph) throws -> Executable {
    let compiler = Compiler(cpu: try TargetCPU.resolve(), compiler: try CCompiler.locate())
    return try Executable(try compiler.compile([graph]), threads: 2)
  }

  /// max |a − b| / max |b| of one output against PyTorch f64.
  struct Distances {
    /// Of the graph evaluated in f64, on the first photo: the evaluator takes minutes for all, and the graph is the same.
    var evaluated = 0.0
    /// Of compiled code, of each photo.
    var compiled: [Double] = []
    /// Of PyTorch f32.
    var own: [Double] = []
    /// The same with PyTorch's own convolutions in place of oneDNN's, where that is recorded.
    var native: [Double] = []
  }

  /// The distances of the outputs of a graph, by their names, each of all photos.
  func distances(
    of graph: Graph, from references: [PeerReference], inputs: (PeerReference) throws -> [String: HostTensor]
  ) throws -> [String: Distances] {
    let executable = try executable(graph)
    let names = graph.outputs.map(\.name)
    var distances = Dictionary(uniqueKeysWithValues: names.map { ($0, Distances()) })
    for (number, reference) in references.enumerated() {
      let inputs = try inputs(reference)
      let compiled = try executable.run(graph.name, inputs)
      let evaluated: [String: HostTensor] = number == 0 ? try graph.evaluate(inputs) : [:]
      for name in names {
        var found = distances[name] ?? Distances()
        if let tensor = evaluated[name] { found.evaluated = try reference.distance(tensor, from: name) }
        if let tensor = compiled[name] { found.compiled.append(try reference.distance(tensor, from: name)) }
        found.own.append(try reference.distance(try reference["\(name)32"], from: name))
        if let native = reference.optional("\(name)32native") {
          found.native.append(try reference.distance(native, from: name))
        }
        distances[name] = found
      }
    }
    return distances
  }
}
