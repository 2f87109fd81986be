/// Element type and shape of a value; every shape is known when compiling.
public struct TensorType: Sendable, Hashable, Codable, CustomStringConvertible {
  public var element: ElementType
  public var shape: Shape

  public init(_ element: ElementType, _ shape: Shape) {
    self.element = element
    self.shape = shape
  }

  public var byteCount: Int { element.byteCount * shape.elementCount }
  public var description: String { element.rawValue + shape.description }
}
