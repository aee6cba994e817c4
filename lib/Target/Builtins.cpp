//===- Builtins.cpp - functions that the back end calls and old libraries lack ------------------------------------===//

#include "Builtins.h"
#include "Machine.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

namespace nncc::target {

/// All round to nearest, ties to even, once. The constants are bit patterns of the wider type. Below the smallest normal value of the
/// narrow type, adding the number whose unit in the last place is the narrow type's smallest step rounds; above, an integer addition.
static constexpr char kBuiltins[] = R"(
define hidden float @__extendhfsf2(half %x) {
  %bits16 = bitcast half %x to i16
  %bits = zext i16 %bits16 to i32
  %magnitude = and i32 %bits, 32767
  %shifted = shl i32 %magnitude, 13
  %tiny = bitcast i32 %shifted to float
  %scaled = fmul float %tiny, 0x46F0000000000000 ; 2^112, the difference of the biases: exact, subnormals too
  %finite = bitcast float %scaled to i32
  %special = icmp uge i32 %magnitude, 31744
  %exponent = or i32 %shifted, 2139095040
  %nan = icmp ugt i32 %magnitude, 31744
  %quiet = select i1 %nan, i32 4194304, i32 0
  %infinite = or i32 %exponent, %quiet
  %unsigned = select i1 %special, i32 %infinite, i32 %finite
  %sign = and i32 %bits, 32768
  %high = shl i32 %sign, 16
  %result = or i32 %unsigned, %high
  %float = bitcast i32 %result to float
  ret float %float
}

define hidden half @__truncsfhf2(float %x) {
  %bits = bitcast float %x to i32
  %magnitude = and i32 %bits, 2147483647
  %absolute = bitcast i32 %magnitude to float
  %last = lshr i32 %magnitude, 13
  %odd = and i32 %last, 1
  %half = add i32 %magnitude, 4095
  %rounded = add i32 %half, %odd
  %shifted = lshr i32 %rounded, 13
  %normal = sub i32 %shifted, 114688 ; 112 << 10
  %sum = fadd float %absolute, 5.000000e-01
  %sum_bits = bitcast float %sum to i32
  %subnormal = sub i32 %sum_bits, 1056964608
  %is_subnormal = icmp ult i32 %magnitude, 947912704 ; 2^-14
  %finite = select i1 %is_subnormal, i32 %subnormal, i32 %normal
  %is_infinite = icmp uge i32 %magnitude, 1199566848 ; 65520
  %number = select i1 %is_infinite, i32 31744, i32 %finite
  %payload = and i32 %last, 1023
  %nan = or i32 %payload, 32256
  %is_nan = icmp ugt i32 %magnitude, 2139095040
  %unsigned = select i1 %is_nan, i32 %nan, i32 %number
  %high = lshr i32 %bits, 16
  %sign = and i32 %high, 32768
  %result = or i32 %unsigned, %sign
  %narrow = trunc i32 %result to i16
  %half_float = bitcast i16 %narrow to half
  ret half %half_float
}

define hidden half @__truncdfhf2(double %x) {
  %bits = bitcast double %x to i64
  %magnitude = and i64 %bits, 9223372036854775807
  %absolute = bitcast i64 %magnitude to double
  %last = lshr i64 %magnitude, 42
  %odd = and i64 %last, 1
  %half = add i64 %magnitude, 2199023255551 ; 2^41 - 1
  %rounded = add i64 %half, %odd
  %shifted = lshr i64 %rounded, 42
  %normal = sub i64 %shifted, 1032192 ; 1008 << 10
  %sum = fadd double %absolute, 0x41B0000000000000 ; 2^28
  %sum_bits = bitcast double %sum to i64
  %subnormal = sub i64 %sum_bits, 4733541483946573824
  %is_subnormal = icmp ult i64 %magnitude, 4544132024016830464 ; 2^-14
  %finite = select i1 %is_subnormal, i64 %subnormal, i64 %normal
  %is_infinite = icmp uge i64 %magnitude, 4679238008668487680 ; 65520
  %number = select i1 %is_infinite, i64 31744, i64 %finite
  %payload = and i64 %last, 1023
  %nan = or i64 %payload, 32256
  %is_nan = icmp ugt i64 %magnitude, 9218868437227405312
  %unsigned = select i1 %is_nan, i64 %nan, i64 %number
  %high = lshr i64 %bits, 48
  %sign = and i64 %high, 32768
  %result = or i64 %unsigned, %sign
  %narrow = trunc i64 %result to i16
  %half_float = bitcast i16 %narrow to half
  ret half %half_float
}

define hidden bfloat @__truncsfbf2(float %x) {
  %bits = bitcast float %x to i32
  %last = lshr i32 %bits, 16
  %odd = and i32 %last, 1
  %half = add i32 %bits, 32767
  %sum = add i32 %half, %odd
  %rounded = lshr i32 %sum, 16
  %nan = or i32 %last, 64
  %is_nan = fcmp uno float %x, 0.000000e+00
  %result = select i1 %is_nan, i32 %nan, i32 %rounded
  %narrow = trunc i32 %result to i16
  %bfloat = bitcast i16 %narrow to bfloat
  ret bfloat %bfloat
}

; By way of float, rounded to odd: its last bit says that digits were lost, so that the second rounding is right.
define hidden bfloat @__truncdfbf2(double %x) {
  %nearest = fptrunc double %x to float
  %back = fpext float %nearest to double
  %bits = bitcast float %nearest to i32
  %absolute_back = call double @llvm.fabs.f64(double %back)
  %absolute = call double @llvm.fabs.f64(double %x)
  %is_above = fcmp ogt double %absolute_back, %absolute
  %step = zext i1 %is_above to i32
  %below = sub i32 %bits, %step
  %lost = fcmp one double %back, %x
  %sticky = zext i1 %lost to i32
  %odd_bits = or i32 %below, %sticky
  %odd = bitcast i32 %odd_bits to float
  %result = call bfloat @__truncsfbf2(float %odd)
  ret bfloat %result
}

declare double @llvm.fabs.f64(double)
)";

Expected<std::vector<std::string>> getUndefinedSymbols(ArrayRef<char> object) {
  auto binary =
      object::ObjectFile::createELFObjectFile(MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
  if (!binary)
    return binary.takeError();
  std::vector<std::string> undefined;
  for (const object::SymbolRef &symbol : (*binary)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if (*flags & object::SymbolRef::SF_Undefined && !name->empty())
      undefined.push_back(name->str());
  }
  return undefined;
}

/// True if one of `objects` refers to a function of `builtins`.
static Expected<bool> isNeeded(ArrayRef<ObjectBytes> objects, const Module &builtins) {
  for (const ObjectBytes &object : objects) {
    Expected<std::vector<std::string>> names = getUndefinedSymbols(object);
    if (!names)
      return names.takeError();
    if (any_of(*names, [&](const std::string &name) { return builtins.getFunction(name) != nullptr; }))
      return true;
  }
  return false;
}

Expected<std::optional<ObjectBytes>> compileBuiltinsFor(ArrayRef<ObjectBytes> objects) {
  std::shared_lock optionsLock(getLLVMOptionsLock());
  LLVMContext context;
  SMDiagnostic problem;
  std::unique_ptr<Module> module = parseAssemblyString(kBuiltins, problem, context);
  if (!module)
    return createStringError("builtins: " + problem.getMessage());
  Expected<bool> needed = isNeeded(objects, *module);
  if (!needed)
    return needed.takeError();
  if (!*needed)
    return std::nullopt;
  auto machine = createMachine(CPULevel::getBaseline(), /*optLevel=*/2);
  if (!machine)
    return machine.takeError();
  module->setSourceFileName("nncc.builtins");
  prepareModule(*module, **machine);
  ObjectBytes object;
  raw_svector_ostream out(object);
  if (Error error = emitModule(*module, **machine, CodeGenFileType::ObjectFile, out))
    return error;
  return object;
}

} // namespace nncc::target
