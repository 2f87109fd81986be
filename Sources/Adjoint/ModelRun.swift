import Arrays
import TensorTypes

/// Runs a program on the arrays of a file.
public struct ModelRun {
  private let inputs: String
  private let arrays: [String: HostTensor]

  /// - Parameter inputs: a file whose keys are names of inputs.
  /// - Throws: `ArrayFileError`.
  public init(inputs: String) throws {
    self.inputs = inputs
    var arrays: [String: HostTensor] = [:]
    for (name, tensor) in try NPZ.read(path: inputs) { arrays[name] = tensor }
    self.arrays = arrays
  }

  /// The program of a model for these arrays: their shapes fix those of the inputs, and integer inputs that decide shapes
  /// are bound to the values given.
  /// - Throws: `ModelError`, `FileError`, `TypeError`, `CompilationError`.
  public func programs(of model: ModelFile, batch: Int?, shapes: [String: [Int]], execution: ExecutionOptions) throws
    -> ModelPrograms
  {
    let request = ModelRequest(
      model, of: .forward, batch: batch, shapes: arrays.mapValues(\.shape.extents).merging(shapes) { _, given in given })
    var bound = request
    bound.values = arrays.filter { $0.value.type.element.isInteger }
    if let programs = try ModelPrograms.cached(request, execution) { return programs }
    if !bound.values.isEmpty, let programs = try ModelPrograms.cached(bound, execution) { return programs }
    do {
      return try ModelPrograms.imported(request, execution)
    } catch let error as ModelError {
      // A shape that an integer input decides: bind the integer inputs, or give up with the first reason.
      guard case .node = error.cause, !bound.values.isEmpty else { throw error }
      return try ModelPrograms.imported(bound, execution)
    }
  }

  /// Runs one of the programs and writes its outputs under their names.
  /// - Parameter program: by default the one that the programs are of.
  /// - Returns: which outputs are not finite, and which node is to blame, in a sentence; nil where all are finite.
  /// - Throws: `UsageError` for arrays that do not fit, `ArrayFileError`, `ExecutionError`, `CodegenError` ...
  public func run(_ programs: ModelPrograms, program: String? = nil, outputs: String, threads: Int? = nil) throws -> String?
  {
    let programs = try programs.compiled()
    let name = program ?? programs.facts.of.rawValue
    let all = try programs.ports()
    guard let ports = all.first(where: { $0.program == name }) else {
      throw UsageError("there is no program '\(name)'; there are \(all.map(\.program).joined(separator: ", "))")
    }
    var arrays = arrays
    for name in programs.facts.boundInputs { arrays[name] = nil }
    for port in ports.inputs where arrays[port.name] == nil {
      throw UsageError("'\(inputs)' lacks the input \(port.name) of type \(port.type)")
    }
    for name in arrays.keys.sorted() where !ports.inputs.contains(where: { $0.name == name }) {
      throw UsageError(
        "'\(inputs)' holds \(name), which is no input of the model; its inputs are "
          + ports.inputs.map(\.name).joined(separator: ", "))
    }
    for port in ports.inputs {
      if let found = arrays[port.name]?.type, found != port.type {
        throw UsageError("input \(port.name) is \(port.type), but '\(inputs)' holds \(found)")
      }
    }
    let runner = try programs.watchedRunner(threads: threads)
    let results = try runner.run(name, arrays)
    try NPZ.write(ports.outputs.compactMap { port in results[port.name].map { (port.name, $0) } }, to: outputs)
    let broken = ports.outputs.map(\.name).filter { results[$0]?.isFinite == false }
    if broken.isEmpty { return nil }
    return "\(broken.joined(separator: ", ")) of '\(outputs)' \(broken.count == 1 ? "is" : "are") not finite everywhere"
      + (runner.sentence().map { "; " + $0 } ?? "")
  }
}
