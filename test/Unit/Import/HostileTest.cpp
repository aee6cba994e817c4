//===- HostileTest.cpp - damaged models are refused, never obeyed ---------------------------------------------------------------===//

#include "ImportRunner.h"
#include "ProtoMutator.h"
#include "gmock/gmock.h"
#include <cstdlib>
#include <fstream>
#include <random>

namespace nncc::import {
namespace {

/// A model with something of everything: functions, a subgraph, typed, raw, large, sparse and text tensors, external data.
onnx::ModelProto seedModel() {
  onnx::ModelProto model = parseModel(R"(
    <ir_version: 10, opset_import: ["" : 17, "local" : 1], metadata_props: ["key" : "value"]>
    seed (float[N, 4] x, bool c, float["past + 1", 4] p) => (float[N, 4] y, int64[k] s)
    <float[4] w = {1.0, 2.0, 3.0, 4.0}, string[2] t = {"a", "b"}>
    {
      a = local.twice <alpha: float = 2.0> (x)
      b = Add (a, w)
      s = Shape (x)
      d = If (c) <then_branch = yes () => (float[N, 4] r) { r = Neg (b) },
                  else_branch = no () => (float[N, 4] q) { q = Mul (b, w) }>
      k = Constant <value_ints = [1, 4]> ()
      e = ThresholdedRelu <alpha: float = 0.5> (b)
      y = Add (e, b)
    }
    <domain: "local", opset_import: ["" : 17]>
    twice <alpha> (v) => (r)
    {
      f = Constant <value_float: float = @alpha> ()
      r = Mul (v, f)
    })");
  onnx::TensorProto *large = model.mutable_graph()->add_initializer();
  large->set_name("large");
  large->set_data_type(onnx::TensorProto::FLOAT);
  large->add_dims(300);
  large->set_raw_data(std::string(1200, '\1'));
  onnx::SparseTensorProto *sparse = model.mutable_graph()->add_sparse_initializer();
  sparse->mutable_values()->set_name("sparse");
  sparse->mutable_values()->set_data_type(onnx::TensorProto::FLOAT);
  sparse->mutable_values()->add_dims(1);
  sparse->mutable_values()->add_float_data(1);
  sparse->mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  sparse->mutable_indices()->add_dims(1);
  sparse->mutable_indices()->add_int64_data(3);
  sparse->add_dims(5);
  return model;
}

/// Many operators with many attributes: what their import functions read.
onnx::ModelProto operatorsModel() {
  onnx::ModelProto model = parseModel(R"(
    <ir_version: 10, opset_import: ["" : 17]>
    operators (float[N, 3, 16, 16] x, float[2, 6] m, int64[2, 6] i, bool c) => (float[k] out)
    <float[8] b = {0,0,0,0,0,0,0,0}, float[3] s = {1,1,1}, int64[2] axes = {2, 3}, int64[1] one = {1},
     int64[4] shape = {0, -1, 4, 4}, int64[2] split = {2, 4}, int64[2] wide = {2, 6}, float[4] scales = {1.0, 1.0, 2.0, 2.0}, int64 n = {3},
     int64 first = {1}, float[2] ends = {0.0, 1.0}, float zero = {0.0}, uint8 zp = {3}, float step = {0.1}, int64[8] pads = {0,0,1,1,0,0,1,1},
     int64[3] sequence = {2, 2, 3}, int64[3] gates = {2, 16, 3}, int64[3] again = {2, 16, 4}, int64[3] gates3 = {1, 12, 3},
     int64[3] again3 = {1, 12, 4}, int64[3] boxes = {1, 5, 4}, int64[3] scores = {1, 2, 5}>
    {
      c1 = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2], dilations = [1, 1], group = 1> (x, w, b)
      c2 = ConvTranspose <strides = [2, 2], output_padding = [1, 1]> (c1, w)
      p1, p2 = MaxPool <kernel_shape = [2, 2], ceil_mode = 1, pads = [0, 0, 1, 1]> (x)
      p3 = AveragePool <kernel_shape = [3, 3], auto_pad = "SAME_UPPER", count_include_pad = 1> (x)
      g1 = GlobalAveragePool (x)
      n1 = BatchNormalization <epsilon = 0.001> (x, s, s, s, s)
      n2 = InstanceNormalization (x, s, s)
      n3 = LRN <size = 3> (x)
      n4 = LayerNormalization <axis = -1> (m, m)
      e1 = Clip (m, zero)
      e2 = LeakyRelu <alpha = 0.1> (m)
      e3 = Elu (m)
      e4 = PRelu (m, zero)
      e5 = Pow (m, m)
      e6 = Mod <fmod = 1> (m, m)
      e7 = Equal (m, zero)
      e8 = Where (e7, m, m)
      e9 = Cast <to = 10> (m)
      r1 = ReduceMean <axes = [1, 2], keepdims = 0> (x)
      r2 = ReduceSum (x, axes)
      r3 = ArgMax <axis = 1, select_last_index = 1> (m)
      r4 = Softmax <axis = 1> (m)
      t1 = Reshape (x, shape)
      t2 = Transpose <perm = [0, 2, 3, 1]> (x)
      t3 = Concat <axis = 1> (x, x)
      t4, t5 = Split <axis = 1> (m, split)
      t6 = Slice (x, axes, axes, axes)
      t7 = Squeeze (g1, axes)
      t8 = Unsqueeze (m, axes)
      t9 = Gather <axis = 1> (m, i)
      ta = GatherElements (m, i)
      tb = GatherND <batch_dims = 0> (m, one)
      tc = ScatterElements <reduction = "add"> (m, i, m)
      td = Expand (m, wide)
      te = Tile (m, split)
      tf = Pad <mode = "reflect"> (x, pads)
      tg = Range (n, n, n)
      th, ti = TopK <axis = 1> (m, one)
      tj = NonZero (m)
      tk = Shape <start = 1, end = -1> (x)
      tl = Flatten <axis = 2> (x)
      tm = ConstantOfShape <value: tensor = float[1] {2.0}> (split)
      tn = DepthToSpace <blocksize = 2, mode = "CRD"> (c1)
      to = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (x, , scales)
      tp = CumSum <exclusive = 1> (m, first)
      tq = OneHot <axis = 0> (i, n, ends)
      tr = Trilu <upper = 0> (m)
      ts = EyeLike <k = 1> (m)
      m1 = MatMul (x, x)
      m2 = Gemm <transA = 1, transB = 0, alpha = 0.5> (m, m)
      m3 = Einsum <equation = "ij,kj->ik"> (m, m)
      q1 = QuantizeLinear <axis = 1> (m, step, zp)
      q2 = DequantizeLinear (q1, step, zp)
      lx = Reshape (m, sequence)
      lw = ConstantOfShape (gates)
      lr = ConstantOfShape (again)
      l1, l2 = LSTM <hidden_size = 4, direction = "bidirectional"> (lx, lw, lr)
      lu = ConstantOfShape (gates3)
      lv = ConstantOfShape (again3)
      l3 = GRU <hidden_size = 4, linear_before_reset = 1> (lx, lu, lv)
      vb = ConstantOfShape (boxes)
      vs = ConstantOfShape (scores)
      v1 = NonMaxSuppression <center_point_box = 1> (vb, vs, one, zero)
      s1 = Loop <body = b (int64 it, bool cond, float[2, 6] v) => (bool co, float[2, 6] vo, float[2, 6] so)
                 { co = Identity(cond)  vo = Neg(v)  so = Identity(v) }> (n, c, m)
      out = Identity (e1)
    })");
  onnx::TensorProto *filter = model.mutable_graph()->add_initializer();
  filter->set_name("w");
  filter->set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t size : {8, 3, 3, 3})
    filter->add_dims(size);
  filter->set_raw_data(std::string(8 * 27 * 4, '\0'));
  return model;
}

bool isAnswer(ExitCode code) {
  return code == ExitCode::Ok || code == ExitCode::InputOutput || code == ExitCode::InvalidModel ||
         code == ExitCode::Unsupported || code == ExitCode::Limit;
}

TEST(Hostile, TheSeedsThemselvesAreWellFormed) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  for (const onnx::ModelProto &model : {seedModel(), operatorsModel()}) {
    Imported result = importBytes(context, model.SerializeAsString());
    EXPECT_TRUE(result.module || result.diagnostics.exitCode() == ExitCode::Unsupported) << result.text();
  }
}

TEST(Hostile, TruncatedAtEveryOffset) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string bytes = seedModel().SerializeAsString();
  for (size_t length = 0; length < bytes.size(); ++length) {
    Imported result = importBytes(context, llvm::StringRef(bytes).take_front(length));
    ASSERT_TRUE(isAnswer(result.diagnostics.exitCode())) << "at " << length << ": " << result.text();
  }
}

int fuzzRuns(int inTheSuite) {
  const char *wanted = getenv("NNCC_FUZZ_RUNS"); // more than the suite's share, by hand
  return wanted ? int(strtol(wanted, nullptr, 10)) : inTheSuite;
}

/// Bytes changed, removed, inserted and repeated, by a fixed seed.
std::string mutate(std::string bytes, std::mt19937 &random) {
  static constexpr unsigned char kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x3a};
  for (unsigned n = 1 + random() % 4; n; --n) {
    size_t at = random() % bytes.size();
    switch (random() % 5) {
    case 0:
      bytes[at] = char(random());
      break;
    case 1:
      bytes[at] = char(kNasty[random() % std::size(kNasty)]);
      break;
    case 2:
      bytes.erase(at, 1 + random() % 8);
      break;
    case 3:
      bytes.insert(at, 1 + random() % 8, char(random()));
      break;
    default:
      bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 64));
      break;
    }
    if (bytes.empty())
      bytes = "x";
  }
  return bytes;
}

TEST(Hostile, MutatedBytes) {
  std::string bytes = seedModel().SerializeAsString();
  std::mt19937 random(1);
  for (int i = 0; i < fuzzRuns(3000); ++i) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    std::string mutated = mutate(bytes, random);
    Imported result = importBytes(context, mutated);
    ASSERT_TRUE(isAnswer(result.diagnostics.exitCode())) << "run " << i << ": " << result.text();
  }
}

void importMutants(const onnx::ModelProto &model, unsigned seed, int runs) {
  ProtoMutator mutator(seed);
  for (int i = 0; i < runs; ++i) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    onnx::ModelProto mutant = mutator.mutate(model);
    if (getenv("NNCC_FUZZ_SAVE")) // to find the mutant that crashes
      std::ofstream("/tmp/nncc-mutant.onnx") << mutant.SerializeAsString();
    Imported result = importBytes(context, mutant.SerializeAsString());
    ASSERT_TRUE(isAnswer(result.diagnostics.exitCode()))
        << "run " << i << ": " << result.text() << mutant.DebugString();
  }
}

TEST(Hostile, MutatedMessages) { importMutants(seedModel(), 1, fuzzRuns(500)); }
TEST(Hostile, MutatedOperators) { importMutants(operatorsModel(), 2, fuzzRuns(500)); }

} // namespace
} // namespace nncc::import
