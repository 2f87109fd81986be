import IR
import Operators
import TensorTypes

/// Raised when an expression has no vector form; the kernel is then written with scalar loops.
struct NeedsScalarLoops: Error {}

/// A C expression that has been computed.
struct Emitted {
  let text: String
  let element: ElementType
  /// One value for each of the 16 lanes, rather than one for all.
  let isVector: Bool
}

/// Writes the C statements that compute values of a region at given indices.
///
/// With a lane variable, that index runs over 16 neighbours at once and the statements compute vectors.
struct ExpressionEmitter {
  let region: Region
  /// The variable that the lanes run over, and the C name of its block number.
  let lane: (variable: Int, block: String)?
  /// C names of the loop variables, in scalar code of the lane variable too.
  var names: [String]
  private var lines: [String] = []
  private var known: [Key: Emitted] = [:]
  private var knownIndices: [IndexExpression: String] = [:]
  /// Addresses, in C, of the vectors of 16 channels loaded from images at the loop variables' own position.
  private(set) var imageLoads: [String] = []
  private var counter = 0

  private struct Key: Hashable {
    let value: Value
    let index: [IndexExpression]
  }

  init(_ region: Region, names: [String], lane: (variable: Int, block: String)? = nil) {
    self.region = region
    self.names = names
    self.lane = lane
  }

  /// Declares that the value at the loop variables themselves is already computed.
  mutating func define(_ value: Value, as emitted: Emitted) {
    known[Key(value: value, index: identity(region.body[value].type.shape.rank))] = emitted
  }

  func identity(_ rank: Int) -> [IndexExpression] { (0..<rank).map(IndexExpression.variable) }

  /// Statements written so far, which are then forgotten.
  mutating func takeLines() -> [String] {
    defer { lines = [] }
    return lines
  }

  mutating func prepend(_ statements: [String]) { lines = statements + lines }

  // MARK: Values

  mutating func emit(_ value: Value, at index: [IndexExpression]) throws -> Emitted {
    let key = Key(value: value, index: index)
    if let emitted = known[key] { return emitted }
    let node = region.body[value]
    let emitted: Emitted
    switch node.content {
    case .input: emitted = try load(region.number(ofInput: value), index)
    case .constant(let constant):
      return Emitted(
        text: node.type.element.cLiteral(constant.tensor.doubles[0]), element: node.type.element, isVector: false)
    case .operation(let operation):
      if let take = operation as? Take, mentionsLane(index), let selection = selection(of: take, node) {
        emitted = try selected(selection, node, index)
        break
      }
      guard case .map(let expression) = operation.loopForm(of: node.operands.map { region.body[$0].type }, type: node.type)
      else { preconditionFailure("\(operation.mnemonic) has loops of its own") }
      emitted = try emit(expression, of: node, index, element: node.type.element)
    }
    known[key] = emitted
    return emitted
  }

  /// A loop expression of a node, its variables replaced by `index`.
  mutating func emit(_ expression: LoopExpression, of node: Node, _ index: [IndexExpression], element: ElementType) throws
    -> Emitted
  {
    switch expression {
    case .literal(let value): return Emitted(text: element.cLiteral(value), element: element, isVector: false)
    case .load(let operand, let position):
      return try emit(node.operands[operand], at: position.map { substitute($0, of: node, index) })
    case .index(let position):
      return Emitted(text: try indexText(substitute(position, of: node, index)), element: .int64, isVector: false)
    case .apply(let function, let arguments):
      var emitted: [Emitted] = []
      for argument in arguments { emitted.append(try emit(argument, of: node, index, element: element)) }
      return try apply(function, emitted, element)
    case .convert(let argument, let target):
      return try convert(try emit(argument, of: node, index, element: element), to: target)
    case .guarded(let conditions, let inner, let otherwise):
      let text = try conditionText(conditions.map { $0.substituting(index, operandNumber(node)) })
      return try emitGuarded(text, otherwise: otherwise) { emitter throws in
        try emitter.emit(inner, of: node, index, element: element)
      }
    }
  }

  private func operandNumber(_ node: Node) -> (Int) -> Int { { region.number(ofInput: node.operands[$0]) } }

  func substitute(_ expression: IndexExpression, of node: Node, _ index: [IndexExpression]) -> IndexExpression {
    expression.substituting(index, operandNumber(node))
  }

  /// Computes `inner` only where the condition holds; what is computed there is unknown outside.
  private mutating func emitGuarded(
    _ condition: String, otherwise: Double, _ inner: (inout ExpressionEmitter) throws -> Emitted
  )
    throws -> Emitted
  {
    let (innerLines, emitted) = try apart(inner)
    let name = freshName()
    let type = emitted.isVector ? "v16" : emitted.element == .boolean ? "int" : emitted.element.cType
    let initial = emitted.isVector ? "v_splat(\(emitted.element.cLiteral(otherwise)))" : emitted.element.cLiteral(otherwise)
    if emitted.isVector && emitted.element != .float32 { throw NeedsScalarLoops() }
    lines +=
      ["\(type) \(name) = \(initial);", "if (\(condition)) {"] + innerLines + ["\(name) = \(emitted.text);", "}"]
    return Emitted(text: name, element: emitted.element, isVector: emitted.isVector)
  }

  /// The statements that `inner` writes, in a scope of their own: nothing that they compute is known behind them.
  mutating func apart<Result>(_ inner: (inout ExpressionEmitter) throws -> Result) throws -> ([String], Result) {
    let (outerLines, outerKnown, outerIndices) = (takeLines(), known, knownIndices)
    let result = try inner(&self)
    let innerLines = takeLines()
    (lines, known, knownIndices) = (outerLines, outerKnown, outerIndices)
    return (innerLines, result)
  }

  mutating func append(_ statements: [String]) { lines += statements }

  /// A further loop variable with this C name.
  mutating func variable(named name: String) -> IndexExpression {
    names.append(name)
    return .variable(names.count - 1)
  }

  func mentionsLane(_ index: [IndexExpression]) -> Bool {
    lane.map { lane in index.contains { $0.mentions(lane.variable) } } ?? false
  }

  mutating func conditionText(_ conditions: [IndexCondition]) throws -> String {
    if let lane, conditions.contains(where: { $0.mentions(lane.variable) }) { throw NeedsScalarLoops() }
    var texts: [String] = []
    for condition in conditions {
      switch condition {
      case .inRange(let index, let lower, let upper):
        let text = try indexText(index)
        texts.append(lower == 0 ? "(unsigned long)(\(text)) < \(upper)UL" : "\(text) >= \(lower) && \(text) < \(upper)")
      case .divisible(let index, let divisor): texts.append("(\(try indexText(index))) % \(divisor) == 0")
      }
    }
    return texts.joined(separator: " && ")
  }

  // MARK: Arithmetic

  private mutating func apply(_ function: ScalarFunction, _ arguments: [Emitted], _ element: ElementType) throws -> Emitted {
    let data = function == .select ? arguments[1].element : arguments[0].element
    let result: ElementType = function.isPredicate ? .boolean : data
    guard arguments.contains(where: \.isVector) else {
      return bind(function.scalarText(arguments.map(\.text), data), result, isVector: false)
    }
    var texts: [String] = []
    for argument in arguments {
      if argument.element != .float32 && argument.element != .boolean { throw NeedsScalarLoops() }
      texts.append(
        argument.isVector
          ? argument.text : argument.element == .boolean ? "m_splat(\(argument.text))" : "v_splat(\(argument.text))")
    }
    if function == .select && data == .boolean { throw NeedsScalarLoops() }
    return bind(function.vectorText(texts), result, isVector: true)
  }

  private mutating func convert(_ argument: Emitted, to target: ElementType) throws -> Emitted {
    if argument.element == target { return argument }
    if argument.isVector {
      guard argument.element == .boolean, target == .float32 else { throw NeedsScalarLoops() }
      return bind("v_select(\(argument.text), v_splat(1.0f), v_splat(0.0f))", target, isVector: true)
    }
    let text = target == .boolean ? "(\(argument.text) != 0)" : "((\(target.cType))\(argument.text))"
    return bind(text, target, isVector: false)
  }

  mutating func bind(_ text: String, _ element: ElementType, isVector: Bool) -> Emitted {
    let name = freshName()
    let type = isVector ? (element == .boolean ? "m16" : "v16") : element == .boolean ? "int" : element.cType
    lines.append("\(type) \(name) = \(text);")
    return Emitted(text: name, element: element, isVector: isVector)
  }

  mutating func freshName() -> String {
    counter += 1
    return "t\(counter)"
  }

  // MARK: Memory

  private mutating func load(_ operand: Int, _ index: [IndexExpression]) throws -> Emitted {
    let buffer = region.operands[operand]
    let element = buffer.type.element
    let pointer = "p\(operand)"
    guard let lane, mentionsLane(index) else {
      let scalar = bind("\(pointer)[\(try offsetText(buffer, index))]", element, isVector: false)
      guard let selection = buffer.selection else { return scalar }
      return bind(try positionText(selection, number: scalar.text, index), element, isVector: false)
    }
    guard element == .float32 || element == .boolean else { throw NeedsScalarLoops() }
    if let start = try contiguousOffset(buffer, index, lane) {
      if element == .boolean { return bind("m_load(\(pointer) + \(start))", element, isVector: true) }
      if buffer.layout == .blocked, index[2...] == [.variable(2), .variable(3)] {
        imageLoads.append("\(pointer) + \(start)")
      }
      return bind("v_load(\(pointer) + \(start))", element, isVector: true)
    }
    throw NeedsScalarLoops()
  }

  /// The offset of lane 0 where the 16 lanes lie one behind the other; nil where they do not.
  mutating func contiguousOffset(_ buffer: Buffer, _ index: [IndexExpression], _ lane: (variable: Int, block: String))
    throws -> String?
  {
    let axis = buffer.layout == .blocked ? 1 : buffer.shape.rank - 1
    guard let offset = index[axis].offset(from: lane.variable),
      index.enumerated().allSatisfy({ $0.offset == axis || !$0.element.mentions(lane.variable) })
    else { return nil }
    if buffer.layout == .plain {
      var start = index
      start[axis] = offset
      return "\(try offsetText(buffer, start)) + \(lane.block) * 16"
    }
    guard case .constant(let channels) = offset, channels % Buffer.lanes == 0 else { return nil }
    return try blockedOffset(buffer, index, block: "(\(lane.block) + \(channels / Buffer.lanes))", within: nil)
  }

  /// The C offset, in elements, of an index in a buffer.
  mutating func offsetText(_ buffer: Buffer, _ index: [IndexExpression]) throws -> String {
    if buffer.layout == .blocked {
      let channel = try indexText(index[1])
      return try blockedOffset(buffer, index, block: "\(channel) / 16", within: "\(channel) % 16")
    }
    var text = "0"
    for (axis, position) in index.enumerated() {
      let term = try indexText(position)
      text = text == "0" ? term : "(\(text)) * \(buffer.shape[axis])L + \(term)"
    }
    return text
  }

  private mutating func blockedOffset(_ buffer: Buffer, _ index: [IndexExpression], block: String, within: String?) throws
    -> String
  {
    let n = try indexText(index[0])
    let y = try indexText(index[2])
    let x = try indexText(index[3])
    let start =
      "(((\(n) * \(buffer.channelBlocks)L + \(block)) * \(buffer.shape[2])L + \(y)) * \(buffer.shape[3])L + \(x)) * 16"
    return within.map { "\(start) + \($0)" } ?? start
  }

  /// An index as C text; data-dependent parts are checked and bound to names first.
  mutating func indexText(_ expression: IndexExpression) throws -> String {
    switch expression {
    case .constant(let value): return value < 0 ? "(\(value)L)" : "\(value)L"
    case .variable(let number):
      if let lane, number == lane.variable { throw NeedsScalarLoops() }
      return names[number]
    case .add(let a, let b): return "(\(try indexText(a)) + \(try indexText(b)))"
    case .scale(let a, let factor): return "(\(try indexText(a)) * \(factor)L)"
    case .floorDivide(let a, let divisor): return "floor_divide(\(try indexText(a)), \(divisor)L)"
    case .modulo(let a, let divisor): return "modulo(\(try indexText(a)), \(divisor)L)"
    case .load(let operand, let index, let extent):
      if let known = knownIndices[expression] { return known }
      let position = try load(operand, index)
      if position.isVector { throw NeedsScalarLoops() }
      let name = freshName()
      lines.append("long \(name) = \(position.text);")
      lines.append(
        "if ((unsigned long)\(name) >= \(extent)UL) { __atomic_store_n(error, 1, __ATOMIC_RELAXED); \(name) = 0; }")
      knownIndices[expression] = name
      return name
    }
  }
}
