import Arrays
import IR
import ONNX
import TensorTypes

/// Runs a model on the arrays of a file.
public enum ModelRun {
  /// Keys of the input file are names of the model's inputs, keys of the output file those of its outputs. The shapes of the
  /// arrays fix the shapes of the inputs; integer inputs that decide shapes are bound to the values given.
  /// - Throws: `ArrayFileError`, `ModelError`, `ExecutionError`, `CodegenError` ...
  public static func run(
    model path: String, inputs: String, outputs: String, batch: Int?, shapes: [String: [Int]], execution: ExecutionOptions
  ) throws {
    var arrays: [String: HostTensor] = [:]
    for (name, tensor) in try NPZ.read(path: inputs) { arrays[name] = tensor }
    var options = ImportOptions(
      batch: batch, shapes: arrays.mapValues(\.shape.extents).merging(shapes) { _, given in given })
    let imported: ImportedModel
    do {
      imported = try importModel(path, options)
    } catch {
      // A shape that an integer input decides: bind the integer inputs, or give up with the first reason.
      let integers = arrays.filter { $0.value.type.element.isInteger }
      guard case .node = error.cause, !integers.isEmpty else { throw error }
      options.values = integers
      imported = try importModel(path, options)
    }
    for name in imported.boundInputs { arrays[name] = nil }
    let graph = imported.graph
    for input in graph.inputs where arrays[graph.name(ofInput: input)] == nil {
      throw UsageError("'\(inputs)' lacks the input \(graph.name(ofInput: input)) of type \(graph[input].type)")
    }
    for name in arrays.keys.sorted() where graph.input(named: name) == nil {
      throw UsageError(
        "'\(inputs)' holds \(name), which is no input of the model; its inputs are "
          + graph.inputs.map { graph.name(ofInput: $0) }.joined(separator: ", "))
    }
    for input in graph.inputs {
      let name = graph.name(ofInput: input)
      if let found = arrays[name]?.type, found != graph[input].type {
        throw UsageError("input \(name) is \(graph[input].type), but '\(inputs)' holds \(found)")
      }
    }
    let stages = try GraphStages(forward: graph)
    let runner = try execution.runner([stages.simplified])
    let results = try runner.run(stages.simplified.name, arrays)
    try NPZ.write(graph.outputs.compactMap { output in results[output.name].map { (output.name, $0) } }, to: outputs)
  }
}
