//===- ProtoMutator.cpp - messages that parse, with contents that make no sense -------------------------------------------------===//

#include "ProtoMutator.h"

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

namespace nncc::import {

onnx::ModelProto ProtoMutator::mutate(const onnx::ModelProto &model) {
  onnx::ModelProto copy = model;
  for (size_t n = 1 + pick(3); n; --n) {
    messages.clear();
    texts = {"", "x", std::string("\0\n\"", 3), "Add", "Conv", "local", "../../x"};
    collect(copy);
    change(*messages[pick(messages.size())]);
  }
  return copy;
}

void ProtoMutator::collect(Message &message) {
  messages.push_back(&message);
  const Reflection &reflection = *message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                     : *reflection.MutableMessage(&message, field));
      else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
        texts.push_back(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                             : reflection.GetString(message, field));
    }
  }
}

void ProtoMutator::change(Message &message) {
  std::vector<const FieldDescriptor *> fields;
  message.GetReflection()->ListFields(message, &fields);
  // Mostly fields that are there; now and then any.
  if (fields.empty() || pick(5) == 0) {
    fields.clear();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i)
      fields.push_back(message.GetDescriptor()->field(i));
  }
  if (fields.empty())
    return;
  const FieldDescriptor &field = *fields[pick(fields.size())];
  if (field.is_repeated())
    changeRepeated(message, field);
  else
    changeField(message, field);
}

static int64_t nastyNumber(size_t choice) {
  static constexpr int64_t kNumbers[] = {0,         1,         -1,        2,         3,       -2,        7,    16,
                                         INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1 << 20, 1LL << 40, -100, 255};
  return kNumbers[choice % std::size(kNumbers)];
}

void ProtoMutator::changeField(Message &message, const FieldDescriptor &field) {
  const Reflection &reflection = *message.GetReflection();
  if (pick(4) == 0)
    return reflection.ClearField(&message, &field);
  switch (field.cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return reflection.SetInt32(&message, &field, int32_t(nastyNumber(random())));
  case FieldDescriptor::CPPTYPE_INT64:
    return reflection.SetInt64(&message, &field, nastyNumber(random()));
  case FieldDescriptor::CPPTYPE_UINT64:
    return reflection.SetUInt64(&message, &field, uint64_t(nastyNumber(random())));
  case FieldDescriptor::CPPTYPE_FLOAT:
    return reflection.SetFloat(&message, &field, float(nastyNumber(random())));
  case FieldDescriptor::CPPTYPE_DOUBLE:
    return reflection.SetDouble(&message, &field, double(nastyNumber(random())));
  case FieldDescriptor::CPPTYPE_ENUM:
    return reflection.SetEnumValue(&message, &field, int(pick(20)));
  case FieldDescriptor::CPPTYPE_STRING:
    return reflection.SetString(&message, &field, texts[pick(texts.size())]);
  case FieldDescriptor::CPPTYPE_MESSAGE:
    reflection.MutableMessage(&message, &field);
    return;
  default:
    return;
  }
}

void ProtoMutator::changeRepeated(Message &message, const FieldDescriptor &field) {
  const Reflection &reflection = *message.GetReflection();
  int size = reflection.FieldSize(message, &field);
  size_t what = pick(4);
  if (size && what == 0)
    return reflection.RemoveLast(&message, &field);
  if (size && what == 1)
    return reflection.SwapElements(&message, &field, int(pick(size)), int(pick(size)));
  int index = size ? int(pick(size)) : -1;
  bool add = index < 0 || what == 2;
  switch (field.cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32: {
    auto value = int32_t(nastyNumber(random()));
    return add ? reflection.AddInt32(&message, &field, value)
               : reflection.SetRepeatedInt32(&message, &field, index, value);
  }
  case FieldDescriptor::CPPTYPE_INT64: {
    int64_t value = nastyNumber(random());
    return add ? reflection.AddInt64(&message, &field, value)
               : reflection.SetRepeatedInt64(&message, &field, index, value);
  }
  case FieldDescriptor::CPPTYPE_FLOAT:
    return reflection.AddFloat(&message, &field, float(nastyNumber(random())));
  case FieldDescriptor::CPPTYPE_STRING: {
    const std::string &value = texts[pick(texts.size())];
    return add ? reflection.AddString(&message, &field, value)
               : reflection.SetRepeatedString(&message, &field, index, value);
  }
  case FieldDescriptor::CPPTYPE_MESSAGE: {
    std::unique_ptr<Message> source;
    if (index >= 0) {
      source.reset(reflection.GetRepeatedMessage(message, &field, index).New());
      source->CopyFrom(reflection.GetRepeatedMessage(message, &field, index));
    }
    Message *added = reflection.AddMessage(&message, &field);
    if (source)
      added->CopyFrom(*source);
    return;
  }
  default:
    return;
  }
}

} // namespace nncc::import
