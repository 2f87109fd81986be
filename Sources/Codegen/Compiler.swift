import IR
import NativeCompilation
import Operators
import Passes
import Programs
import TensorTypes

/// What keeps a graph from becoming native code.
public enum CodegenError: Error, Sendable, CustomStringConvertible {
  /// An operation is not well typed; an error of the compiler's own.
  case type(TypeError)
  case compilation(CompilationError)

  public var description: String {
    switch self {
    case .type(let error): "the compiler made an ill-typed graph: \(error)"
    case .compilation(let error): error.description
    }
  }
}

/// Turns graphs into a family of programs: fuse, schedule, plan, emit, compile.
public struct Compiler: Sendable {
  public let cpu: TargetCPU
  let compiler: CCompiler
  let cache: ObjectCache?

  public init(cpu: TargetCPU, compiler: CCompiler, cache: ObjectCache?) {
    self.cpu = cpu
    self.compiler = compiler
    self.cache = cache
  }

  /// Compiles simplified graphs. Each becomes the program of its name; they share kernels and constants.
  public func compile(_ graphs: [Graph]) throws(CodegenError) -> ProgramFamily {
    let emitted = try emit(graphs)
    do throws(CompilationError) {
      let code = try compiler.compile(units: emitted.units, for: cpu, cache: cache)
      return ProgramFamily(programs: emitted.programs, code: code, constants: emitted.constants)
    } catch { throw .compilation(error) }
  }

  /// The C text that `compile` would compile.
  public func text(_ graphs: [Graph]) throws(CodegenError) -> String { try emit(graphs).units.joined(separator: "\n") }

  /// Programs as they would run, without compiled code: steps, algorithms, memory.
  public func programs(_ graphs: [Graph]) throws(CodegenError) -> [Program] { try emit(graphs).programs }

  // MARK: Stages

  private func emit(_ graphs: [Graph]) throws(CodegenError) -> (programs: [Program], units: [String], constants: [UInt8]) {
    var pool = ConstantPool()
    var kernels = KernelTable()
    var programs: [Program] = []
    for graph in graphs {
      let fused: Graph
      do { fused = try Fuse.run(graph.copyingConstantOutputs()) } catch { throw .type(error) }
      let schedule = Schedule(fused, pool: &pool, vectorRegisters: vectorRegisters)
      programs.append(Program(schedule, &kernels, &pool))
    }
    return (programs, kernels.units, pool.bytes)
  }

  /// Registers that hold 16 floats.
  private var vectorRegisters: Int { max(4, cpu.vectorRegisterCount * cpu.vectorBitCount / 512) }
}

extension Graph {
  /// Outputs that are constants become copies of them, which a step can write.
  fileprivate func copyingConstantOutputs() throws(TypeError) -> Graph {
    guard outputs.contains(where: { self[$0.value].constant != nil }) else { return self }
    let builder = GraphBuilder(continuing: self)
    var results: [(String, Value)] = []
    for output in outputs {
      let isConstant = self[output.value].constant != nil
      results.append(
        (
          output.name,
          isConstant ? try builder.append(Reshape(shape: self[output.value].type.shape), [output.value]) : output.value
        ))
    }
    return builder.finish(name: name, outputs: results)
  }
}

/// Kernels by text, numbered in the order of their first use.
struct KernelTable {
  private var numbers: [KernelText: Int] = [:]
  private var texts: [KernelText] = []

  mutating func number(of kernel: KernelText) -> Int {
    if let known = numbers[kernel] { return known }
    numbers[kernel] = texts.count
    texts.append(kernel)
    return texts.count - 1
  }

  /// The C texts, of about equal size, that one compiler process each works on.
  var units: [String] {
    let functions = texts.enumerated().map { number, kernel in
      """
      \(kernel.definitions)
      void KERNEL(char *const *operands, long first, long end, int *error) {
      \(kernel.body)
      }

      """.replacing("KERNEL", with: "kernel_\(number)")
    }
    let unitCount = max(1, min(8, functions.count / 4))
    var units = [String](repeating: "", count: unitCount)
    for function in functions {
      let smallest = units.indices.min { units[$0].utf8.count < units[$1].utf8.count } ?? 0
      units[smallest] += function
    }
    return units.map { Prelude.text + $0 }
  }
}

extension Program {
  /// Plans the memory of a schedule and numbers its kernels.
  init(_ schedule: Schedule, _ kernels: inout KernelTable, _ pool: inout ConstantPool) {
    let graph = schedule.graph
    let end = schedule.steps.count
    var first = [Int?](repeating: nil, count: graph.nodes.count)
    var last = [Int](repeating: 0, count: graph.nodes.count)
    for input in graph.inputs { first[input.index] = -1 }
    for (index, step) in schedule.steps.enumerated() {
      if first[step.result.index] == nil { first[step.result.index] = index }
      for value in step.operands + [step.result] { last[value.index] = index }
    }
    // Inputs keep their memory too, so that a program can run again on what it was given.
    for value in graph.inputs + graph.outputs.map(\.value) { last[value.index] = end }
    let stored = graph.values.filter { first[$0.index] != nil }
    let plan = ArenaPlan(
      stored.map {
        ArenaPlan.Request(
          byteCount: schedule.buffers[$0.index].reservedByteCount,
          life: (first[$0.index] ?? 0)...max(last[$0.index], first[$0.index] ?? 0))
      })
    var offsets: [Value: Int] = [:]
    for (value, offset) in zip(stored, plan.offsets) { offsets[value] = offset }

    var steps: [Step] = []
    for step in schedule.steps {
      var addresses: [Address] = []
      var bytesMoved = 0
      for (number, operand) in step.operands.enumerated() {
        let buffer = schedule.buffers[operand.index]
        bytesMoved += buffer.elementCount * buffer.type.element.byteCount
        if let packed = step.packed[number] {
          addresses.append(.constants(packed))
        } else if let constant = graph[operand].constant {
          addresses.append(.constants(pool.add(constant, buffer)))
        } else {
          addresses.append(.arena(offsets[operand] ?? 0))
        }
      }
      let result = schedule.buffers[step.result.index]
      bytesMoved += result.elementCount * result.type.element.byteCount
      addresses.append(.arena(offsets[step.result] ?? 0))
      steps.append(
        Step(
          kernel: kernels.number(of: step.kernel), operands: addresses, taskCount: step.kernel.taskCount,
          summary:
            "\(step.region.summary) [\(step.algorithm)] -> \(result.type)\(result.layout == .blocked ? "{nChw16c}" : "")",
          node: step.location.node, floatingPointOperations: step.region.floatingPointOperations, bytesMoved: bytesMoved))
    }
    func port(_ name: String, _ value: Value) -> Port {
      Port(name: name, type: graph[value].type, offset: offsets[value] ?? 0)
    }
    self.init(
      name: graph.name, inputs: graph.inputs.map { port(graph.name(ofInput: $0), $0) },
      outputs: graph.outputs.map { port($0.name, $0.value) }, steps: steps, arenaByteCount: plan.byteCount)
  }
}
