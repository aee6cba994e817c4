//===- WireScanTest.cpp - large tensors stay in the file, wherever they are -----------------------------------------------------===//

#include "../../../lib/Import/ONNX/WireScan.h"
#include "ImportRunner.h"
#include "llvm/ADT/StringExtras.h"
#include "gmock/gmock.h"

namespace nncc::import {
namespace {

onnx::TensorProto floats(int64_t count, char byte) {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(count);
  tensor.set_raw_data(std::string(count * 4, byte));
  return tensor;
}

/// What the scan leaves, parsed.
onnx::ModelProto scanned(const std::string &bytes) {
  std::string skeleton;
  EXPECT_EQ(copyWithoutWeights(bytes, skeleton), ScanResult::Ok);
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(skeleton));
  return model;
}

void expectLocated(const onnx::TensorProto &tensor, const std::string &bytes, char byte, uint64_t length) {
  std::optional<LocatedData> located = locatedData(tensor);
  ASSERT_TRUE(located);
  EXPECT_TRUE(tensor.raw_data().empty());
  EXPECT_EQ(located->length, length);
  EXPECT_EQ(bytes.substr(located->offset, located->length), std::string(length, byte));
}

TEST(WireScan, LocatesTensorsInEveryPlace) {
  onnx::ModelProto model;
  onnx::GraphProto *graph = model.mutable_graph();
  *graph->add_initializer() = floats(300, 1);
  onnx::AttributeProto *attribute = graph->add_node()->add_attribute();
  *attribute->mutable_t() = floats(301, 2);
  *attribute->mutable_g()->add_initializer() = floats(302, 3);
  *graph->add_sparse_initializer()->mutable_values() = floats(303, 4);
  *model.add_functions()->add_node()->add_attribute()->add_tensors() = floats(304, 5);
  std::string bytes = model.SerializeAsString();
  onnx::ModelProto copy = scanned(bytes);
  expectLocated(copy.graph().initializer(0), bytes, 1, 1200);
  expectLocated(copy.graph().node(0).attribute(0).t(), bytes, 2, 1204);
  expectLocated(copy.graph().node(0).attribute(0).g().initializer(0), bytes, 3, 1208);
  expectLocated(copy.graph().sparse_initializer(0).values(), bytes, 4, 1212);
  expectLocated(copy.functions(0).node(0).attribute(0).tensors(0), bytes, 5, 1216);
}

TEST(WireScan, KeepsEverythingElse) {
  onnx::ModelProto model;
  model.set_producer_name("a test");
  *model.mutable_graph()->add_initializer() = floats(10, 1);
  std::string bytes = model.SerializeAsString();
  EXPECT_EQ(scanned(bytes).SerializeAsString(), bytes);
}

TEST(WireScan, LocatesPackedFloats) {
  onnx::ModelProto model;
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  for (int i = 0; i < 300; ++i)
    tensor->add_float_data(0);
  std::optional<LocatedData> located = locatedData(scanned(model.SerializeAsString()).graph().initializer(0));
  ASSERT_TRUE(located);
  EXPECT_EQ(located->field, LocatedData::Floats);
  EXPECT_EQ(located->length, 1200u);
}

TEST(WireScan, LeavesTensorsWithTwoDataFieldsWhole) {
  onnx::ModelProto model;
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  *tensor = floats(300, 1);
  tensor->add_float_data(1);
  onnx::ModelProto copy = scanned(model.SerializeAsString());
  EXPECT_FALSE(locatedData(copy.graph().initializer(0)));
  EXPECT_EQ(copy.graph().initializer(0).raw_data().size(), 1200u);
}

TEST(WireScan, IgnoresMarkersOfTheModel) {
  onnx::ModelProto model;
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  *tensor = floats(300, 1);
  // The scan's own output as input: its marker must not count.
  std::string skeleton;
  ASSERT_EQ(copyWithoutWeights(model.SerializeAsString(), skeleton), ScanResult::Ok);
  EXPECT_FALSE(locatedData(scanned(skeleton).graph().initializer(0)));
}

TEST(WireScan, AcceptsUnknownFieldsAndGroups) {
  onnx::ModelProto model =
      parseModel("<ir_version: 8, opset_import: [\"\" : 17]> g (float[2] x) => (float[2] y) { y = Neg(x) }");
  std::string bytes = model.SerializeAsString();
  bytes += std::string("\xa2\x06\x03"
                       "abc",
                       6);                             // field 100, bytes
  bytes += std::string("\xa3\x06\x08\x01\xa4\x06", 6); // field 100, a group that holds a number
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  EXPECT_TRUE(importBytes(context, bytes).module);
}

TEST(WireScan, RefusesLyingLengths) {
  std::string skeleton;
  EXPECT_EQ(copyWithoutWeights(llvm::StringRef("\x3a\xff\xff\xff\xff\x0f", 6), skeleton), ScanResult::Malformed);
  EXPECT_EQ(copyWithoutWeights(llvm::StringRef("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), skeleton),
            ScanResult::Malformed);
}

} // namespace
} // namespace nncc::import
