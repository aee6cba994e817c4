//===- Epilogue.cpp - what happens to sums before they are stored -------------------------------------------------===//

#include "Epilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Instructions above which the code of an epilogue is written once a row of a thread's sums, in a loop.
static constexpr int64_t heavyInstructions = 12;

bool Epilogue::isHeavy() const { return kernel::countInstructions(site.epilogue) > heavyInstructions; }

Epilogue::Epilogue(IndexMath &m, const ContractionSite &site, int64_t lanes) : site(site), lanes(lanes) {
  Value result = findResult(site);
  for (int64_t i = 0, rank = cast<MemRefType>(result.getType()).getRank(); i < rank; ++i)
    sizes.push_back(m.dim(result, i));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------------------------------------------------===//

Epilogue::Access Epilogue::getAccess(IndexMath &m, Value memref, AffineMap map, Value row,
                                     const Columns &columns) const {
  unsigned columnDim = sizes.size() - 1;
  bool isVector = map.isFunctionOfDim(columnDim);
  if (map.isIdentity() && map.getNumDims() > 1)
    return {m.add(m.mul(row, sizes.back()), columns.first), isVector};
  SmallVector<Value> at(sizes.size(), m.constant(0));
  if (kernel::dependsOnColumnOnly(map))
    at.back() = columns.first;
  else
    at = kernel::getPosition(m, sizes, row, columns.first);
  Value offset = m.constant(0);
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    offset = m.mul(offset, m.dim(memref, dim));
    if (auto position = dyn_cast<AffineDimExpr>(expr)) // else a zero: that dim has one element
      offset = m.add(offset, at[position.getPosition()]);
  }
  return {offset, isVector};
}

Value Epilogue::loadAt(IndexMath &m, Value tensor, AffineMap map, Value row, const Columns &columns) const {
  Value memref = site.values.lookup(tensor);
  auto type = dyn_cast<MemRefType>(memref.getType());
  if (!type)
    return memref;
  Access access = getAccess(m, memref, map, row, columns);
  Type element = type.getElementType();
  Value pointer = movePointer(m, getGlobalPointer(m, memref), access.offset, element);
  if (!access.isVector)
    return loadElements(m, pointer, element, 1);
  if (!columns.count)
    return loadElements(m, pointer, element, lanes);
  // Lanes that do not exist read what the last one that does reads.
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value distance = m.min(m.constant(lane), m.sub(columns.count, 1));
    elements.push_back(loadElements(m, movePointer(m, pointer, distance, element), element, 1));
  }
  return joinVector(m, elements);
}

Epilogue::Columns Epilogue::load(IndexMath &m, Value first, Value end) const {
  Columns columns;
  columns.first = first;
  if (end) {
    columns.count = m.sub(end, first);
    SmallVector<Value> exists;
    for (int64_t lane = 0; lane < lanes; ++lane)
      exists.push_back(m.less(m.constant(lane), columns.count));
    columns.mask = joinVector(m, exists);
  }
  if (auto conv = dyn_cast<exec::ConvOp>(site.root); conv && conv.getBias()) {
    MLIRContext *context = m.builder().getContext();
    AffineMap map = AffineMap::get(sizes.size(), 0, getAffineDimExpr(sizes.size() - 1, context));
    columns.bias = loadAt(m, conv.getBias(), map, nullptr, columns);
  }
  for (linalg::GenericOp generic : site.epilogue)
    for (OpOperand *input : generic.getDpsInputOperands())
      if (site.values.contains(input->get()) && kernel::dependsOnColumnOnly(generic.getMatchingIndexingMap(input)) &&
          generic.payloadUsesValueFromOperand(input))
        columns.operands[input] = loadAt(m, input->get(), generic.getMatchingIndexingMap(input), nullptr, columns);
  return columns;
}

void Epilogue::store(IndexMath &m, Value value, Value tensor, Value row, const Columns &columns) const {
  Value memref = site.values.lookup(tensor);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  Value pointer = movePointer(m, getGlobalPointer(m, memref), m.add(m.mul(row, sizes.back()), columns.first), element);
  value = kernel::toVector(m.builder(), m.location(), value, lanes);
  if (!columns.count)
    return storeElements(m, value, pointer);
  for (auto [lane, scalar] : llvm::enumerate(splitVector(m, value)))
    m.ifThen(m.less(m.constant(lane), columns.count), [&, lane = int64_t(lane), scalar = scalar] {
      storeElements(m, scalar, movePointer(m, pointer, m.constant(lane), element));
    });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------------------------------------------------===//

Value Epilogue::addBias(IndexMath &m, Value sum, const Columns &columns) const {
  if (!columns.bias)
    return sum;
  OpBuilder &b = m.builder();
  Value bias = columns.bias;
  if (bias.getType() != sum.getType())
    bias = arith::ExtFOp::create(b, m.location(), sum.getType(), bias);
  return isa<FloatType>(getElementTypeOrSelf(sum)) ? arith::AddFOp::create(b, m.location(), sum, bias).getResult()
                                                   : arith::AddIOp::create(b, m.location(), sum, bias).getResult();
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
  llvm::DenseMap<Value, Value> own{{result, convertSum(m, addBias(m, sum, columns), element)}};
  if (site.values.contains(result))
    store(m, own[result], result, row, columns);
  kernel::LoopPoint point;
  point.dim = lanes == 1 ? -1 : int64_t(sizes.size()) - 1;
  point.lanes = lanes;
  point.mask = lanes == 1 ? Value() : columns.mask;
  point.ivs = kernel::getPosition(m, sizes, row, columns.first);
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
    SmallVector<Value> results = kernel::cloneBody(b, generic, args, point, site.values);
    for (auto [tensor, value] : llvm::zip_equal(generic.getResults(), results)) {
      own[tensor] = value;
      if (site.values.contains(tensor))
        store(m, value, tensor, row, columns);
    }
  }
}
