//===- WireScan.cpp - a model without its weights, from the bytes of the model --------------------------------------------===//
///
/// \file
/// Two passes, because a message states its length before its content: the first notes, for every message that may hold
/// a tensor, in the order of the file, how long its copy is; the second writes. Messages that lose nothing are copied
/// whole.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "WireScan.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

using namespace llvm;

namespace nncc::import {

namespace {

// A field number that ONNX does not use. Protobuf keeps unknown fields; one in the file itself is dropped, so that no
// model can write a marker.
constexpr uint64_t kMarker = 60000;
constexpr unsigned kMaxDepth = 160; // messages in messages; 32 nested graphs need 100
constexpr uint64_t kMaxSkeleton = (uint64_t(1) << 31) - 1;

enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5 };
enum class Kind : uint8_t { Other, Model, Graph, Node, Attribute, Tensor, SparseTensor, Function };

/// The messages that lead to tensors (onnx.proto).
Kind childKind(Kind kind, uint64_t field) {
  switch (kind) {
  case Kind::Model:
    return field == 7 ? Kind::Graph : field == 25 ? Kind::Function : Kind::Other;
  case Kind::Graph:
    return field == 1 ? Kind::Node : field == 5 ? Kind::Tensor : field == 15 ? Kind::SparseTensor : Kind::Other;
  case Kind::Node:
    return field == 5 ? Kind::Attribute : Kind::Other;
  case Kind::Attribute:
    return field == 5 || field == 10    ? Kind::Tensor
           : field == 6 || field == 11  ? Kind::Graph
           : field == 22 || field == 23 ? Kind::SparseTensor
                                        : Kind::Other;
  case Kind::SparseTensor:
    return field == 1 || field == 2 ? Kind::Tensor : Kind::Other;
  case Kind::Function:
    return field == 7 ? Kind::Node : field == 11 ? Kind::Attribute : Kind::Other;
  case Kind::Tensor:
  case Kind::Other:
    return Kind::Other;
  }
  return Kind::Other;
}

struct Field {
  uint64_t number = 0;
  unsigned wire = 0;
  StringRef whole; // with its tag
  StringRef body;  // of a Bytes field
};

bool takeVarint(StringRef &rest, uint64_t &value) {
  unsigned size = 0;
  const char *error = nullptr;
  value = decodeULEB128(rest.bytes_begin(), &size, rest.bytes_end(), &error);
  rest = rest.drop_front(error ? 0 : size);
  return !error;
}

bool skip(StringRef &rest, uint64_t size) {
  if (size > rest.size())
    return false;
  rest = rest.drop_front(size);
  return true;
}

/// Takes the next field; a group (deprecated, allowed in unknown fields) with all that it holds.
bool takeField(StringRef &rest, Field &field) {
  StringRef start = rest;
  for (unsigned groups = 0;;) {
    uint64_t tag = 0, value = 0;
    if (!takeVarint(rest, tag) || tag >> 3 == 0 || tag >> 32 != 0)
      return false;
    if (groups == 0) {
      field.number = tag >> 3;
      field.wire = tag & 7;
    }
    switch (tag & 7) {
    case Varint:
      if (!takeVarint(rest, value))
        return false;
      break;
    case Fixed64:
    case Fixed32:
      if (!skip(rest, (tag & 7) == Fixed64 ? 8 : 4))
        return false;
      break;
    case Bytes:
      if (!takeVarint(rest, value) || value > rest.size())
        return false;
      field.body = rest.take_front(value);
      rest = rest.drop_front(value);
      break;
    case StartGroup:
      if (++groups > kMaxDepth)
        return false;
      break;
    case EndGroup:
      if (groups-- == 0)
        return false;
      break;
    default:
      return false;
    }
    if (groups == 0)
      break;
  }
  field.whole = start.drop_back(rest.size());
  return true;
}

class Scanner {
public:
  Scanner(StringRef model, std::string &out) : model(model), os(out), out(out) {}

  ScanResult run() {
    if (ScanResult result = measure(model, Kind::Model, 0); result != ScanResult::Ok)
      return result;
    if (messages.front().length > kMaxSkeleton)
      return ScanResult::TooLarge;
    out.reserve(messages.front().length);
    writeContent(model, Kind::Model);
    os.flush();
    return ScanResult::Ok;
  }

private:
  struct Message {
    uint64_t length;   // of the copy
    uint64_t messages; // that follow in the list and are inside this one
    int64_t cut = -1;  // of a tensor: the index of the field that is left out
  };

  ScanResult measure(StringRef content, Kind kind, unsigned depth);
  int64_t fieldToCut(StringRef tensor, uint64_t &length);
  void writeContent(StringRef content, Kind kind);
  void writeMarker(const Field &field);
  std::string marker(const Field &field) const;

  StringRef model;
  std::vector<Message> messages; // in pre-order
  size_t next = 0;               // the message that writeContent comes to
  raw_string_ostream os;
  std::string &out;
};

bool isData(const Field &field) {
  return field.wire == Bytes && (field.number == LocatedData::Raw || field.number == LocatedData::Floats ||
                                 field.number == LocatedData::Doubles);
}

std::string Scanner::marker(const Field &field) const {
  std::string body, text;
  raw_string_ostream bodyStream(body), stream(text);
  for (uint64_t value : {field.number, uint64_t(field.body.data() - model.data()), uint64_t(field.body.size())})
    encodeULEB128(value, bodyStream);
  encodeULEB128(kMarker << 3 | Bytes, stream);
  encodeULEB128(body.size(), stream);
  stream << body;
  return text;
}

/// A tensor's data is left in the file when it is one large field and the only one of its kind: repeated fields are
/// concatenated.
int64_t Scanner::fieldToCut(StringRef tensor, uint64_t &length) {
  int64_t cut = -1, index = 0, dataFields = 0;
  uint64_t cutLength = 0;
  for (Field field; !tensor.empty() && takeField(tensor, field); ++index) {
    // float_data and double_data may also come unpacked, one element a field.
    bool isElement = (field.number == LocatedData::Floats && field.wire == Fixed32) ||
                     (field.number == LocatedData::Doubles && field.wire == Fixed64);
    dataFields += isElement || isData(field);
    if (isData(field) && field.body.size() > kMaxInlineBytes) {
      cut = index;
      cutLength = field.whole.size() - marker(field).size();
    }
  }
  if (dataFields != 1)
    return -1;
  if (cut >= 0)
    length -= cutLength;
  return cut;
}

ScanResult Scanner::measure(StringRef content, Kind kind, unsigned depth) {
  if (depth > kMaxDepth)
    return ScanResult::TooDeep;
  size_t self = messages.size();
  messages.push_back({0, 0});
  uint64_t length = 0;
  StringRef rest = content;
  for (Field field; !rest.empty();) {
    if (!takeField(rest, field))
      return ScanResult::Malformed;
    if (kind == Kind::Tensor && field.number == kMarker)
      continue;
    Kind child = field.wire == Bytes ? childKind(kind, field.number) : Kind::Other;
    if (child == Kind::Other) {
      length += field.whole.size();
      continue;
    }
    size_t index = messages.size();
    if (ScanResult result = measure(field.body, child, depth + 1); result != ScanResult::Ok)
      return result;
    uint64_t inner = messages[index].length;
    length += getULEB128Size(field.number << 3 | Bytes) + getULEB128Size(inner) + inner;
  }
  if (kind == Kind::Tensor)
    messages[self].cut = fieldToCut(content, length);
  messages[self].length = length;
  messages[self].messages = messages.size() - self - 1;
  return ScanResult::Ok;
}

void Scanner::writeContent(StringRef content, Kind kind) {
  const Message message = messages[next++];
  int64_t index = 0;
  for (Field field; !content.empty() && takeField(content, field); ++index) {
    if (kind == Kind::Tensor && field.number == kMarker)
      continue;
    Kind child = field.wire == Bytes ? childKind(kind, field.number) : Kind::Other;
    if (child != Kind::Other) {
      const Message &inner = messages[next];
      encodeULEB128(field.number << 3 | Bytes, os);
      encodeULEB128(inner.length, os);
      if (inner.length == field.body.size() && inner.cut < 0 && inner.messages == 0 && child != Kind::Tensor) {
        ++next;
        os << field.body;
      } else {
        writeContent(field.body, child);
      }
    } else if (index == message.cut) {
      os << marker(field);
    } else {
      os << field.whole;
    }
  }
}

} // namespace

ScanResult copyWithoutWeights(StringRef model, std::string &out) { return Scanner(model, out).run(); }

std::optional<LocatedData> locatedData(const onnx::TensorProto &tensor) {
  const google::protobuf::UnknownFieldSet &fields = tensor.unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField &field = fields.field(i);
    if (field.number() != int(kMarker) || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    StringRef body(field.length_delimited());
    uint64_t number = 0, offset = 0, length = 0;
    if (takeVarint(body, number) && takeVarint(body, offset) && takeVarint(body, length))
      return LocatedData{LocatedData::Field(number), offset, length};
  }
  return std::nullopt;
}

} // namespace nncc::import
