//===- KernelText.cpp - kernels for many sizes from one text ------------------------------------------------------===//

#include "KernelText.h"
#include <regex>
#include <sstream>

namespace nncc::cpu {

/// One `NxCxf32`.
static std::string instantiateShape(const std::string &shape, const SizeMap &sizes, const std::set<char> &dynamic,
                                    const std::string &element, std::string &dynamicSizes) {
  std::string result;
  std::stringstream parts(shape);
  for (std::string part; std::getline(parts, part, 'x');) {
    auto size = part.size() == 1 ? sizes.find(part[0]) : sizes.end();
    if (size == sizes.end()) {
      result += (result.empty() ? "" : "x") + (part == "E" ? element : part);
      continue;
    }
    bool isDynamic = dynamic.count(part[0]);
    result += (result.empty() ? "" : "x") + (isDynamic ? std::string("?") : std::to_string(size->second));
    if (isDynamic)
      dynamicSizes += (dynamicSizes.empty() ? "%" : ", %") + part;
  }
  return result;
}

std::string instantiate(const std::string &text, const SizeMap &sizes, const std::set<char> &dynamic,
                        const std::string &element) {
  static const std::regex types("(tensor|memref|empty)<([^<>]*)>");
  std::string result;
  auto position = text.begin();
  for (std::sregex_iterator it(text.begin(), text.end(), types), end; it != end; ++it) {
    result.append(position, text.begin() + it->position());
    std::string dynamicSizes;
    std::string shape = instantiateShape((*it)[2], sizes, dynamic, element, dynamicSizes);
    if ((*it)[1] == "empty")
      result += "tensor.empty(" + dynamicSizes + ") : ";
    result += ((*it)[1] == "memref" ? "memref<" : "tensor<") + shape + ">";
    position = text.begin() + it->position() + it->length();
  }
  result.append(position, text.end());
  return std::regex_replace(result, std::regex("\\bE\\b"), element);
}

} // namespace nncc::cpu
