import COnnx
import CProtobufC

/// The messages of the schema as the wire scan needs them, read from the descriptors that protoc-c wrote.
struct WireSchema: Sendable {
  enum Kind: Sendable {
    case varint
    case fixed32
    case fixed64
    case string
    case bytes
    case message(index: Int)
  }

  struct Field: Sendable {
    let name: String
    let number: UInt32
    let kind: Kind
    let isRepeated: Bool
  }

  struct Message: Sendable {
    let name: String
    let fields: [Field]
  }

  /// The schema of a whole model; message 0 is `ModelProto`.
  static let model = WireSchema()

  private(set) var messages: [Message] = []

  private init() {
    var pending: [UnsafePointer<ProtobufCMessageDescriptor>] = [Onnx__ModelProto.descriptor]
    var indices: [UnsafePointer<ProtobufCMessageDescriptor>: Int] = [pending[0]: 0]
    while messages.count < pending.count {
      let descriptor = pending[messages.count].pointee
      var fields: [Field] = []
      for position in 0..<Int(descriptor.n_fields) {
        let field = descriptor.fields[position]
        let kind: Kind
        switch field.type {
        case PROTOBUF_C_TYPE_STRING: kind = .string
        case PROTOBUF_C_TYPE_BYTES: kind = .bytes
        case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32: kind = .fixed32
        case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64: kind = .fixed64
        case PROTOBUF_C_TYPE_MESSAGE:
          let child = field.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
          if indices[child] == nil {
            indices[child] = pending.count
            pending.append(child)
          }
          kind = .message(index: indices[child, default: 0])
        default: kind = .varint
        }
        let isRepeated = field.label == PROTOBUF_C_LABEL_REPEATED
        fields.append(Field(name: String(cString: field.name), number: field.id, kind: kind, isRepeated: isRepeated))
      }
      messages.append(Message(name: String(cString: descriptor.short_name), fields: fields))
    }
  }
}

extension Onnx__ModelProto {
  /// The address of the descriptor, which a new message points to.
  fileprivate static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
    var message = Onnx__ModelProto()
    onnx__model_proto__init(&message)
    return message.base.descriptor
  }
}
