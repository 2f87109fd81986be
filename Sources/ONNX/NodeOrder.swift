extension ONNXGraph {
  /// The nodes that the outputs need, each behind those it depends on, otherwise in the order of the file.
  /// - Throws: when a name is defined twice, a value is used that nothing produces, or the nodes depend on each other in a
  ///   cycle, whether or not an output needs them.
  func importOrder() throws(ImportError) -> [Int] {
    if let name = sparseInitialisers.first {
      throw .tensor(name: name, problem: "it is stored in sparse form; dense tensors are accepted")
    }
    if outputs.isEmpty { throw .noOutputs }
    let producers = try producers()
    var dependencies: [[Int]] = []
    dependencies.reserveCapacity(nodes.count)
    for node in nodes {
      var needed: [Int] = []
      for name in node.inputs where !name.isEmpty {
        guard let producer = producers[name] else {
          throw .dangling(value: name, user: "\(node.type) node \(quoted(node.label))")
        }
        if let producer { needed.append(producer) }
      }
      dependencies.append(needed)
    }
    let order = try sorted(dependencies)
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for output in outputs {
      guard let producer = producers[output.name] else { throw .dangling(value: output.name, user: "the list of outputs") }
      if let producer { isNeeded[producer] = true }
    }
    for index in order.reversed() where isNeeded[index] {
      for dependency in dependencies[index] { isNeeded[dependency] = true }
    }
    return order.filter { isNeeded[$0] }
  }

  /// The node that produces each value; nil for inputs and initialisers.
  private func producers() throws(ImportError) -> [String: Int?] {
    var producers: [String: Int?] = [:]
    var definitions: [String: String] = [:]
    func define(_ name: String, _ definition: @autoclosure () -> String, _ producer: Int?) throws(ImportError) {
      if let first = definitions.updateValue(definition(), forKey: name) {
        throw .duplicateName(name: name, first: first, second: definition())
      }
      producers[name] = .some(producer)
    }
    for tensor in initialisers { try define(tensor.name, "an initialiser", nil) }
    // Before IR version 4, initialisers had to be inputs as well.
    let initialised = Set(initialisers.map(\.name))
    for input in inputs where !initialised.contains(input.name) { try define(input.name, "an input", nil) }
    for (index, node) in nodes.enumerated() {
      for name in node.outputs where !name.isEmpty {
        try define(name, "\(node.type) node \(quoted(node.label))", index)
      }
    }
    var names: Set<String> = []
    for output in outputs where !names.insert(output.name).inserted {
      throw .duplicateName(name: output.name, first: "the list of outputs", second: "the list of outputs")
    }
    names.removeAll()
    for input in inputs where !names.insert(input.name).inserted {
      throw .duplicateName(name: input.name, first: "an input", second: "an input")
    }
    return producers
  }

  /// A depth-first topological order, without recursion since a model may be one long chain.
  private func sorted(_ dependencies: [[Int]]) throws(ImportError) -> [Int] {
    enum Mark { case unseen, open, done }
    var marks = [Mark](repeating: .unseen, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    for root in nodes.indices where marks[root] == .unseen {
      var stack: [(node: Int, next: Int)] = [(root, 0)]
      marks[root] = .open
      while let (node, next) = stack.last {
        guard next < dependencies[node].count else {
          marks[node] = .done
          order.append(node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let dependency = dependencies[node][next]
        switch marks[dependency] {
        case .done: continue
        case .unseen:
          marks[dependency] = .open
          stack.append((dependency, 0))
        case .open:
          let cycle = stack.drop { $0.node != dependency }.map { nodes[$0.node].label }
          throw .cycle(nodes: cycle.reversed())
        }
      }
    }
    return order
  }
}
