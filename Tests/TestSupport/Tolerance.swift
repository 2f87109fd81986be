import TensorTypes

/// max |a − b| / max |b|, or max |a − b| where b is zero throughout.
///
/// Non-finite elements agree when they are the same; otherwise the error is infinite.
public func relativeError(_ a: HostTensor, _ b: HostTensor) -> Double {
  precondition(a.type == b.type, "\(a.type) against \(b.type)")
  var difference = 0.0, scale = 0.0
  for (x, y) in zip(a.doubles, b.doubles) {
    if x.isNaN && y.isNaN || x == y {
      if y.isFinite { scale = max(scale, abs(y)) }
      continue
    }
    guard x.isFinite && y.isFinite else { return .infinity }
    difference = max(difference, abs(x - y))
    scale = max(scale, abs(y))
  }
  return scale == 0 ? difference : difference / scale
}

extension HostTensor {
  public static func zeros(_ type: TensorType) -> HostTensor { .filled(type, with: 0) }

  /// self + factor · other, element by element.
  public func adding(_ factor: Double, _ other: HostTensor) -> HostTensor {
    HostTensor(type, .double(zip(doubles, other.doubles).map { $0 + factor * $1 }))
  }
}
