import Codegen
import Execution
import IR
import NativeCompilation
import TensorTypes
import TestSupport

/// Graphs compiled together and run by name.
struct CompiledFamily {
  private let executable: Executable

  init(_ graphs: [Graph], cpu: String? = nil, threads: Int = 2) throws {
    let compiler = Compiler(cpu: try TargetCPU.resolve(named: cpu), compiler: try CCompiler.locate(), cache: nil)
    executable = try Executable(try compiler.compile(graphs), threads: threads)
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
