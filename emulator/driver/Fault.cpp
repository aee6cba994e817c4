//===- Fault.cpp - the grammar of NNCC_EMU_FAULT -----------------------------------------------------------------===//

#include "Fault.h"
#include <charconv>

namespace nncc::emu::driver {

/// Reads a number from the front of `text`.
static std::optional<uint64_t> number(std::string_view &text) {
  uint64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc())
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

static std::optional<CUresult> result(std::string_view text) {
  std::optional<uint64_t> value = number(text);
  if (!value || !text.empty() || !*value || *value > 999)
    return std::nullopt;
  return static_cast<CUresult>(*value);
}

/// "11.4" as 11040.
static std::optional<unsigned> version(std::string_view text) {
  std::optional<uint64_t> major = number(text);
  if (!major || *major > 99 || text.substr(0, 1) != ".")
    return std::nullopt;
  text.remove_prefix(1);
  std::optional<uint64_t> minor = number(text);
  if (!minor || *minor > 9 || !text.empty())
    return std::nullopt;
  return static_cast<unsigned>(*major * 1000 + *minor * 10);
}

static std::optional<uint64_t> bytes(std::string_view text) {
  std::optional<uint64_t> value = number(text);
  if (!value)
    return std::nullopt;
  unsigned shift = text.empty() ? 0 : text == "K" ? 10 : text == "M" ? 20 : text == "G" ? 30 : 64;
  if (shift == 64 || *value > (UINT64_MAX >> shift))
    return std::nullopt;
  return *value << shift;
}

std::string Faults::parse(std::string_view text) {
  while (!text.empty()) {
    size_t end = std::min(text.find(','), text.size());
    if (std::string problem = parseItem(text.substr(0, end)); !problem.empty())
      return problem;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::string Faults::parseItem(std::string_view item) {
  if (size_t at = item.find('@'); at != item.npos)
    return parseCounted(item.substr(0, at), item.substr(at + 1));
  size_t equals = item.find('=');
  std::string_view name = item.substr(0, equals), value = equals == item.npos ? "" : item.substr(equals + 1);
  std::string wrong = "'" + std::string(item) + "': ";
  if (name == "init") {
    init = equals == item.npos ? CUDA_ERROR_UNKNOWN : result(value);
    return init ? "" : wrong + "a result from 1 to 999 expected";
  }
  if (name == "together") {
    std::optional<uint64_t> count = number(value);
    together = count && value.empty() ? *count : 0;
    return together ? "" : wrong + "how many, from 1, is expected";
  }
  if (name == "driver" || name == "memory") {
    std::optional<unsigned> parsed = version(value);
    if (name == "driver" && parsed)
      driverVersion = *parsed;
    std::optional<uint64_t> limit = bytes(value);
    if (name == "memory" && limit && *limit)
      memory = *limit;
    bool good = name == "driver" ? parsed.has_value() : limit && *limit;
    return good ? "" : wrong + (name == "driver" ? "a version such as 11.4 expected" : "a size such as 64M expected");
  }
  if (item == "no-device")
    noDevice = true;
  else if (item == "no-pools")
    noPools = true;
  else
    return wrong + "no fault of that name";
  return {};
}

std::string Faults::parseCounted(std::string_view what, std::string_view rest) {
  static constexpr struct {
    std::string_view name;
    CUresult code;
  } kinds[] = {{"alloc", CUDA_ERROR_OUT_OF_MEMORY}, {"host-alloc", CUDA_ERROR_OUT_OF_MEMORY},
               {"image", CUDA_ERROR_INVALID_IMAGE}, {"launch", CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES},
               {"crash", CUDA_ERROR_LAUNCH_FAILED}, {"lost", CUDA_ERROR_UNKNOWN}};
  std::string wrong = "'" + std::string(what) + "@" + std::string(rest) + "': ";
  Counted fault{std::string(what), 0, false, CUDA_ERROR_UNKNOWN};
  bool known = what.substr(0, 2) == "cu";
  for (const auto &kind : kinds)
    if (kind.name == what)
      known = true, fault.code = kind.code;
  if (!known)
    return wrong + "no fault of that name";
  std::optional<uint64_t> at = number(rest);
  if (!at || !*at)
    return wrong + "which one to fail, from 1, is expected behind '@'";
  fault.at = *at;
  if (rest.substr(0, 1) == "+")
    fault.onwards = true, rest.remove_prefix(1);
  if (!rest.empty()) {
    std::optional<CUresult> code = rest[0] == '=' ? result(rest.substr(1)) : std::nullopt;
    if (!code)
      return wrong + "a result from 1 to 999 expected behind '='";
    fault.code = *code;
  }
  counted.push_back(std::move(fault));
  return {};
}

std::optional<CUresult> Faults::strike(std::string_view what) {
  std::optional<CUresult> hit;
  for (Counted &fault : counted)
    if (fault.what == what) {
      ++fault.seen;
      if (fault.seen == fault.at || (fault.onwards && fault.seen > fault.at))
        hit = fault.code;
    }
  return hit;
}

} // namespace nncc::emu::driver
