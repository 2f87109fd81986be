/// A C function that a kernel calls.
struct KernelFunction: Hashable {
  /// Between parentheses.
  let parameters: String
  let body: String
  /// Whether kernels that call an equal function call the same one, instead of each having its own, which is compiled into it.
  let isShared: Bool
}

/// A C kernel before it has a number, so that equal kernels have equal text.
struct KernelText: Hashable {
  /// Called FUNCTION_0, FUNCTION_1, ... in the body.
  var functions: [KernelFunction] = []
  let body: String
  let taskCount: Int
}

/// Kernels and shared functions by text, numbered in the order of their first use.
struct KernelTable {
  private var numbers: [KernelText: Int] = [:]
  private var texts: [KernelText] = []
  private var sharedNumbers: [KernelFunction: Int] = [:]
  private var shared: [KernelFunction] = []

  mutating func number(of kernel: KernelText) -> Int {
    if let known = numbers[kernel] { return known }
    numbers[kernel] = texts.count
    texts.append(kernel)
    for function in kernel.functions where function.isShared && sharedNumbers[function] == nil {
      sharedNumbers[function] = shared.count
      shared.append(function)
    }
    return texts.count - 1
  }

  /// The C texts, of about equal size, that one compiler process each works on.
  var units: [String] {
    var units = [Unit](repeating: Unit(), count: max(1, min(8, texts.count / 4)))
    func add(_ text: String, calling numbers: [Int]) {
      let smallest = units.indices.min { units[$0].byteCount < units[$1].byteCount } ?? 0
      units[smallest].add(text, calling: numbers)
    }
    for (number, function) in shared.enumerated() {
      add("void tile_\(number)(\(function.parameters)) {\n\(function.body)\n}\n", calling: [number])
    }
    for (number, kernel) in texts.enumerated() {
      add(text(of: kernel, number), calling: kernel.functions.compactMap { sharedNumbers[$0] })
    }
    return units.map { unit in
      let declarations = unit.called.sorted().map {
        "__attribute__((visibility(\"hidden\"))) void tile_\($0)(\(shared[$0].parameters));\n"
      }
      return Prelude.text + declarations.joined() + unit.text
    }
  }

  private struct Unit {
    private(set) var text = ""
    private(set) var called: Set<Int> = []
    private(set) var byteCount = 0

    mutating func add(_ text: String, calling numbers: [Int]) {
      self.text += text
      called.formUnion(numbers)
      byteCount += text.utf8.count
    }
  }

  private func text(of kernel: KernelText, _ number: Int) -> String {
    var own = ""
    var body = kernel.body
    for (position, function) in kernel.functions.enumerated() {
      let name = sharedNumbers[function].map { "tile_\($0)" } ?? "kernel_\(number)_tile_\(position)"
      if !function.isShared { own += "INLINE void \(name)(\(function.parameters)) {\n\(function.body)\n}\n" }
      body = body.replacing("FUNCTION_\(position)(", with: name + "(")
    }
    return """
      \(own)void kernel_\(number)(char *const *operands, long first, long end, int *error) {
      \(body)
      }

      """
  }
}
