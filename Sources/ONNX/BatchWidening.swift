import TensorTypes

/// The import of a model for another batch size than the one it is written for.
///
/// The model is imported for its own batch size first. Then every value has to keep that shape, or to differ in its first
/// extent only, which becomes the batch size: so a shape that is written out in the model may be widened with it.
struct BatchWidening {
  let batch: Int
  /// The shapes of the values of the model as it is written.
  let declared: [String: Shape]

  /// The shape that a value has when its first axis is the batch; nil when it has none.
  private func widened(_ name: String) -> Shape? {
    guard var shape = declared[name], shape.rank >= 1 else { return nil }
    shape.extents[0] = batch
    return shape
  }

  /// The shape that a reshaping node has to give its result: the declared one with the first extent widened, as that of its
  /// operand is. Nil when the operand is not widened, or the first extents of the two differ in the model.
  func result(_ output: String, of input: String, _ operand: Shape) -> Shape? {
    guard let source = declared[input], let target = declared[output], operand != source, operand == widened(input),
      target.rank >= 1, target[0] == source[0]
    else { return nil }
    return widened(output)
  }

  func check(_ name: String, _ shape: Shape) throws {
    guard let expected = declared[name], shape != expected, shape != widened(name) else { return }
    throw ImportProblem("its result \(expected) would become \(shape)")
  }

  /// An output needs one row for each image.
  func checkOutput(_ name: String, _ shape: Shape) throws(ImportError) {
    guard let expected = declared[name], expected.rank >= 2, shape != widened(name) else { return }
    throw .fixedBatch(wanted: batch, problem: "output \(quoted(name)) stays \(shape)")
  }
}

extension ONNXGraph {
  /// Whether an input of rank 2 or more is declared with another first extent, and not given a shape or value.
  func fixesBatch(otherThan batch: Int, _ options: ImportOptions) -> Bool {
    let initialised = Set(initialisers.map(\.name))
    return inputs.contains { input in
      guard !initialised.contains(input.name), options.shapes[input.name] == nil, options.values[input.name] == nil,
        case .tensor(_, let dimensions?) = input.kind, dimensions.count >= 2, case .extent(let fixed) = dimensions[0]
      else { return false }
      return fixed >= 0 && fixed != batch
    }
  }
}
