/// Protobuf bytes written field by field, well-formed or not.
package struct Wire: Sendable {
  package var bytes: [UInt8]

  package init(bytes: [UInt8] = []) { self.bytes = bytes }

  package static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  package func integer(_ field: UInt64, _ value: Int64) -> Wire {
    Wire(bytes: bytes + Wire.varint(field << 3) + Wire.varint(UInt64(bitPattern: value)))
  }
  package func raw(_ field: UInt64, _ content: [UInt8]) -> Wire {
    Wire(bytes: bytes + Wire.varint(field << 3 | 2) + Wire.varint(UInt64(content.count)) + content)
  }
  package func string(_ field: UInt64, _ text: String) -> Wire { raw(field, Array(text.utf8)) }
  package func message(_ field: UInt64, _ content: Wire) -> Wire { raw(field, content.bytes) }
  package func messages(_ field: UInt64, _ contents: [Wire]) -> Wire { contents.reduce(self) { $0.message(field, $1) } }
  package func strings(_ field: UInt64, _ texts: [String]) -> Wire { texts.reduce(self) { $0.string(field, $1) } }
  package func float(_ field: UInt64, _ value: Float) -> Wire {
    Wire(bytes: bytes + Wire.varint(field << 3 | 5) + littleEndian(value))
  }
  package func packed(_ field: UInt64, _ values: [Int64]) -> Wire {
    raw(field, values.flatMap { Wire.varint(UInt64(bitPattern: $0)) })
  }
}

package func littleEndian(_ value: Float) -> [UInt8] { withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
package func littleEndian(_ value: Double) -> [UInt8] { withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
package func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// A model in memory, with one graph.
package struct ModelBuilder {
  package var irVersion: Int64 = 8
  package var opsets: [(String, Int64)] = [("", 17)]
  package var inputs: [Wire] = []
  package var outputs: [Wire] = [value("y", 1, nil)]
  package var initialisers: [Wire] = []
  package var nodes: [Wire] = []
  package var functions: [Wire] = []

  package init() {}

  package var graph: Wire {
    Wire().messages(1, nodes).string(2, "test").messages(5, initialisers).messages(11, inputs).messages(12, outputs)
  }
  package var bytes: [UInt8] {
    Wire().integer(1, irVersion).string(2, "maker").string(3, "1.2").message(7, graph)
      .messages(8, opsets.map { Wire().string(1, $0.0).integer(2, $0.1) }).messages(25, functions).bytes
  }
}

/// ValueInfoProto of a tensor; a nil shape declares no rank, and a dimension is a number, a symbol or "" for neither.
package func value(_ name: String, _ element: Int64, _ shape: [String]?) -> Wire {
  var tensor = Wire().integer(1, element)
  if let shape {
    let dimensions = shape.map { dimension -> Wire in
      if let extent = Int64(dimension) { return Wire().integer(1, extent) }
      return dimension.isEmpty ? Wire() : Wire().string(2, dimension)
    }
    tensor = tensor.message(2, Wire().messages(1, dimensions))
  }
  return Wire().string(1, name).message(2, Wire().message(1, tensor))
}

package func node(
  _ type: String, _ inputs: [String], _ outputs: [String] = ["y"], name: String = "", domain: String = "",
  _ attributes: [Wire] = []
) -> Wire {
  Wire().strings(1, inputs).strings(2, outputs).string(3, name).string(4, type).messages(5, attributes).string(7, domain)
}

package func attribute(_ name: String, _ value: Int64) -> Wire { Wire().string(1, name).integer(3, value).integer(20, 2) }
package func attribute(_ name: String, _ values: [Int64]) -> Wire { Wire().string(1, name).packed(8, values).integer(20, 7) }
package func attribute(_ name: String, float value: Float) -> Wire { Wire().string(1, name).float(2, value).integer(20, 1) }
package func attribute(_ name: String, _ value: String) -> Wire { Wire().string(1, name).string(4, value).integer(20, 3) }
package func attribute(_ name: String, tensor: Wire) -> Wire { Wire().string(1, name).message(5, tensor).integer(20, 4) }
package func attribute(_ name: String, graph: Wire) -> Wire { Wire().string(1, name).message(6, graph).integer(20, 5) }

/// TensorProto with its elements as raw data.
package func tensor(_ name: String, _ dimensions: [Int64], _ elements: [Float]) -> Wire {
  Wire().packed(1, dimensions).integer(2, 1).string(8, name).raw(9, elements.flatMap { littleEndian($0) })
}
package func tensor(_ name: String, _ dimensions: [Int64], _ elements: [Int64]) -> Wire {
  Wire().packed(1, dimensions).integer(2, 7).string(8, name).raw(9, elements.flatMap { littleEndian($0) })
}
package func tensor(_ name: String, code: Int64, _ dimensions: [Int64], raw: [UInt8]) -> Wire {
  Wire().packed(1, dimensions).integer(2, code).string(8, name).raw(9, raw)
}
