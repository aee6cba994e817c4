//===- JITTest.cpp ------------------------------------------------------------------------------------------------===//

#include "nncc/Target/JIT.h"
#include "ToyModel.h"
#include "nnccrt/Model.h"

namespace nncc::target {
namespace {

/// What the toy model gives for 0, 1, 2, 3 when the runtime has the weights from memory.
std::vector<float> run(const nnccrt_model &descriptor, const char *weights, size_t bytes) {
  LoadOptions options;
  options.weights = weights;
  options.weights_bytes = bytes;
  auto model = Model::load(descriptor, options);
  EXPECT_STREQ(model.status().message(), "");
  auto context = model->context();
  EXPECT_STREQ(context.status().message(), "");
  View<float> input = context->input_at<float>(0);
  EXPECT_EQ(input.size(), 4u);
  for (size_t i = 0; i < input.size(); ++i)
    input[i] = float(i);
  EXPECT_STREQ(context->run().message(), "");
  View<const float> output = context->output_at<float>(0);
  return {output.begin(), output.end()};
}

TEST(JIT, RunsAModelInThisProcess) {
  ModelDescription description = describeToy("toy");
  description.weightsFile = "none"; // not in the objects
  auto model = get(LoadedModel::load(compileToy(description, /*optLevel=*/0), description.getExportedSymbol()));
  WeightBlob blob = makeToyWeights();
  // The runtime wants what it maps: 64-byte aligned.
  std::vector<char> memory(blob.size() + 64);
  size_t shift = 64 - reinterpret_cast<uintptr_t>(memory.data()) % 64;
  blob.copyTo(memory.data() + shift);
  EXPECT_THAT(run(model->getDescriptor(), memory.data() + shift, blob.size()), testing::ElementsAre(1, 20, 400, 8000));
}

TEST(JIT, NamesWhatIsMissing) {
  ModelDescription description = describeToy("toy");
  std::vector<ObjectBytes> objects = compileToy(description);
  std::string message =
      llvm::toString(LoadedModel::load({objects.back()}, description.getExportedSymbol()).takeError());
  EXPECT_THAT(message, testing::HasSubstr("nncc.toy.run"));
}

TEST(Descriptor, SaysWhatTheDescriptionSays) {
  ModelDescription description = describeToy("toy", {"x86-64", "x86-64-v3"});
  description.name = "toy \"model\"\n";
  description.symbols = {"batch"};
  description.inputs[0].dims = {{DimDescription::Symbol, 0, "batch"}, {4, -1, "4"}};
  auto loaded = get(LoadedModel::load(compileToy(description), description.getExportedSymbol()));
  const nnccrt_model &model = loaded->getDescriptor();
  EXPECT_EQ(model.size, sizeof(nnccrt_model));
  EXPECT_EQ(model.abi_version, NNCCRT_ABI_VERSION);
  EXPECT_STREQ(model.name, "toy \"model\"\n");
  EXPECT_STREQ(model.producer, "nncc test");
  ASSERT_EQ(model.num_inputs, 1u);
  EXPECT_STREQ(model.inputs[0].identifier, "x");
  EXPECT_EQ(model.inputs[0].dtype, NNCCRT_F32);
  ASSERT_EQ(model.inputs[0].rank, 2u);
  EXPECT_EQ(model.inputs[0].dims[0].size, -1);
  EXPECT_EQ(model.inputs[0].dims[0].symbol, 0);
  EXPECT_STREQ(model.inputs[0].dims[0].text, "batch");
  EXPECT_EQ(model.inputs[0].dims[1].size, 4);
  ASSERT_EQ(model.num_symbols, 1u);
  EXPECT_STREQ(model.symbols[0], "batch");
  ASSERT_EQ(model.num_levels, 2u);
  EXPECT_STREQ(model.levels[1].cpu, "x86-64-v3");
  EXPECT_EQ(model.levels[1].features, NNCCRT_CPU_SSE42 | NNCCRT_CPU_AVX2);
  EXPECT_EQ(model.levels[1].kernels[0].tiles(nullptr), 4);
  EXPECT_STREQ(model.kernel_infos[0].nodes, "/Exp\n/Mul");
  EXPECT_EQ(model.arena_bytes, 64);
  EXPECT_EQ(model.slots, nullptr);
  EXPECT_EQ(model.sizes, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(model.weights) % 64, 0u);
  EXPECT_EQ(model.weights_bytes, 67u);
  EXPECT_EQ(model.weights_file, nullptr);
  EXPECT_EQ(model.weights_hash[0], makeToyWeights().hash()[0]);
  ASSERT_EQ(model.num_metadata, 1u);
  EXPECT_STREQ(model.metadata[1], "nobody");
}

/// A plan that the runtime packs: slots, and a function that says their sizes.
TEST(Descriptor, SymbolicPlan) {
  ModelDescription description = describeToy("toy");
  description.arenaBytes = -1;
  description.slots = {{-1, 0, 2}, {256, 1, 3}};
  description.numCarries = 5;
  CodegenOptions options;
  options.prefix = description.getSymbolPrefix();
  ParsedModule sizes("llvm.func @sizes(%symbols: !llvm.ptr, %bytes: !llvm.ptr) {\n"
                     "%n = llvm.load %symbols : !llvm.ptr -> i64\n"
                     "llvm.store %n, %bytes : i64, !llvm.ptr\n llvm.return }");
  std::vector<ObjectBytes> objects = compileToy(description);
  objects.push_back(get(compileToObject(*sizes.module, options)));
  auto loaded = get(LoadedModel::load(objects, description.getExportedSymbol()));
  const nnccrt_model &model = loaded->getDescriptor();
  EXPECT_EQ(model.arena_bytes, -1);
  ASSERT_EQ(model.num_slots, 2u);
  EXPECT_EQ(model.slots[0].bytes, -1);
  EXPECT_EQ(model.slots[1].bytes, 256);
  EXPECT_EQ(model.slots[1].last, 3u);
  EXPECT_EQ(model.num_carries, 5u);
  int64_t symbol = 42, bytes = 0;
  model.sizes(&symbol, &bytes);
  EXPECT_EQ(bytes, 42);
}

} // namespace
} // namespace nncc::target
