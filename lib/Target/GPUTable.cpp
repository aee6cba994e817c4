//===- GPUTable.cpp - the GPUs that nncc knows --------------------------------------------------------------------===//

#include "nncc/Target/GPUTable.h"
#include "mlir/IR/BuiltinTypes.h"
#include "nncc/GPU/Tiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace llvm;

namespace nncc::target {

static constexpr GPUCard kCards[] = {
    {"k40", 35},       {"k80", 37},       {"p100", 60},      {"gtx1050", 61},   {"gtx1050ti", 61}, {"gtx1060", 61},
    {"gtx1070", 61},   {"gtx1070ti", 61}, {"gtx1080", 61},   {"gtx1080ti", 61}, {"p4", 61},        {"v100", 70},
    {"gtx1650", 75},   {"gtx1660", 75},   {"gtx1660ti", 75}, {"rtx2060", 75},   {"rtx2070", 75},   {"rtx2080", 75},
    {"rtx2080ti", 75}, {"titan-rtx", 75}, {"t4", 75},        {"a100", 80},      {"rtx3060", 86},   {"rtx3060ti", 86},
    {"rtx3070", 86},   {"rtx3070ti", 86}, {"rtx3080", 86},   {"rtx3080ti", 86}, {"rtx3090", 86},   {"a2", 86},
    {"a10", 86},       {"rtx4060", 89},   {"rtx4060ti", 89}, {"rtx4070", 89},   {"rtx4070ti", 89}, {"rtx4080", 89},
    {"rtx4090", 89},   {"l4", 89},        {"l40s", 89},      {"h100", 90},      {"h200", 90},      {"gh200", 90},
    {"b200", 100},     {"rtx5090", 120},
};

/// NVIDIA's list of CUDA GPUs, without the systems on a chip.
static constexpr unsigned kFamilies[] = {35, 37, 50, 52, 60, 61, 70, 75, 80, 86, 89, 90, 100, 103, 120, 121};

static constexpr unsigned kDefault[] = {50, 75, 80, 90};

namespace {
struct Jetson {
  StringLiteral name;
  unsigned sm;
};
} // namespace

static constexpr Jetson kJetsons[] = {
    {"jetson-nano", 53}, {"jetson-tx1", 53},   {"jetson-tx2", 62}, {"jetson-xavier", 72},
    {"jetson-orin", 87}, {"jetson-thor", 110}, {"thor", 101},      {"orin", 87},
};

ArrayRef<GPUCard> getGPUCards() { return kCards; }
ArrayRef<unsigned> getGPUFamilies() { return kFamilies; }

static std::string listNames() {
  std::string text;
  for (const GPUCard &card : kCards)
    text += (text.empty() ? "" : " ") + card.name.str();
  for (unsigned sm : kFamilies)
    text += " sm_" + std::to_string(sm);
  return text + " all";
}

static Error unknown(StringRef name) {
  unsigned sm = 0;
  bool isFamily = name.starts_with("sm_") && !name.drop_front(3).getAsInteger(10, sm);
  for (const Jetson &jetson : kJetsons)
    if (name == jetson.name || name.starts_with(jetson.name) || (isFamily && sm == jetson.sm))
      return createStringError(
          "'" + name + "' is a Jetson, a computer of its own with ARM cores: nncc makes objects for x86-64. It knows " +
          listNames());
  return createStringError("'" + name + "' is no GPU that nncc knows: " + listNames());
}

/// Adds what one name stands for; false for one that is none.
static bool addFamilies(StringRef name, std::set<unsigned> &families) {
  if (name == "all") {
    families.insert(std::begin(kFamilies), std::end(kFamilies));
    return true;
  }
  if (const auto *card = find_if(kCards, [&](const GPUCard &one) { return one.name == name; });
      card != std::end(kCards)) {
    families.insert(card->sm);
    return true;
  }
  // No kernel has an instruction of sm_90a alone: its image is that of sm_90, which runs on later cards, too.
  StringRef digits = name;
  unsigned sm = 0;
  if (!digits.consume_front("sm_") || (name == "sm_90a" ? digits.drop_back() : digits).getAsInteger(10, sm) ||
      !is_contained(kFamilies, sm))
    return false;
  families.insert(sm);
  return true;
}

Expected<std::vector<unsigned>> resolveGPUs(ArrayRef<std::string> names) {
  std::set<unsigned> families;
  if (names.empty())
    families.insert(std::begin(kDefault), std::end(kDefault));
  for (StringRef name : names)
    if (!addFamilies(name, families))
      return unknown(name);
  return std::vector<unsigned>(families.begin(), families.end());
}

static std::string describeFeatures(const gpu::GPUTarget &target) {
  SmallVector<StringRef> features;
  if (target.hasHalfArithmetic())
    features.push_back("f16 arithmetic");
  if (target.hasByteProducts() && !target.hasMma())
    features.push_back("dp4a");
  if (target.hasAmpereMma())
    features.push_back("mma m16n8k16 (f16, bf16), m16n8k32 (s8, u8), m16n8k8 (tf32)");
  else if (target.hasMma())
    features.push_back("mma m16n8k8 (f16), m8n8k16 (s8, u8)");
  if (target.hasAsyncCopy())
    features.push_back("cp.async");
  return features.empty() ? "SIMT" : "SIMT, " + join(features, ", ");
}

static std::string describeTiles(const gpu::GPUTarget &target) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string text;
  gpu::GPUTarget rounding = target;
  rounding.tf32 = true;
  for (auto [name, element] : {std::pair<StringRef, mlir::Type>{"f32", mlir::Float32Type::get(&context)},
                               {"tf32", mlir::Float32Type::get(&context)},
                               {"f16", mlir::Float16Type::get(&context)},
                               {"bf16", mlir::BFloat16Type::get(&context)},
                               {"i8", mlir::IntegerType::get(&context, 8)}}) {
    if (name == "tf32" && !rounding.usesTF32())
      continue;
    gpu::BlockTile tile = gpu::getLargestTile(element, name == "tf32" ? rounding : target);
    raw_string_ostream(text) << (text.empty() ? "" : ", ") << name << " " << tile.rows << "x" << tile.columns << "x"
                             << tile.depth << (tile.onTensorCores ? " mma" : "");
  }
  return text;
}

void printGPUTable(raw_ostream &out) {
  out << "| image | PTX | cards | what kernels may use | shared memory of a block | tiles of large products |\n"
         "|---|---|---|---|---|---|\n";
  for (unsigned sm : kFamilies) {
    gpu::GPUTarget target{.sm = sm};
    SmallVector<StringRef> cards;
    for (const GPUCard &card : kCards)
      if (card.sm == sm)
        cards.push_back(card.name);
    out << "| `sm_" << sm << "` | " << target.getPtxVersion() / 10 << "." << target.getPtxVersion() % 10 << " | "
        << join(cards, " ") << " | " << describeFeatures(target) << " | " << target.getMaxSharedBytes() / 1024
        << " KiB | " << describeTiles(target) << " |\n";
  }
}

} // namespace nncc::target
