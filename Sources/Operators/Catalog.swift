import IR
import TensorTypes

/// Every operator by mnemonic: what the parser makes and the law tests run over.
public enum Catalog {
  public static let operators: OperatorCatalog = {
    var catalog: OperatorCatalog = [
      "broadcast": { Broadcast(shape: Shape(try $0.integers("shape")), axes: try $0.integers("axes")) },
      "sum": { Sum(axes: try $0.integers("axes")) },
      "reshape": { Reshape(shape: Shape(try $0.integers("shape"))) },
      "reorder": { attributes in
        guard let layout = Layout(rawValue: try attributes.word("layout")) else {
          throw AttributeError(name: "layout", expected: "plain or blocked")
        }
        return Reorder(to: layout)
      },
      "permute": { Permute(order: try $0.integers("order")) },
      "pad": {
        Pad(low: try $0.integers("low"), high: try $0.integers("high"), interior: try $0.integers("interior"))
      },
      "slice": {
        Slice(start: try $0.integers("start"), limit: try $0.integers("limit"), stride: try $0.integers("stride"))
      },
      "concatenate": { Concatenate(axis: try $0.integer("axis")) },
      "gather": { Gather(axis: try $0.integer("axis")) },
      "scatter": { Scatter(axis: try $0.integer("axis"), extent: try $0.integer("extent")) },
      "take": { Take(batchRank: try $0.integer("batchRank")) },
      "untake": { Untake(batchRank: try $0.integer("batchRank"), inner: Shape(try $0.integers("inner"))) },
      "indexOfMaximum": { IndexOfMaximum(batchRank: try $0.integer("batchRank")) },
      "windowIndexOfMaximum": { WindowIndexOfMaximum(window: try Window($0)) },
      "windowSum": { WindowSum(window: try Window($0)) },
      "windowSpread": { WindowSpread(window: try Window($0), spatial: try $0.integers("spatial")) },
      "matrixProduct": {
        MatrixProduct(transposeLeft: try $0.flag("transposeLeft"), transposeRight: try $0.flag("transposeRight"))
      },
      "convolution": { attributes in
        guard let role = Convolution.Role(rawValue: try attributes.word("solving")) else {
          throw AttributeError(name: "solving", expected: "input, filter or output")
        }
        return Convolution(
          solving: role, strides: try attributes.integers("strides"), pads: try attributes.integers("pads"),
          dilations: try attributes.integers("dilations"), groups: try attributes.integer("groups"),
          shape: Shape(try attributes.integers("shape")))
      },
      "convert": { attributes in
        guard let element = ElementType(rawValue: try attributes.word("to")) else {
          throw AttributeError(name: "to", expected: "an element type")
        }
        return Convert(to: element)
      },
      "fused": { Fused(body: try $0.body("body")) },
    ]
    for function in ScalarFunction.allCases {
      catalog[function.rawValue] = { Elementwise(function, declaring: try KinkDerivative($0)) }
    }
    return catalog
  }()
}
