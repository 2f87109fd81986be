import IR
import TensorTypes

extension GraphImporter {
  /// Makes the inputs of the graph, with every free dimension fixed.
  func bindInputs(_ options: ImportOptions) throws(ImportError) {
    let initialised = Set(model.graph.initialisers.map(\.name))
    let inputs = model.graph.inputs.filter { !initialised.contains($0.name) }
    try check(options, against: inputs.map(\.name))
    var symbols: [String: Int] = [:]
    var declared: [(type: ElementType, dimensions: [ONNXDimension]?)] = []
    for input in inputs {
      guard case .tensor(let element, let dimensions) = input.kind, let type = element.elementType else {
        let found =
          switch input.kind {
          case .tensor(let element, _): "a tensor of \(element.name)"
          case .other(let words): words
          }
        throw .inputType(input: input.name, found: found)
      }
      declared.append((type, dimensions))
      if let given = options.values[input.name]?.shape.extents ?? options.shapes[input.name] {
        try bind(given, to: dimensions, of: input.name, &symbols)
      }
    }
    for (input, (_, dimensions)) in zip(inputs, declared) where options.shapes[input.name] == nil {
      if options.values[input.name] == nil, let dimensions, dimensions.count >= 2,
        case .free(let symbol?) = dimensions[0], symbols[symbol] == nil
      {
        symbols[symbol] = options.batch ?? 1
      }
    }
    for (input, (element, dimensions)) in zip(inputs, declared) {
      builder.location = .unknown
      if let tensor = options.values[input.name] {
        guard tensor.type.element == element else {
          throw .unusableOption(
            "input \(quoted(input.name)) takes \(element.rawValue) elements; the given value is \(tensor.type)")
        }
        define(input.name, as: builder.constant(tensor, name: input.name))
        boundInputs.append(input.name)
        continue
      }
      let extents: [Int]
      if let given = options.shapes[input.name] {
        extents = given
      } else {
        extents = try self.extents(of: input.name, dimensions, options.batch, symbols)
      }
      guard let shape = Shape(checking: extents) else {
        throw .unusableOption("\(extents) is no shape of at most 2^31 elements for input \(quoted(input.name))")
      }
      define(input.name, as: builder.input(input.name, TensorType(element, shape)))
    }
  }

  private func check(_ options: ImportOptions, against names: [String]) throws(ImportError) {
    for name in (Array(options.shapes.keys) + Array(options.values.keys)).sorted() where !names.contains(name) {
      throw .unusableOption(
        "the model has no input \(quoted(name)); its inputs are \(names.map(quoted).joined(separator: ", "))")
    }
    if let batch = options.batch, batch < 1 { throw .unusableOption("the batch size is \(batch); 1 or more is accepted") }
  }

  /// Checks a given shape against the declared one, and learns what the symbols stand for.
  private func bind(
    _ given: [Int], to dimensions: [ONNXDimension]?, of input: String, _ symbols: inout [String: Int]
  ) throws(ImportError) {
    guard let dimensions else { return }
    let mismatch = ImportError.shapeMismatch(input: input, declared: words(dimensions), given: "\(given)")
    guard given.count == dimensions.count else { throw mismatch }
    for (extent, dimension) in zip(given, dimensions) {
      switch dimension {
      case .extent(let fixed): if fixed >= 0, fixed != extent { throw mismatch }
      case .free(nil): break
      case .free(let symbol?):
        if let other = symbols.updateValue(extent, forKey: symbol), other != extent {
          throw .unusableOption(
            "the dimension \(printable(symbol)) is given as \(other) and, for input \(quoted(input)), as \(extent)")
        }
      }
    }
  }

  private func extents(of input: String, _ dimensions: [ONNXDimension]?, _ batch: Int?, _ symbols: [String: Int])
    throws(ImportError) -> [Int]
  {
    guard let dimensions else { throw .inputOfUnknownRank(input: input) }
    var extents: [Int] = []
    for (axis, dimension) in dimensions.enumerated() {
      let isBatch = axis == 0 && dimensions.count >= 2
      switch dimension {
      case .extent(let fixed) where fixed >= 0:
        extents.append(isBatch ? widening?.batch ?? Int(fixed) : Int(fixed))
      case .free(let symbol?) where symbols[symbol] != nil: extents.append(symbols[symbol, default: 1])
      case .extent, .free(nil):
        guard isBatch else { throw .freeDimension(input: input, axis: axis, symbol: nil, shape: words(dimensions)) }
        extents.append(batch ?? 1)
      case .free(let symbol):
        throw .freeDimension(input: input, axis: axis, symbol: symbol, shape: words(dimensions))
      }
    }
    return extents
  }

  private func words(_ dimensions: [ONNXDimension]) -> String {
    let words = dimensions.map { dimension -> String in
      switch dimension {
      case .extent(let extent): String(extent)
      case .free(let symbol): symbol.map(printable) ?? "?"
      }
    }
    return "[\(words.joined(separator: ","))]"
  }
}
