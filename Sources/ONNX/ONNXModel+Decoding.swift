import COnnx
import CProtobufC

extension ONNXModel {
  /// Scans and decodes a model. `directory` is the folder that external data must be in; nil refuses external data.
  init(_ bytes: ModelBytes, directory: String?) throws(ImportError) {
    if bytes.buffer.isEmpty { throw .emptyFile }
    let scan = try WireScan(bytes.buffer)
    let unpacked = scan.reduced.withUnsafeBufferPointer { reduced in
      onnx__model_proto__unpack(nil, reduced.count, reduced.baseAddress)
    }
    guard let unpacked else { throw .malformed(offset: 0, problem: "the message cannot be unpacked") }
    defer { onnx__model_proto__free_unpacked(unpacked, nil) }
    let model = unpacked.pointee
    guard let graph = model.graph else { throw .missingGraph }
    let decoder = Decoder(payloads: scan.payloads)
    irVersion = model.ir_version
    producerName = text(model.producer_name)
    producerVersion = text(model.producer_version)
    operatorSets = messages(model.opset_import, model.n_opset_import).map { (canonicalDomain(text($0.domain)), $0.version) }
    functions = messages(model.functions, model.n_functions).map { (canonicalDomain(text($0.domain)), text($0.name)) }
    self.graph = try decoder.graph(graph.pointee)
    self.elements = ElementSource(bytes, directory: directory)
  }
}

/// "ai.onnx" is another name of the domain "".
private func canonicalDomain(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

private func text(_ bytes: ProtobufCBinaryData) -> String {
  String(decoding: UnsafeBufferPointer(start: bytes.data, count: bytes.len), as: UTF8.self)
}

/// The messages of a repeated field.
private func messages<Message>(_ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int) -> [Message]
{
  UnsafeBufferPointer(start: pointers, count: count).compactMap { $0?.pointee }
}

/// The numbers of a repeated field.
private func numbers<Number>(_ pointer: UnsafeMutablePointer<Number>?, _ count: Int) -> [Number] {
  Array(UnsafeBufferPointer(start: pointer, count: count))
}

private func strings(_ pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  UnsafeBufferPointer(start: pointers, count: count).map { text($0) }
}

/// From the structures of protobuf-c to values that own their memory.
private struct Decoder {
  let payloads: [WireScan.Payload]

  func graph(_ graph: Onnx__GraphProto) throws(ImportError) -> ONNXGraph {
    var nodes: [ONNXNode] = []
    var initialisers: [ONNXTensor] = []
    nodes.reserveCapacity(graph.n_node)
    for message in messages(graph.node, graph.n_node) { nodes.append(try node(message)) }
    for message in messages(graph.initializer, graph.n_initializer) { initialisers.append(try tensor(message)) }
    return ONNXGraph(
      name: text(graph.name), nodes: nodes, initialisers: initialisers,
      sparseInitialisers: messages(graph.sparse_initializer, graph.n_sparse_initializer).map {
        $0.values.map { text($0.pointee.name) } ?? ""
      },
      inputs: messages(graph.input, graph.n_input).map(value), outputs: messages(graph.output, graph.n_output).map(value))
  }

  private func node(_ node: Onnx__NodeProto) throws(ImportError) -> ONNXNode {
    var attributes: [ONNXAttribute] = []
    for message in messages(node.attribute, node.n_attribute) { attributes.append(try attribute(message)) }
    return ONNXNode(
      name: text(node.name), type: text(node.op_type), domain: canonicalDomain(text(node.domain)),
      inputs: strings(node.input, node.n_input), outputs: strings(node.output, node.n_output), attributes: attributes)
  }

  private func attribute(_ attribute: Onnx__AttributeProto) throws(ImportError) -> ONNXAttribute {
    let value: ONNXAttribute.Value
    switch attribute.type {
    case _ where text(attribute.ref_attr_name) != "": value = .unsupported(kind: "a reference to a function's attribute")
    case 1: value = .float(attribute.f)
    case 2: value = .integer(attribute.i)
    case 3: value = .string(text(attribute.s))
    case 4:
      guard let message = attribute.t else {
        value = .unsupported(kind: "a tensor that is absent")
        break
      }
      value = .tensor(try tensor(message.pointee))
    case 6: value = .floats(numbers(attribute.floats, attribute.n_floats))
    case 7: value = .integers(numbers(attribute.ints, attribute.n_ints))
    case 8: value = .strings(UnsafeBufferPointer(start: attribute.strings, count: attribute.n_strings).map { text($0) })
    case 5, 10: value = .unsupported(kind: "a subgraph")
    case 9: value = .unsupported(kind: "a list of tensors")
    case 11, 12: value = .unsupported(kind: "a sparse tensor")
    case 13, 14: value = .unsupported(kind: "a type")
    case let code: value = .unsupported(kind: "an attribute of unknown type \(code)")
    }
    return ONNXAttribute(name: text(attribute.name), value: value)
  }

  private func tensor(_ tensor: Onnx__TensorProto) throws(ImportError) -> ONNXTensor {
    let storage: ONNXTensor.Storage
    let isExternal = tensor.data_location == 1
    let places = [tensor.payload != 0, tensor.n_int32_data != 0, tensor.n_int64_data != 0, isExternal].count { $0 }
    guard places <= 1 else {
      throw .tensor(name: text(tensor.name), problem: "its elements are stored in \(places) places; one is expected")
    }
    if isExternal {
      storage = .external(messages(tensor.external_data, tensor.n_external_data).map { (text($0.key), text($0.value)) })
    } else if payloads.indices.contains(Int(tensor.payload) - 1) {
      storage = .payload(payloads[Int(tensor.payload) - 1])
    } else if tensor.n_int32_data > 0 {
      storage = .int32(numbers(tensor.int32_data, tensor.n_int32_data))
    } else if tensor.n_int64_data > 0 {
      storage = .int64(numbers(tensor.int64_data, tensor.n_int64_data))
    } else {
      storage = .absent
    }
    return ONNXTensor(
      name: text(tensor.name), element: TensorElementCode(rawValue: tensor.data_type),
      dimensions: numbers(tensor.dims, tensor.n_dims), storage: storage)
  }

  private func value(_ value: Onnx__ValueInfoProto) -> ONNXValue {
    ONNXValue(name: text(value.name), kind: value.type.map { kind($0.pointee) } ?? .other(ONNXValue.undeclared))
  }

  private func kind(_ type: Onnx__TypeProto) -> ONNXValue.Kind {
    switch type.value_case {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
      guard let tensor = type.tensor_type?.pointee else { return .other(ONNXValue.undeclared) }
      let dimensions = tensor.shape.map { shape in messages(shape.pointee.dim, shape.pointee.n_dim).map(dimension) }
      return .tensor(TensorElementCode(rawValue: tensor.elem_type), dimensions)
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE: return .other("a sequence")
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE: return .other("a map")
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE: return .other("a sparse tensor")
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE: return .other("an optional value")
    default: return .other(ONNXValue.undeclared)
    }
  }

  private func dimension(_ dimension: Onnx__TensorShapeProto__Dimension) -> ONNXDimension {
    switch dimension.value_case {
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE: .extent(dimension.dim_value)
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
      .free(symbol: text(dimension.dim_param).isEmpty ? nil : text(dimension.dim_param))
    default: .free(symbol: nil)
    }
  }
}
