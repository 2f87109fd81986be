import FoundationEssentials
import Images
import Interpreters

/// How photos become the input of a model, and what its classes are called: the JSON file beside a model, or flags of the
/// same names, which win.
///
/// Every member may be absent; `filled` then says what is taken.
public struct ModelDescription: Sendable, Equatable, Codable {
  public struct Resize: Sendable, Equatable, Codable {
    /// The shorter side becomes this long and the centre is cut out; by default as long as the longer side of `size`.
    public var shorterSide: Int?
    /// Whether both sides are resized to `size` instead, without regard to their proportion.
    public var exact: Bool?
    /// bilinear or bicubic.
    public var interpolation: String?
    /// Only "center".
    public var crop: String?

    public init(shorterSide: Int? = nil, exact: Bool? = nil, interpolation: String? = nil, crop: String? = nil) {
      self.shorterSide = shorterSide
      self.exact = exact
      self.interpolation = interpolation
      self.crop = crop
    }
  }

  /// Height and width.
  public var size: [Int]?
  public var resize: Resize?
  public var range: [Double]?
  public var mean: [Double]?
  public var std: [Double]?
  public var channelOrder: String?
  public var layout: String?
  /// A text file with one class name a line, relative to the file that names it.
  public var labels: String?
  /// The output that holds the class scores, where several could.
  public var scores: String?
  /// Of a model that scores labels which do not exclude one another: the label to look at, by number or name. The classes
  /// are then those without and with it.
  public var multiLabel: String?

  public init() {}

  /// Reads a JSON file. Members it does not know are refused: a misspelt one would be silently without effect.
  public init(contentsOf path: String) throws(FileError) {
    let data = Data(try readBytes(path, limit: 1 << 20))
    do {
      let members = try JSONDecoder().decode([String: AnyMember].self, from: data).keys
      let known = ["size", "resize", "range", "mean", "std", "channelOrder", "layout", "labels", "scores", "multiLabel"]
      if let unknown = members.sorted().first(where: { !known.contains($0) }) {
        throw FileError("'\(path)' has a member \(unknown); known are \(known.joined(separator: ", "))")
      }
      self = try JSONDecoder().decode(ModelDescription.self, from: data)
    } catch let error as FileError {
      throw error
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw FileError("'\(path)' does not describe a model: member \(place) has another type than expected")
    } catch {
      throw FileError("'\(path)' is not a JSON object that describes a model")
    }
    if let labels, !labels.hasPrefix("/") { self.labels = folder(of: path) + labels }
  }

  private struct AnyMember: Decodable { init(from decoder: any Decoder) {} }

  /// The description in the file beside a model: MODEL.json for MODEL.onnx. Nil when there is none.
  public static func beside(model path: String) throws(FileError) -> (description: ModelDescription, path: String)? {
    let json = folder(of: path) + baseName(path) + ".json"
    return fileExists(json) ? (try ModelDescription(contentsOf: json), json) : nil
  }

  /// This description with the members that `other` gives in place of its own.
  public func overridden(by other: ModelDescription) -> ModelDescription {
    var result = self
    if let size = other.size { result.size = size }
    if let resize = other.resize {
      result.resize = Resize(
        shorterSide: resize.shorterSide ?? self.resize?.shorterSide,
        exact: resize.exact ?? (resize.shorterSide == nil ? self.resize?.exact : nil),
        interpolation: resize.interpolation ?? self.resize?.interpolation, crop: resize.crop ?? self.resize?.crop)
    }
    if let range = other.range { result.range = range }
    if let mean = other.mean { result.mean = mean }
    if let std = other.std { result.std = std }
    if let channelOrder = other.channelOrder { result.channelOrder = channelOrder }
    if let layout = other.layout { result.layout = layout }
    if let labels = other.labels { result.labels = labels }
    if let scores = other.scores { result.scores = scores }
    if let multiLabel = other.multiLabel { result.multiLabel = multiLabel }
    return result
  }

  /// How photos are resized; without a rule the shorter side becomes the longer one of `size`, and the centre is cut out.
  func resizeRule(height: Int, width: Int) throws(UsageError) -> ResizeRule {
    let words = resize?.interpolation ?? "bilinear"
    guard let interpolation = Interpolation(rawValue: words) else {
      throw UsageError("interpolation is \(words); \(choices(Interpolation.self)) are known")
    }
    if let crop = resize?.crop, crop != "center" { throw UsageError("crop is \(crop); only center is known") }
    if resize?.exact == true { return .exact(interpolation) }
    let side = resize?.shorterSide ?? max(height, width)
    guard side >= max(height, width) else {
      throw UsageError("the shorter side is resized to \(side), too small to cut out \(height) x \(width)")
    }
    return .shorterSide(side, interpolation)
  }

  /// What happens to pixels inside of the graph. What is absent follows from the shape of the model's input.
  func preprocessing(inputShape: [Int]) throws(UsageError) -> Preprocessing {
    var preprocessing = Preprocessing()
    if let layout {
      guard let known = Preprocessing.Layout(rawValue: layout) else {
        throw UsageError("layout is \(layout); \(choices(Preprocessing.Layout.self)) are known")
      }
      preprocessing.layout = known
    } else if inputShape.count == 4, ![1, 3].contains(inputShape[1]), [1, 3].contains(inputShape[3]) {
      preprocessing.layout = .nhwc
    }
    if let channelOrder {
      guard let known = Preprocessing.ChannelOrder(rawValue: channelOrder) else {
        throw UsageError("channelOrder is \(channelOrder); \(choices(Preprocessing.ChannelOrder.self)) are known")
      }
      preprocessing.channelOrder = known
    } else if inputShape.count == 4, inputShape[preprocessing.layout == .nchw ? 1 : 3] == 1 {
      preprocessing.channelOrder = .grey
    }
    if let range { preprocessing.range = range }
    if let mean { preprocessing.mean = mean }
    if let std { preprocessing.std = std }
    do { try preprocessing.validate() } catch { throw UsageError(error.description) }
    return preprocessing
  }
}

private func choices<Choice: CaseIterable & RawRepresentable>(_ type: Choice.Type) -> String
where Choice.RawValue == String {
  type.allCases.map(\.rawValue).joined(separator: ", ")
}
