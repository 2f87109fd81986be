import IR
import Operators
import TensorTypes

/// How pixels in [0, 1] become what a model's input takes.
///
/// u = (low + (high − low) · x − mean) / std, in the model's order of channels and axes.
public struct Preprocessing: Sendable, Equatable, Codable {
  public enum ChannelOrder: String, Sendable, CaseIterable, Codable { case rgb, bgr, grey }
  public enum Layout: String, Sendable, CaseIterable, Codable { case nchw, nhwc }

  /// The values that black and white have before normalisation: 0 and 1, or 0 and 255.
  public var range: [Double]
  /// One number, or one for each channel in the model's order; in units of `range`.
  public var mean: [Double]
  public var std: [Double]
  public var channelOrder: ChannelOrder
  public var layout: Layout

  public init(
    range: [Double] = [0, 1], mean: [Double] = [0], std: [Double] = [1], channelOrder: ChannelOrder = .rgb,
    layout: Layout = .nchw
  ) {
    self.range = range
    self.mean = mean
    self.std = std
    self.channelOrder = channelOrder
    self.layout = layout
  }

  /// Channels of an image.
  public var channelCount: Int { channelOrder == .grey ? 1 : 3 }

  /// - Throws: `InterpreterError.preprocessing` naming the member that is not usable.
  public func validate() throws(InterpreterError) {
    guard range.count == 2, range[0] < range[1], range.allSatisfy(\.isFinite) else {
      throw .preprocessing("range is \(range); two ascending numbers such as [0, 1] are expected")
    }
    for (name, numbers) in [("mean", mean), ("std", std)] {
      guard numbers.count == 1 || numbers.count == channelCount, numbers.allSatisfy(\.isFinite) else {
        throw .preprocessing("\(name) is \(numbers); one number or \(channelCount) are expected")
      }
    }
    guard std.allSatisfy({ $0 > 0 }) else { throw .preprocessing("std is \(std); positive numbers are expected") }
  }

  /// The input of the model for x in [0, 1], f32[B, C, H, W] with channels in RGB order.
  func append(to x: Value, in builder: GraphBuilder) throws(TypeError) -> Value {
    var u = x
    if range[1] - range[0] != 1 { u = try builder.multiply(u, range[1] - range[0]) }
    if channelOrder == .bgr {
      let reversed = builder.constant(HostTensor([3], [2, 1, 0] as [Int64]), name: "channels.reversed")
      u = try builder.append(Gather(axis: 1), [u, reversed])
    }
    let shift = mean.map { $0 - range[0] }
    if shift.contains(where: { $0 != 0 }) { u = try builder.subtract(u, channels(shift, "mean", in: builder)) }
    if std.contains(where: { $0 != 1 }) {
      u = try builder.multiply(u, channels(std.map { 1 / $0 }, "std.reciprocal", in: builder))
    }
    return layout == .nhwc ? try builder.permute(u, [0, 2, 3, 1]) : u
  }

  /// [C, 1, 1]
  private func channels(_ numbers: [Double], _ name: String, in builder: GraphBuilder) -> Value {
    let all = numbers.count == 1 ? [Double](repeating: numbers[0], count: channelCount) : numbers
    let type = TensorType(.float32, [channelCount, 1, 1])
    return builder.constant(HostTensor(type, .double(all)), name: "preprocessing.\(name)")
  }
}
