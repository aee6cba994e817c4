//===- ScheduleInterpreter.cpp - runs a schedule on tensors and on memrefs ------------------------------------------------===//

#include "ScheduleInterpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/Exec/Transforms/MemoryPlan.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

/// What never was written.
constexpr int64_t poison = 0x5ca1ab1e;

int64_t mix(int64_t seed, int64_t value) {
  uint64_t x = uint64_t(seed) * 0x9e3779b97f4a7c15 + uint64_t(value);
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9;
  return int64_t(x ^ (x >> 32));
}

/// A scalar, a tensor (which owns its elements), or a memref (which does not).
struct Item {
  int64_t scalar = 0;
  std::vector<int64_t> shape;
  std::shared_ptr<std::vector<int64_t>> owned;
  int64_t *address = nullptr;

  int64_t count() const {
    int64_t product = 1;
    for (int64_t size : shape)
      product *= size;
    return product;
  }
  int64_t *data() const { return owned ? owned->data() : address; }
  int64_t &at(int64_t index) const { return data()[index]; }
};

class Interpreter {
public:
  Interpreter(ModuleOp module, const RunInput &input) : module(module), input(input) {}
  std::vector<Data> run();
  std::string problem;

private:
  void prepareArena();
  SmallVector<Item> runBlock(Block &block);
  void runOp(Operation &op);
  void runControlFlow(Operation &op);
  void runArith(Operation &op);
  void runMemory(Operation &op);
  void runLaunch(LaunchOp op);
  std::vector<int64_t> shapeOf(ShapedType type, ValueRange dynamicSizes);
  std::vector<int64_t> shapeOfResult(LaunchOp op, unsigned number);
  Item fresh(std::vector<int64_t> shape);
  int64_t scalar(Value value) { return values[value].scalar; }
  void set(Value value, int64_t scalar) {
    values[value] = Item();
    values[value].scalar = scalar;
  }
  int64_t linear(const Item &item, ValueRange indices);
  void fail(const Twine &text) {
    if (problem.empty())
      problem = text.str();
  }

  ModuleOp module;
  const RunInput &input;
  llvm::DenseMap<Value, Item> values;
  std::vector<int64_t> arena;
  llvm::SmallVector<int64_t> offsets;                           // of slots, in bytes
  std::vector<std::shared_ptr<std::vector<int64_t>>> allocated; // at run time
  std::map<int64_t, std::pair<std::shared_ptr<std::vector<int64_t>>, std::shared_ptr<std::vector<int64_t>>>> carried;
  std::map<int64_t, Item> outputs;
};

} // namespace

Item Interpreter::fresh(std::vector<int64_t> shape) {
  Item item;
  item.shape = std::move(shape);
  item.owned = std::make_shared<std::vector<int64_t>>(item.count(), poison);
  return item;
}

std::vector<int64_t> Interpreter::shapeOf(ShapedType type, ValueRange dynamicSizes) {
  std::vector<int64_t> shape(type.getShape().begin(), type.getShape().end());
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size)) {
      size = scalar(dynamicSizes.front());
      dynamicSizes = dynamicSizes.drop_front();
    }
  return shape;
}

/// The kernels of these tests make each result with tensor.empty, of sizes that are arguments.
std::vector<int64_t> Interpreter::shapeOfResult(LaunchOp op, unsigned number) {
  Value yielded = op.lookupKernel().getBody().front().getTerminator()->getOperand(number);
  std::vector<int64_t> shape(cast<ShapedType>(yielded.getType()).getShape());
  for (auto [dim, size] : llvm::enumerate(shape))
    if (ShapedType::isDynamic(size)) {
      auto argument = cast<BlockArgument>(yielded.getDefiningOp<tensor::EmptyOp>().getDynamicSize(dim));
      size = scalar(op.getInputs()[argument.getArgNumber()]);
    }
  return shape;
}

void Interpreter::runLaunch(LaunchOp op) {
  KernelOp kernel = op.lookupKernel();
  bool onTensors = op.getOutputs().empty();
  SmallVector<Item> inputs, results;
  for (Value operand : op.getInputs())
    inputs.push_back(values[operand]);
  for (unsigned number = 0; number < kernel.getFunctionType().getNumResults(); ++number)
    results.push_back(onTensors ? fresh(shapeOfResult(op, number)) : values[op.getOutputs()[number]]);
  // Another result may be there before this one is written.
  auto isOverwrittenByAnother = [&](int64_t argument, unsigned number) {
    for (unsigned other = 0; other < results.size(); ++other)
      if (other != number && kernel.getAlias(other) == argument)
        return true;
    return false;
  };
  int64_t name = int64_t(llvm::hash_value(kernel.getSymName()));
  // The last element first, and one result after the other: whatever is not allowed to overlap will be read too late.
  for (auto [number, result] : llvm::enumerate(results)) {
    int64_t alias = kernel.getAlias(number);
    if (auto must = kernel.getMustAlias();
        must && (*must)[number] >= 0 && !onTensors && inputs[alias].address != result.address)
      fail("a result that starts as an argument is in another buffer");
    for (int64_t i = result.count() - 1; i >= 0; --i) {
      int64_t hash = mix(mix(name, number), i);
      for (auto [position, argument] : llvm::enumerate(inputs)) {
        hash = mix(hash, argument.scalar);
        bool isScalar = !argument.owned && !argument.address;
        if (isScalar || isOverwrittenByAnother(position, number))
          continue;
        if (int64_t(position) == alias) {
          hash = mix(hash, argument.at(i));
          continue;
        }
        for (int64_t j = 0; j < argument.count(); ++j)
          hash = mix(hash, argument.at(j));
      }
      result.at(i) = hash;
    }
    if (onTensors)
      values[op.getResult(number)] = result;
  }
}

void Interpreter::runArith(Operation &op) {
  auto operand = [&](unsigned index) { return scalar(op.getOperand(index)); };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](arith::ConstantOp constant) {
        if (auto elements = dyn_cast<DenseIntElementsAttr>(constant.getValue())) {
          Item item = fresh(elements.getType().getShape());
          for (auto [index, value] : llvm::enumerate(elements.getValues<APInt>()))
            item.at(index) = value.getSExtValue();
          values[constant] = item;
        } else {
          set(constant, cast<IntegerAttr>(constant.getValue()).getValue().getSExtValue());
        }
      })
      .Case([&](arith::AddIOp) { set(op.getResult(0), operand(0) + operand(1)); })
      .Case([&](arith::MulIOp) { set(op.getResult(0), operand(0) * operand(1)); })
      .Case([&](arith::AndIOp) { set(op.getResult(0), operand(0) & operand(1)); })
      .Case([&](arith::OrIOp) { set(op.getResult(0), operand(0) | operand(1)); })
      .Case([&](arith::XOrIOp) { set(op.getResult(0), operand(0) ^ operand(1)); })
      .Case([&](arith::ShRSIOp) { set(op.getResult(0), operand(0) >> operand(1)); })
      .Case([&](arith::MulSIExtendedOp) {
        __int128 product = __int128(operand(0)) * operand(1);
        set(op.getResult(0), int64_t(product));
        set(op.getResult(1), int64_t(product >> 64));
      })
      .Case<arith::IndexCastOp>([&](Operation *) { set(op.getResult(0), operand(0)); })
      .Case<arith::TruncIOp>([&](Operation *) { set(op.getResult(0), operand(0) & 1); })
      .Case([&](arith::CmpIOp compare) {
        APInt left(64, operand(0), true), right(64, operand(1), true);
        set(compare, arith::applyCmpPredicate(compare.getPredicate(), left, right));
      })
      .Case([&](arith::SelectOp select) {
        values[select.getResult()] = Item(values[operand(0) ? select.getTrueValue() : select.getFalseValue()]);
      })
      .Default([&](Operation *other) { fail("no interpreter for " + other->getName().getStringRef()); });
}

int64_t Interpreter::linear(const Item &item, ValueRange indices) {
  int64_t result = 0;
  for (auto [index, size] : llvm::zip_equal(indices, item.shape))
    result = result * size + scalar(index);
  return result;
}

void Interpreter::runMemory(Operation &op) {
  auto bind = [&](Value result, std::vector<int64_t> shape, int64_t *address) {
    Item item;
    item.shape = std::move(shape);
    item.address = address;
    values[result] = item;
  };
  auto bindOwned = [&](Value result, std::vector<int64_t> shape, const std::shared_ptr<std::vector<int64_t>> &memory) {
    bind(result, std::move(shape), memory->data());
  };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](BufferOp buffer) {
        int64_t offset = buffer.getSlot() ? offsets[*buffer.getSlot()] : *buffer.getOffset();
        bind(buffer, shapeOf(cast<ShapedType>(buffer.getType()), buffer.getSizes()), arena.data() + offset / 8);
        if (values[buffer].address + values[buffer].count() > arena.data() + arena.size())
          fail("a buffer is outside of the arena");
      })
      .Case([&](AllocOp alloc) {
        allocated.push_back(fresh(shapeOf(cast<ShapedType>(alloc.getType()), alloc.getSizes())).owned);
        bindOwned(alloc, shapeOf(cast<ShapedType>(alloc.getType()), alloc.getSizes()), allocated.back());
      })
      .Case([&](MarkOp mark) { set(mark, allocated.size()); })
      .Case([&](ReleaseOp release) {
        for (auto &memory : llvm::drop_begin(allocated, scalar(release.getMark())))
          std::fill(memory->begin(), memory->end(), poison);
        // Kept, so that a use after the release is a wrong value and no crash.
        static std::vector<std::shared_ptr<std::vector<int64_t>>> released;
        released.insert(released.end(), allocated.begin() + scalar(release.getMark()), allocated.end());
        allocated.resize(scalar(release.getMark()));
      })
      .Case([&](CarryOp carry) {
        auto &[next, last] = carried[carry.getId()];
        std::swap(next, last);
        Item source = values[carry.getSource()];
        if (!last)
          last = std::make_shared<std::vector<int64_t>>();
        last->assign(1000, poison);
        std::copy_n(source.data(), source.count(), last->data());
        bindOwned(carry, source.shape, last);
      })
      .Case([&](OutputOp output) {
        if (outputs.count(output.getIndex()))
          fail("an output is asked for twice");
        Item item = fresh(shapeOf(cast<ShapedType>(output.getType()), output.getSizes()));
        outputs[output.getIndex()] = item;
        bindOwned(output, item.shape, item.owned);
      })
      .Case([&](CopyOp copy) {
        Item source = values[copy.getSource()], target = values[copy.getTarget()];
        if (source.shape != target.shape)
          fail("a copy changes the shape");
        for (int64_t i = 0; i < source.count(); ++i)
          target.at(i) = source.at(i);
      })
      .Case([&](ViewOp view) {
        Item item = values[view.getSource()];
        item.shape = shapeOf(cast<ShapedType>(view.getType()), view.getSizes());
        if (item.count() != values[view.getSource()].count())
          fail("a view has another number of elements");
        values[view] = item;
      })
      .Case([&](memref::GetGlobalOp get) {
        auto global = module.lookupSymbol<memref::GlobalOp>(get.getName());
        Item item = fresh(get.getType().getShape());
        for (auto [index, value] :
             llvm::enumerate(cast<DenseIntElementsAttr>(*global.getInitialValue()).getValues<APInt>()))
          item.at(index) = value.getSExtValue();
        values[get] = item;
      })
      .Case([&](memref::LoadOp load) {
        set(load, values[load.getMemRef()].at(linear(values[load.getMemRef()], load.getIndices())));
      })
      .Case([&](memref::StoreOp store) {
        const Item &target = values[store.getMemRef()];
        target.at(linear(target, store.getIndices())) = scalar(store.getValue());
      })
      .Case([&](memref::DimOp dim) { set(dim, values[dim.getSource()].shape[scalar(dim.getIndex())]); })
      .Default([&](Operation *) { runArith(op); });
}

void Interpreter::runControlFlow(Operation &op) {
  auto assign = [&](ValueRange targets, ArrayRef<Item> items) {
    for (auto [target, item] : llvm::zip(targets, items))
      values[target] = item;
  };
  auto gather = [&](ValueRange sources) {
    return llvm::map_to_vector(sources, [&](Value value) { return values[value]; });
  };
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Region &region = scalar(branch.getCondition()) ? branch.getThenRegion() : branch.getElseRegion();
    if (!region.empty())
      assign(branch.getResults(), runBlock(region.front()));
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    SmallVector<Item> items = gather(loop.getInitArgs());
    for (int64_t i = scalar(loop.getLowerBound()); i < scalar(loop.getUpperBound()); i += scalar(loop.getStep())) {
      set(loop.getInductionVar(), i);
      assign(loop.getRegionIterArgs(), items);
      items = runBlock(*loop.getBody());
    }
    assign(loop.getResults(), items);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    SmallVector<Item> items = gather(loop.getInits());
    while (true) {
      assign(loop.getBeforeArguments(), items);
      items = runBlock(*loop.getBeforeBody());
      bool more = items.front().scalar;
      items.erase(items.begin());
      if (!more)
        break;
      assign(loop.getAfterArguments(), items);
      items = runBlock(*loop.getAfterBody());
    }
    assign(loop.getResults(), items);
  } else {
    runMemory(op);
  }
}

void Interpreter::runOp(Operation &op) {
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](LaunchOp launch) { runLaunch(launch); })
      .Case([&](SymbolOp symbol) { set(symbol, input.symbols.at(symbol.getName().str())); })
      .Case([&](InputOp argument) {
        values[argument] = Item(values[argument.getArgument()]);
        if (shapeOf(cast<ShapedType>(argument.getType()), argument.getSizes()) != values[argument].shape)
          fail("an input is given other sizes than it has");
      })
      .Case([&](tensor::EmptyOp empty) { values[empty] = fresh(shapeOf(empty.getType(), empty.getDynamicSizes())); })
      .Case([&](tensor::ExtractOp extract) {
        set(extract, values[extract.getTensor()].at(linear(values[extract.getTensor()], extract.getIndices())));
      })
      .Case([&](tensor::DimOp dim) { set(dim, values[dim.getSource()].shape[scalar(dim.getIndex())]); })
      .Case([&](tensor::FromElementsOp elements) {
        Item item = fresh(elements.getType().getShape());
        for (auto [index, element] : llvm::enumerate(elements.getElements()))
          item.at(index) = scalar(element);
        values[elements] = item;
      })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>([&](Operation *view) {
        Item item = values[view->getOperand(0)];
        int64_t count = item.count();
        item.shape.clear();
        auto shape = cast<ShapedType>(view->getResult(0).getType()).getShape();
        for (int64_t size : shape) // At most one is dynamic here.
          if (!ShapedType::isDynamic(size))
            count /= std::max<int64_t>(size, 1);
        for (int64_t size : shape)
          item.shape.push_back(ShapedType::isDynamic(size) ? count : size);
        values[view->getResult(0)] = item;
      })
      .Default([&](Operation *) { runControlFlow(op); });
}

/// What the terminator passes on.
SmallVector<Item> Interpreter::runBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    runOp(op);
  return llvm::map_to_vector(block.getTerminator()->getOperands(), [&](Value value) { return values[value]; });
}

void Interpreter::prepareArena() {
  std::optional<MemoryPlan> plan = MemoryPlan::get(module);
  if (!plan)
    return;
  int64_t bytes = plan->arenaBytes;
  if (!plan->isStatic) {
    SmallVector<Item> sizes = runBlock(module.lookupSymbol<func::FuncOp>("sizes").getBody().front());
    for (auto [slot, item] : llvm::zip_equal(plan->slots, sizes)) {
      if (slot.bytes >= 0 && slot.bytes != item.scalar)
        fail("a static slot has another size");
      slot.bytes = item.scalar;
    }
    Packing packing = packBuffers(plan->slots);
    offsets = packing.offsets;
    bytes = packing.bytes;
  }
  arena.assign(bytes / 8, poison);
}

std::vector<Data> Interpreter::run() {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  prepareArena();
  for (auto [argument, data] : llvm::zip_equal(main.getArguments(), input.arguments)) {
    Item item = fresh(data.shape);
    *item.owned = data.elements;
    values[argument] = item;
  }
  std::vector<Data> results;
  SmallVector<Item> returned = runBlock(main.getBody().front());
  for (auto &[index, item] : outputs)
    returned.push_back(item);
  for (const Item &item : returned) {
    results.push_back({item.shape, {}});
    for (int64_t i = 0; i < item.count(); ++i)
      results.back().elements.push_back(item.at(i));
  }
  for (auto [argument, data] : llvm::zip_equal(main.getArguments(), input.arguments))
    if (*values[argument].owned != data.elements)
      fail("an input was overwritten");
  return results;
}

std::vector<Data> nncc::exec::interpret(ModuleOp module, const RunInput &input, std::string &problem) {
  Interpreter interpreter(module, input);
  std::vector<Data> results = interpreter.run();
  problem = interpreter.problem;
  return results;
}
