//===- Epilogue.cpp - what happens to sums before they are stored -------------------------------------------------===//

#include "Epilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Kernel/VectorBody.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Instructions above which the code of an epilogue is written once a vector, not once a vector of the register tile.
/// One function of the math dialect is 20 to 40.
static constexpr int64_t kHeavyInstructions = 12;

Epilogue::Epilogue(IndexMath &m, const ContractionSite &site, int64_t lanes) : site(site), lanes(lanes) {
  heavy = countInstructions(site.epilogue) > kHeavyInstructions;
  if (auto conv = dyn_cast<exec::ConvOp>(site.root); conv && conv.getBias())
    bias = site.values.lookup(conv.getBias());
  Value result = findResult(site);
  for (int64_t i = 0, rank = cast<MemRefType>(result.getType()).getRank(); i < rank; ++i)
    sizes.push_back(m.dim(result, i));
}

Value Epilogue::loadAt(IndexMath &m, Value tensor, AffineMap map, Value row, const Columns &columns) const {
  Value memref = site.values.lookup(tensor);
  if (!isa<MemRefType>(memref.getType()))
    return memref;
  LoopPoint point;
  point.dim = lanes == 1 ? -1 : int64_t(sizes.size()) - 1;
  point.lanes = lanes;
  point.mask = columns.mask;
  if (map.isIdentity() && map.getNumDims() > 1) {
    // The matrix of the result: one index, however many dims there are.
    AffineMap flat = AffineMap::getMultiDimIdentityMap(1, map.getContext());
    point.ivs = {m.add(m.mul(row, sizes.back()), columns.first)};
    point.dim = lanes == 1 ? -1 : 0;
    return cpu::loadOperand(m.builder(), m.location(), m.flatten(memref), flat, point);
  }
  if (dependsOnColumnOnly(map)) {
    point.ivs.assign(sizes.size(), m.constant(0));
    point.ivs.back() = columns.first;
  } else {
    point.ivs = getPosition(m, sizes, row, columns.first);
  }
  return cpu::loadOperand(m.builder(), m.location(), memref, map, point);
}

Epilogue::Columns Epilogue::load(IndexMath &m, Value first, Value mask) const {
  Columns columns;
  columns.first = first;
  columns.mask = mask;
  MLIRContext *context = m.builder().getContext();
  if (bias) {
    AffineMap map = AffineMap::get(sizes.size(), 0, getAffineDimExpr(sizes.size() - 1, context));
    auto conv = cast<exec::ConvOp>(site.root);
    columns.bias = toVector(m.builder(), m.location(), loadAt(m, conv.getBias(), map, nullptr, columns), lanes);
  }
  for (linalg::GenericOp generic : site.epilogue)
    for (OpOperand *input : generic.getDpsInputOperands())
      if (site.values.contains(input->get()) && dependsOnColumnOnly(generic.getMatchingIndexingMap(input)) &&
          generic.payloadUsesValueFromOperand(input))
        columns.operands[input] = loadAt(m, input->get(), generic.getMatchingIndexingMap(input), nullptr, columns);
  return columns;
}

void Epilogue::store(IndexMath &m, Value value, Value tensor, Value row, const Columns &columns) const {
  LoopPoint point;
  point.dim = lanes == 1 ? -1 : 0;
  point.lanes = lanes;
  point.mask = columns.mask;
  point.ivs = {m.add(m.mul(row, sizes.back()), columns.first)};
  AffineMap flat = AffineMap::getMultiDimIdentityMap(1, m.builder().getContext());
  storeOperand(m.builder(), m.location(), value, m.flatten(site.values.lookup(tensor)), flat, point);
}

/// A sum as an element of the result.
static Value convertSum(IndexMath &m, Value sum, Type element) {
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(sum.getType()))
    type = vector.clone(element);
  if (type == sum.getType())
    return sum;
  return arith::TruncFOp::create(m.builder(), m.location(), type, sum);
}

void Epilogue::finish(IndexMath &m, Value sum, Value row, const Columns &columns) const {
  OpBuilder &b = m.builder();
  Value result = site.root->getResult(0);
  Type element = cast<RankedTensorType>(result.getType()).getElementType();
  if (columns.bias) {
    Value wide = columns.bias;
    if (wide.getType() != sum.getType())
      wide = arith::ExtFOp::create(b, m.location(), sum.getType(), wide);
    sum = isa<FloatType>(getElementTypeOrSelf(sum)) ? arith::AddFOp::create(b, m.location(), sum, wide).getResult()
                                                    : arith::AddIOp::create(b, m.location(), sum, wide).getResult();
  }
  llvm::DenseMap<Value, Value> own{{result, convertSum(m, sum, element)}};
  if (site.values.contains(result))
    store(m, own[result], result, row, columns);
  LoopPoint point;
  point.dim = lanes == 1 ? -1 : int64_t(sizes.size()) - 1;
  point.lanes = lanes;
  point.mask = columns.mask;
  point.ivs = getPosition(m, sizes, row, columns.first);
  for (linalg::GenericOp generic : site.epilogue) {
    SmallVector<Value> args;
    for (OpOperand &operand : generic->getOpOperands()) {
      Value cached = columns.operands.lookup(&operand), known = own.lookup(operand.get());
      if (cached || known)
        args.push_back(cached ? cached : known);
      else if (generic.payloadUsesValueFromOperand(&operand))
        args.push_back(loadAt(m, operand.get(), generic.getMatchingIndexingMap(&operand), row, columns));
      else // an output that the body does not read
        args.push_back(nullptr);
    }
    SmallVector<Value> results = cloneBody(b, generic, args, point, site.values);
    for (auto [tensor, value] : llvm::zip_equal(generic.getResults(), results)) {
      own[tensor] = value;
      if (site.values.contains(tensor))
        store(m, value, tensor, row, columns);
    }
  }
}
