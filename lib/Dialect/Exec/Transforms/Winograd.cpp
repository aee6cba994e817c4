//===- Winograd.cpp - 3x3 convolutions as products of transformed patches -------------------------------------------------===//
//
// F(4x4, 3x3) with the points 0, 1, -1, 1/2, -2 and infinity: of each patch of 6 x 6 pixels 36 numbers a channel are multiplied where 4 x 4
// results take 144. With d a patch, g a filter and * a product element by element, the results are A (G g G' * B d B') A'.
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Weights.h"
#include "WinogradEpilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "exec-winograd"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_WINOGRAD
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

constexpr int64_t tileSize = 4, patchSize = 6, numProducts = patchSize * patchSize;

constexpr double patchTransform[patchSize][patchSize] = { // B
    {1, -1.5, -2, 1.5, 1, 0}, {0, -1, 0.5, 2.5, 1, 0},  {0, 1, -2.5, 0.5, 1, 0},
    {0, -2, -1, 2, 1, 0},     {0, 0.5, -1, -0.5, 1, 0}, {0, 1, -1.5, -2, 1.5, 1}};
constexpr double filterTransform[patchSize][3] = { // G
    {1, 0, 0},
    {1.0 / 3, 1.0 / 3, 1.0 / 3},
    {-1.0 / 3, 1.0 / 3, -1.0 / 3},
    {-16.0 / 15, -8.0 / 15, -4.0 / 15},
    {1.0 / 15, -2.0 / 15, 4.0 / 15},
    {0, 0, 1}};
constexpr double resultTransform[tileSize][patchSize] = { // A
    {1, 1, 1, 1, 1, 0},
    {0, 1, -1, 0.5, -2, 0},
    {0, 1, 1, 0.25, 4, 0},
    {0, 1, -1, 0.125, -8, 1}};

//===----------------------------------------------------------------------------------------------------------------------===//
// Which convolutions
//===----------------------------------------------------------------------------------------------------------------------===//

/// A convolution that can be done so.
struct WinogradShape {
  int64_t batch; // kDynamic: any
  int64_t height, width, inputs, outputs, padTop, padLeft, tilesDown, tilesAcross;

  static std::optional<WinogradShape> of(ConvOp op);
  int64_t getImageTiles() const { return tilesDown * tilesAcross; }
  // Between the transforms channels are whole vectors, zeros at the end: lines that are written by halves take twice as long.
  int64_t getPaddedInputs() const { return llvm::alignTo(inputs, lanes); }
  int64_t getPaddedOutputs() const { return llvm::alignTo(outputs, lanes); }
  bool isFaster() const;
};

/// Whether at most the number of images is dynamic.
bool hasKnownImages(RankedTensorType type) {
  return llvm::none_of(type.getShape().drop_front(), ShapedType::isDynamic);
}

std::optional<WinogradShape> WinogradShape::of(ConvOp op) {
  auto isOne = [](int64_t number) { return number == 1; };
  RankedTensorType input = op.getInput().getType(), result = op.getType();
  ArrayRef<int64_t> filter = op.getFilterShape();
  if (op.getPacked() || op.getOutside() || op.getGroups() != 1 || filter.size() != 5 ||
      !llvm::all_of(op.getStrides(), isOne) || !llvm::all_of(op.getDilations(), isOne))
    return std::nullopt;
  if (filter[1] != 3 || filter[2] != 3 || !result.getElementType().isF32() || !hasKnownImages(input) ||
      !hasKnownImages(result))
    return std::nullopt;
  ArrayRef<int64_t> sizes = result.getShape();
  return WinogradShape{sizes[0],
                       sizes[1],
                       sizes[2],
                       filter[3],
                       filter[4],
                       op.getPads()[0],
                       op.getPads()[1],
                       int64_t(llvm::divideCeil(sizes[1], tileSize)),
                       int64_t(llvm::divideCeil(sizes[2], tileSize))};
}

/// In multiply-adds. Transforming takes a few an element; filters, four times as large as before, come from memory at two and a half a
/// byte, while the others are multiplied. What is between goes there and back when it is too large for the last cache, and costs half of
/// that when it is too large for a core's own.
bool WinogradShape::isFaster() const {
  constexpr double transformWork = 10, byteWork = 2.5, clearly = 0.75;
  constexpr double ownCacheBytes = 2 << 20, lastCacheBytes = 32 << 20, largestBytes = 128 << 20;
  double images = ShapedType::isDynamic(batch) ? 1 : double(batch), tiles = images * getImageTiles();
  double direct = images * height * width * 9 * inputs * getPaddedOutputs();
  double channels = double(getPaddedInputs()) * getPaddedOutputs(),
         eitherChannels = getPaddedInputs() + getPaddedOutputs();
  double products = tiles * numProducts * channels;
  double between = tiles * numProducts * 4 * eitherChannels;
  double transforms = tiles * numProducts * transformWork * eitherChannels;
  transforms += (between > lastCacheBytes ? 2 : between > ownCacheBytes ? 1 : 0) * between * byteWork;
  double filters = channels * numProducts * 4 * byteWork;
  return std::max(products, filters) + transforms < clearly * direct && between <= largestBytes;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------------------------------------------------------===//

/// Arithmetic on vectors of channels.
class Transformer {
public:
  Transformer(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  /// The sums of `terms` with the coefficients of each row.
  template <size_t rows, size_t columns>
  SmallVector<Value> apply(const double (&matrix)[rows][columns], ArrayRef<Value> terms) {
    SmallVector<Value> results;
    for (const auto &row : matrix)
      results.push_back(combine(row, terms));
    return results;
  }

  /// Both dims of `square` (row-major, columns x columns), one after the other.
  template <size_t rows, size_t columns>
  SmallVector<Value> applyToBoth(const double (&matrix)[rows][columns], ArrayRef<Value> square) {
    SmallVector<Value> half(rows * columns), result;
    for (size_t column = 0; column < columns; ++column) {
      SmallVector<Value> terms;
      for (size_t row = 0; row < columns; ++row)
        terms.push_back(square[row * columns + column]);
      for (auto [row, value] : llvm::enumerate(apply(matrix, terms)))
        half[row * columns + column] = value;
    }
    for (size_t row = 0; row < rows; ++row)
      llvm::append_range(result, apply(matrix, ArrayRef(half).slice(row * columns, columns)));
    return result;
  }

private:
  /// Starts from a term that is taken as it is: there is one in each row.
  Value combine(ArrayRef<double> coefficients, ArrayRef<Value> terms) {
    const double *start = llvm::find(coefficients, 1.0);
    Value sum = terms[start - coefficients.begin()];
    for (auto [coefficient, term] : llvm::zip_equal(coefficients, terms)) {
      if (&coefficient == start || coefficient == 0)
        continue;
      if (coefficient == 1)
        sum = arith::AddFOp::create(b, loc, sum, term);
      else if (coefficient == -1)
        sum = arith::SubFOp::create(b, loc, sum, term);
      else
        sum = math::FmaOp::create(b, loc, splat(coefficient), term, sum);
    }
    return sum;
  }
  Value splat(double number) {
    auto type = VectorType::get(lanes, b.getF32Type());
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, float(number)));
  }

  OpBuilder &b;
  Location loc;
};

/// Pixels of a patch or of a tile along one dim: positions that exist, and whether they are those that were asked for.
struct Positions {
  SmallVector<Value> at, exists;
};

Positions locate(OpBuilder &b, Location loc, Value first, int64_t count, int64_t size) {
  Positions positions;
  for (int64_t i = 0; i < count; ++i) {
    Value at = arith::AddIOp::create(b, loc, first, arith::ConstantIndexOp::create(b, loc, i));
    Value end = arith::ConstantIndexOp::create(b, loc, size), last = arith::ConstantIndexOp::create(b, loc, size - 1);
    positions.exists.push_back(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, end));
    positions.at.push_back(arith::MinUIOp::create(b, loc, at, last)); // a negative one is a large one
  }
  return positions;
}

/// For each pair of a row and a column that exist `count` lanes, else none.
SmallVector<Value> createMasks(OpBuilder &b, Location loc, const Positions &rows, const Positions &columns,
                               Value count) {
  auto type = VectorType::get(lanes, b.getI1Type());
  Value none = arith::ConstantIndexOp::create(b, loc, 0);
  SmallVector<Value> masks;
  for (Value row : rows.exists)
    for (Value column : columns.exists) {
      Value both = arith::AndIOp::create(b, loc, row, column);
      Value taken = arith::SelectOp::create(b, loc, both, count, none);
      masks.push_back(vector::CreateMaskOp::create(b, loc, type, taken));
    }
  return masks;
}

/// Of channels: the first of a vector, which lanes of it there are (null: all), and the same for each pixel.
struct Channels {
  Value first, mask;
  ArrayRef<Value> masks;
};

/// A loop over whole vectors of channels, and once what is left. `getMasks` makes the masks of the pixels for so many lanes.
void forEachVector(OpBuilder &b, Location loc, int64_t channels,
                   llvm::function_ref<SmallVector<Value>(int64_t)> getMasks,
                   llvm::function_ref<void(OpBuilder &, const Channels &)> body) {
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  int64_t left = channels % lanes;
  if (channels > left) {
    SmallVector<Value> masks = getMasks(lanes);
    auto loop = scf::ForOp::create(b, loc, index(0), index(channels - left), index(lanes));
    OpBuilder inner = OpBuilder::atBlockTerminator(loop.getBody());
    body(inner, {loop.getInductionVar(), Value(), masks});
  }
  if (left > 0) {
    SmallVector<Value> masks = getMasks(left);
    Value mask = vector::CreateMaskOp::create(b, loc, VectorType::get(lanes, b.getI1Type()), index(left));
    body(b, {index(channels - left), mask, masks});
  }
}

/// A vector of `memory`; with zeros where `mask`, if there is one, has none.
Value load(OpBuilder &b, Location loc, Value memory, ValueRange at, Value mask) {
  auto type = VectorType::get(lanes, b.getF32Type());
  if (!mask)
    return vector::LoadOp::create(b, loc, type, memory, at);
  Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, memory, at, mask, none);
}

class ConvRewriter {
public:
  ConvRewriter(ConvOp op, WinogradShape shape)
      : op(op), shape(shape), epilogue(op), b(epilogue.getRoot()), loc(op.getLoc()) {
    batch = tensor::getMixedSize(b, loc, op.getInput(), 0);
    numTiles = ShapedType::isDynamic(shape.batch)
                   ? arith::MulIOp::create(b, loc, cast<Value>(batch), index(b, shape.getImageTiles())).getResult()
                   : OpFoldResult(size(shape.batch * shape.getImageTiles()));
  }

  void rewrite(Value filter);

private:
  Value index(OpBuilder &b, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  OpFoldResult size(int64_t number) { return b.getIndexAttr(number); }
  SmallVector<Value> getGrid() {
    return {getValueOrCreateConstantIndexOp(b, loc, batch), index(b, shape.tilesDown), index(b, shape.tilesAcross)};
  }
  Value empty(ArrayRef<OpFoldResult> sizes) { return tensor::EmptyOp::create(b, loc, sizes, b.getF32Type()); }
  /// The number of the tile at a point of the grid.
  Value getTile(OpBuilder &b, ValueRange point) {
    Value down =
        arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, point[0], index(b, shape.tilesDown)), point[1]);
    return arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, down, index(b, shape.tilesAcross)), point[2]);
  }
  /// The first pixel of a tile, `before` pixels earlier.
  Value getPixel(OpBuilder &b, Value tile, int64_t before) {
    Value first = arith::MulIOp::create(b, loc, tile, index(b, tileSize));
    return arith::SubIOp::create(b, loc, first, index(b, before));
  }
  Value transformPatches();
  Value transformResults(Value products);

  ConvOp op;
  WinogradShape shape;
  WinogradEpilogue epilogue;
  OpBuilder b;
  Location loc;
  OpFoldResult batch, numTiles;
};

/// 36 x tiles x channels.
Value ConvRewriter::transformPatches() {
  Value init = empty({size(numProducts), numTiles, size(shape.getPaddedInputs())});
  ArrayRef<int64_t> sizes = op.getInput().getType().getShape();
  auto grid = GridOp::create(
      b, loc, getGrid(), op.getInput(), init,
      [&](OpBuilder &b, Location loc, ValueRange point, ValueRange ins, ValueRange outs) {
        Positions rows = locate(b, loc, getPixel(b, point[1], shape.padTop), patchSize, sizes[1]);
        Positions columns = locate(b, loc, getPixel(b, point[2], shape.padLeft), patchSize, sizes[2]);
        Value tile = getTile(b, point);
        SmallVector<Value> numbers;
        for (int64_t i = 0; i < numProducts; ++i)
          numbers.push_back(index(b, i));
        auto getMasks = [&](int64_t count) { return createMasks(b, loc, rows, columns, index(b, count)); };
        forEachVector(b, loc, shape.inputs, getMasks, [&](OpBuilder &b, const Channels &channels) {
          SmallVector<Value> patch;
          for (int64_t i = 0; i < numProducts; ++i)
            patch.push_back(load(b, loc, ins[0],
                                 {point[0], rows.at[i / patchSize], columns.at[i % patchSize], channels.first},
                                 channels.masks[i]));
          for (auto [number, value] : llvm::zip_equal(numbers, Transformer(b, loc).applyToBoth(patchTransform, patch)))
            vector::StoreOp::create(b, loc, value, outs[0], ValueRange{number, tile, channels.first});
        });
      });
  return grid.getResult(0);
}

/// With bias and what is fused behind the convolution.
Value ConvRewriter::transformResults(Value products) {
  SmallVector<Value> inputs = {products};
  if (op.getBias())
    inputs.push_back(op.getBias());
  size_t firstExtra = inputs.size();
  llvm::append_range(inputs, epilogue.getTensors());
  Value init = empty({batch, size(shape.height), size(shape.width), size(shape.outputs)});
  auto grid = GridOp::create(
      b, loc, getGrid(), inputs, init,
      [&](OpBuilder &b, Location loc, ValueRange point, ValueRange ins, ValueRange outs) {
        Positions rows = locate(b, loc, getPixel(b, point[1], 0), tileSize, shape.height);
        Positions columns = locate(b, loc, getPixel(b, point[2], 0), tileSize, shape.width);
        Value tile = getTile(b, point);
        SmallVector<Value> numbers;
        for (int64_t i = 0; i < numProducts; ++i)
          numbers.push_back(index(b, i));
        auto getMasks = [&](int64_t count) {
          bool isWhole = shape.height % tileSize == 0 && shape.width % tileSize == 0 && count == lanes;
          return isWhole ? SmallVector<Value>(tileSize * tileSize)
                         : createMasks(b, loc, rows, columns, index(b, count));
        };
        forEachVector(b, loc, shape.outputs, getMasks, [&](OpBuilder &b, const Channels &channels) {
          SmallVector<Value> terms;
          for (Value number : numbers)
            terms.push_back(load(b, loc, ins[0], {number, tile, channels.first}, /*mask=*/nullptr));
          Value bias = op.getBias() ? load(b, loc, ins[1], channels.first, channels.mask) : Value();
          for (auto [i, sum] : llvm::enumerate(Transformer(b, loc).applyToBoth(resultTransform, terms))) {
            SmallVector<Value> pixel = {point[0], rows.at[i / tileSize], columns.at[i % tileSize], channels.first};
            Value value = bias ? arith::AddFOp::create(b, loc, sum, bias).getResult() : sum, mask = channels.masks[i];
            value = epilogue.emit(b, value, ins.drop_front(firstExtra), pixel, mask);
            if (mask)
              vector::MaskedStoreOp::create(b, loc, outs[0], pixel, mask, value);
            else
              vector::StoreOp::create(b, loc, value, outs[0], pixel);
          }
        });
      });
  return grid.getResult(0);
}

void ConvRewriter::rewrite(Value filter) {
  Value patches = transformPatches(), init = empty({size(numProducts), numTiles, size(shape.getPaddedOutputs())});
  Value products = MatMulOp::create(b, loc, init.getType(), patches, filter, init, /*transpose_rhs=*/false,
                                    /*lhs_unsigned=*/false, /*rhs_unsigned=*/false, /*packed=*/nullptr);
  epilogue.replaceBy(transformResults(products));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------------------------------------------------------===//

class WinogradPass : public impl::WinogradBase<WinogradPass> {
public:
  using WinogradBase::WinogradBase;

  void runOnOperation() override {
    weights = getOperation().lookupSymbol<func::FuncOp>("weights");
    if (!weights)
      return;
    for (ConvOp op : collectConvolutions(getOperation(), weights)) {
      std::optional<WinogradShape> shape = WinogradShape::of(op);
      WeightOp weight = shape ? findWeight(op.getFilter()) : nullptr;
      if (weight && (shape->isFaster() || always))
        ConvRewriter(op, *shape).rewrite(getFilter(weight, *shape, op));
    }
  }

private:
  /// 36 x inputs x outputs, padded.
  Value getFilter(WeightOp weight, const WinogradShape &shape, ConvOp op) {
    auto key = std::make_tuple(int64_t(weight.getIndex()), shape.inputs, shape.outputs);
    auto [it, isNew] = known.try_emplace(key, weights.getNumResults());
    if (isNew)
      addWeight(weights,
                transformFilter(weights.getBody().front().getTerminator()->getOperand(weight.getIndex()), shape));
    OpBuilder b(op);
    auto type = RankedTensorType::get({numProducts, shape.getPaddedInputs(), shape.getPaddedOutputs()}, b.getF32Type());
    return WeightOp::create(b, weight.getLoc(), type, it->second);
  }

  /// Both transforms of a filter at once: a product of 36 x 9 by 9 x channels.
  Value transformFilter(Value filter, const WinogradShape &shape) {
    Location loc = filter.getLoc();
    OpBuilder b(weights.getBody().front().getTerminator());
    SmallVector<float> both;
    for (const auto &row : filterTransform)
      for (const auto &column : filterTransform)
        for (double y : row)
          for (double x : column)
            both.push_back(y * x);
    auto type = RankedTensorType::get({numProducts, 9}, b.getF32Type());
    Value transform = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef(both)));
    int64_t channels = shape.inputs * shape.outputs;
    Value taps = withShape(b, loc, filter, {9, channels});
    Value init = tensor::EmptyOp::create(b, loc, {numProducts, channels}, b.getF32Type());
    Value product = MatMulOp::create(b, loc, init.getType(), transform, taps, init, /*transpose_rhs=*/false,
                                     /*lhs_unsigned=*/false, /*rhs_unsigned=*/false, /*packed=*/nullptr);
    return pad(b, loc, withShape(b, loc, product, {numProducts, shape.inputs, shape.outputs}), shape);
  }

  /// `filter` with zeros for the channels that there are not.
  static Value pad(OpBuilder &b, Location loc, Value filter, const WinogradShape &shape) {
    if (shape.inputs == shape.getPaddedInputs() && shape.outputs == shape.getPaddedOutputs())
      return filter;
    auto index = [loc](OpBuilder &b, int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
    Value init = tensor::EmptyOp::create(b, loc, {numProducts, shape.getPaddedInputs(), shape.getPaddedOutputs()},
                                         b.getF32Type());
    auto grid = GridOp::create(
        b, loc, ValueRange{index(b, numProducts), index(b, shape.getPaddedInputs())}, filter, init,
        [&](OpBuilder &b, Location loc, ValueRange point, ValueRange ins, ValueRange outs) {
          Positions row = locate(b, loc, point[1], 1, shape.inputs);
          auto loop = scf::ForOp::create(b, loc, index(b, 0), index(b, shape.getPaddedOutputs()), index(b, lanes));
          OpBuilder inner = OpBuilder::atBlockTerminator(loop.getBody());
          Value channel = loop.getInductionVar();
          Value left = arith::SubIOp::create(inner, loc, index(inner, shape.outputs), channel);
          Value count = arith::SelectOp::create(inner, loc, row.exists[0], left, index(inner, 0));
          Value mask = vector::CreateMaskOp::create(inner, loc, VectorType::get(lanes, inner.getI1Type()), count);
          Value values = load(inner, loc, ins[0], {point[0], row.at[0], channel}, mask);
          vector::StoreOp::create(inner, loc, values, outs[0], ValueRange{point[0], point[1], channel});
        });
    return grid.getResult(0);
  }

  func::FuncOp weights;
  /// (weight, channels) -> result that has it transformed.
  llvm::DenseMap<std::tuple<int64_t, int64_t, int64_t>, int64_t> known;
};

} // namespace
} // namespace nncc::exec
