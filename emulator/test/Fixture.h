//===- Fixture.h - kernels in text, run on a device --------------------------------------------------------------===//

#ifndef NNCCEMU_TEST_FIXTURE_H
#define NNCCEMU_TEST_FIXTURE_H

#include "nnccemu/Machine.h"
#include <cstring>
#include <gtest/gtest.h>

namespace nncc::emu {

class OnDevice : public testing::Test {
protected:
  Device device{*cardNamed("a100")};

  template <class T> uint64_t upload(const std::vector<T> &data) {
    uint64_t address = device.allocate(data.size() * sizeof(T));
    EXPECT_EQ(device.write(address, data.data(), data.size() * sizeof(T)), std::nullopt);
    return address;
  }

  template <class T> std::vector<T> download(uint64_t address, size_t count) {
    std::vector<T> data(count);
    EXPECT_EQ(device.read(data.data(), address, count * sizeof(T)), std::nullopt);
    return data;
  }

  /// The kernel `k` of a text without its header.
  std::optional<Function> kernel(const std::string &text) {
    Diagnostic diagnostic;
    auto module = device.load(".version 7.8\n.target sm_80\n.address_size 64\n" + text, diagnostic);
    EXPECT_TRUE(module) << diagnostic.line << ": " << diagnostic.message;
    return module ? device.function(*module, "k") : std::nullopt;
  }

  template <class... T> std::string run(const std::string &text, LaunchShape shape, const T &...params) {
    auto f = kernel(text);
    if (!f)
      return "not loaded";
    std::vector<const void *> pointers = {static_cast<const void *>(&params)...};
    auto trap = device.launch(*f, shape, pointers);
    return trap ? trap->text() : "";
  }

  /// What one warp stores at out[tid], 32 or 64 bits, after `body`; %r0 to %r9, %rd0.., %f.., %d.., %h.. (16 bits) and %p0.. are declared, the lane is %r0.
  template <class T> std::vector<T> lanes(const std::string &body, const std::string &result) {
    uint64_t out = upload(std::vector<T>(32));
    std::string type = sizeof(T) == 8 ? "b64" : sizeof(T) == 4 ? "b32" : "b16";
    std::string text = R"(.visible .entry k(.param .u64 out) {
  .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .f32 %f<20>; .reg .f64 %d<20>; .reg .b16 %h<20>; .reg .pred %p<8>;
  mov.u32 %r0, %tid.x;
)" + body + "\n ld.param.u64 %rd18, [out]; mul.wide.u32 %rd19, %r0, " +
                       std::to_string(sizeof(T)) + "; add.u64 %rd18, %rd18, %rd19; st.global." + type + " [%rd18], " +
                       result + "; ret; }";
    EXPECT_EQ(run(text, {{1, 1, 1}, {32, 1, 1}, 0}, out), "") << body;
    return download<T>(out, 32);
  }

  template <class T> T first(const std::string &body, const std::string &result) { return lanes<T>(body, result)[0]; }
};

} // namespace nncc::emu

#endif
