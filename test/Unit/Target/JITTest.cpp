//===- JITTest.cpp ---------------------------------------------------------------------------------------------------------===//

#include "nncc/Target/JIT.h"
#include "ToyModel.h"
#include "nnccrt/abi.h"

namespace nncc::target {
namespace {

int32_t launch(nnccrt_frame *frame, uint32_t index, uint64_t *args) {
  const nnccrt_kernel &kernel = static_cast<const nnccrt_model *>(frame->context)->levels[0].kernels[index];
  for (int64_t tile = 0, tiles = kernel.tiles(args); tile < tiles; ++tile)
    kernel.run(args, tile, nullptr);
  return 0;
}

/// The output of the toy model for x = 0, 1, 2, 3.
std::vector<float> run(const nnccrt_model &model, const char *weights) {
  std::vector<float> input = {0, 1, 2, 3};
  alignas(64) float output[4] = {};
  void *inputs[] = {input.data()};
  nnccrt_services services = {};
  services.size = sizeof(services);
  services.launch = launch;
  nnccrt_frame frame = {};
  frame.services = &services;
  frame.arena = reinterpret_cast<char *>(output);
  frame.weights = weights;
  frame.inputs = inputs;
  frame.context = const_cast<nnccrt_model *>(&model);
  EXPECT_EQ(model.run(&frame), 0);
  return {output, output + 4};
}

TEST(JIT, RunsAModelInThisProcess) {
  ModelDescription description = describeToy("toy");
  auto model = get(LoadedModel::load(compileToy(description, /*optLevel=*/0), description.getExportedSymbol()));
  std::vector<char> weights(makeToyWeights().size());
  makeToyWeights().copyTo(weights.data());
  EXPECT_THAT(run(model->getDescriptor(), weights.data()), testing::ElementsAre(1, 20, 400, 8000));
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

} // namespace
} // namespace nncc::target
