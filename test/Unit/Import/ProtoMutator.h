//===- ProtoMutator.h - messages that parse, with contents that make no sense ---------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_IMPORT_PROTOMUTATOR_H
#define NNCC_TEST_UNIT_IMPORT_PROTOMUTATOR_H

#include "onnx/onnx_pb.h"
#include <random>

namespace nncc::import {

/// Changes a few fields of a message: numbers to extremes, texts to those of other fields, parts left out, repeated, and swapped.
class ProtoMutator {
public:
  explicit ProtoMutator(unsigned seed) : random(seed) {}
  onnx::ModelProto mutate(const onnx::ModelProto &model);

private:
  void collect(google::protobuf::Message &message);
  void change(google::protobuf::Message &message);
  void changeField(google::protobuf::Message &message, const google::protobuf::FieldDescriptor &field);
  void changeRepeated(google::protobuf::Message &message, const google::protobuf::FieldDescriptor &field);
  size_t pick(size_t count) { return random() % count; }

  std::mt19937 random;
  std::vector<google::protobuf::Message *> messages; // of the model that is being changed
  std::vector<std::string> texts;                    // that occur in it
};

} // namespace nncc::import

#endif // NNCC_TEST_UNIT_IMPORT_PROTOMUTATOR_H
