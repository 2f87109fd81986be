import Codegen
import Execution
import Files
import Foundation
import IR
import NativeCompilation
import Programs
import TensorTypes
import TestSupport

/// Graphs compiled together and run by name.
struct CompiledFamily {
  private let family: ProgramFamily
  private let cpu: TargetCPU
  private let executable: Executable

  init(_ graphs: [Graph], cpu: String? = nil, cacheByteCount: Int = 24 << 20, threads: Int = 2) throws {
    let compiler = Compiler(
      cpu: try TargetCPU.resolve(named: cpu), compiler: try CCompiler.locate(), cacheByteCount: cacheByteCount)
    try self.init(family: try compiler.compile(graphs), cpu: compiler.cpu, threads: threads)
  }

  /// The same programs on other threads.
  func running(threads: Int) throws -> CompiledFamily { try CompiledFamily(family: family, cpu: cpu, threads: threads) }

  private init(family: ProgramFamily, cpu: TargetCPU, threads: Int) throws {
    self.family = family
    self.cpu = cpu
    executable = try Executable(family, threads: threads)
  }

  /// The family as it comes back from an artifact's file, and the bytes of that file put together anew.
  func saved() throws -> (family: CompiledFamily, bytes: Data) {
    let path = NSTemporaryDirectory() + "adjoint-family-\(UUID().uuidString)"
    defer { unlink(path) }
    try Artifact(family, cpu: cpu, description: "a test").write(to: path)
    let read = try Artifact<String>(contentsOf: path)
    return (
      try CompiledFamily(family: read.family, cpu: read.cpu, threads: 2), try Data(contentsOf: URL(fileURLWithPath: path))
    )
  }

  func run(_ graph: Graph, _ inputs: [HostTensor]) throws -> [HostTensor] {
    let names = graph.inputs.map { graph.name(ofInput: $0) }
    let results = try executable.run(graph.name, Dictionary(uniqueKeysWithValues: zip(names, inputs)))
    return graph.outputs.compactMap { results[$0.name] }
  }
}

/// The processors that this machine can run code for.
let runnableProcessors: [String] = {
  let best = TargetCPU.best
  guard let last = TargetCPU.all.firstIndex(of: best) else { return [best.name] }
  return TargetCPU.all[...last].map(\.name)
}()

extension HostTensor {
  /// Floating-point elements rounded to f32, so that compiled code and evaluator see the same numbers.
  var roundedToFloat: HostTensor {
    type.element == .float32 ? HostTensor(type, .double(floats.map(Double.init))) : self
  }
}

/// The error of a compiled result: relative for floating-point elements, zero or infinite for others.
func compiledError(_ found: HostTensor, _ expected: HostTensor) -> Double {
  if expected.type.element.isFloatingPoint { return relativeError(found, expected) }
  return found.type == expected.type && found.integers == expected.integers ? 0 : .infinity
}
