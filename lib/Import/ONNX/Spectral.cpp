//===- Spectral.cpp - import of Fourier transforms ------------------------------------------------------------------------===//

#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

/// The size of the axis as one i64, also where the axis is known only at run time.
static Value sizeAlong(NodeImporter &node, Value axis) {
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(node.input(0));
  if (failed(shape))
    return nullptr;
  FailureOr<nn::GatherOp> size = node.create<nn::GatherOp>(*shape, axis, node.builder().getI64IntegerAttr(0));
  return failed(size) ? Value() : Value(*size);
}

static LogicalResult importDFT(NodeImporter &node) {
  Value axis;
  if (node.opset() < 20)
    axis = node.constantInts(node.intAttr("axis", 1));
  else
    axis = node.hasInput(2) ? node.input(2) : node.constantInts(-2);
  bool inverse = node.intAttr("inverse") != 0, half = node.intAttr("onesided") != 0;
  Value length = node.input(1);
  if (!length) {
    Chain size(node, sizeAlong(node, axis));
    // Half of an even number of elements.
    length = (inverse && half ? size.with<nn::SubOp>(1).with<nn::MulOp>(2) : size).get();
    if (!length)
      return failure();
  }
  StringRef kind = inverse ? (half ? "real" : "inverse") : (half ? "half" : "forward");
  return node.becomes<nn::DftOp>(node.input(0), length, axis, kind);
}

/// One i64, of a scalar or a tensor of one element, as a tensor of one dim.
static Chain asVector(NodeImporter &node, Value value) {
  FailureOr<Value> vector = reshapeTo(node, value, SizeSource{1, {}});
  return Chain(node, failed(vector) ? Value() : *vector).cast(node.builder().getI64Type());
}

/// Frames of the signal, weighted by the window, each transformed.
static LogicalResult importSTFT(NodeImporter &node) {
  OpBuilder &b = node.builder();
  Value signal = node.input(0), window = node.input(2);
  int64_t rank = node.inputType(0).getRank();
  if (rank != 2 && rank != 3)
    return node.error("needs a signal of 2 or 3 dims");
  if (rank == 2) {
    FailureOr<Value> real = reshapeTo(node, signal, {{0, signal}, {1, signal}, {1, {}}});
    if (failed(real))
      return failure();
    signal = *real;
  }
  FailureOr<Value> size = makeShape(node, SizeSource{1, signal});
  FailureOr<Value> windowSize = window ? makeShape(node, SizeSource{0, window}) : size;
  if (failed(size) || failed(windowSize))
    return failure();
  Chain length = node.hasInput(3) ? asVector(node, node.input(3)) : Chain(node, *windowSize);
  Chain step = asVector(node, node.input(1));
  Chain end = Chain(node, *size).with<nn::SubOp>(length).with<nn::AddOp>(node.constantInts(1));
  if (!end.get() || !step.get())
    return failure();
  FailureOr<nn::RangeOp> starts = node.create<nn::RangeOp>(node.constantInts(0), end.get(), step.get());
  FailureOr<nn::RangeOp> places = node.create<nn::RangeOp>(node.constantInts(0), length.get(), node.constantInts(1));
  if (failed(starts) || failed(places))
    return failure();
  FailureOr<Value> rows = reshapeTo(node, *starts, {{-1, {}}, {1, {}}});
  if (failed(rows))
    return failure();
  Value indices = Chain(node, *rows).with<nn::AddOp>(Value(*places)).get();
  FailureOr<nn::GatherOp> frames =
      indices ? node.create<nn::GatherOp>(signal, indices, b.getI64IntegerAttr(1)) : FailureOr<nn::GatherOp>(failure());
  if (failed(frames))
    return failure();
  Value weighted = *frames;
  if (window) {
    FailureOr<Value> column = reshapeTo(node, window, {{0, window}, {1, {}}});
    weighted = failed(column) ? Value() : Chain(node, weighted).with<nn::MulOp>(*column).get();
    if (!weighted)
      return failure();
  }
  return node.becomes<nn::DftOp>(weighted, length.get(), node.constantInts(2),
                                 node.intAttr("onesided", 1) ? "half" : "forward");
}

static LogicalResult importDet(NodeImporter &node) { return node.becomes<nn::DetOp>(node.input(0)); }

void registerSpectral(ImportTable &table) {
  table.add({
      {"", "DFT", 17, importDFT},
      {"", "STFT", 17, importSTFT},
      {"", "Det", 11, importDet},
  });
}

} // namespace nncc::import
