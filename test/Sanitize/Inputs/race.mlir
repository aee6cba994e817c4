// Each tile stores to element MASK and its number: with 1023 a race, with 4194303 right.
module attributes {exec.inputs = [{name = "x", type = tensor<4194304xf32>}], exec.outputs = [{name = "y", type = tensor<4194304xf32>}], exec.symbols = []} {
  exec.kernel @k0_spread(%x: tensor<4194304xf32>) -> tensor<4194304xf32> {
    %mask = arith.constant MASK : index
    %size = arith.constant 4194304 : index
    %empty = tensor.empty() : tensor<4194304xf32>
    %0 = exec.grid(%size) ins(%x : tensor<4194304xf32>) outs(%empty : tensor<4194304xf32>) {
    ^bb0(%i: index, %from: memref<4194304xf32>, %to: memref<4194304xf32>):
      %place = arith.andi %i, %mask : index
      %element = memref.load %from[%i] : memref<4194304xf32>
      memref.store %element, %to[%place] : memref<4194304xf32>
      exec.yield
    } -> tensor<4194304xf32>
    exec.yield %0 : tensor<4194304xf32>
  }
  func.func @main(%x: tensor<4194304xf32> {nn.name = "x"}) -> (tensor<4194304xf32> {nn.name = "y"}) {
    %0 = exec.launch @k0_spread(%x) : (tensor<4194304xf32>) -> tensor<4194304xf32>
    return %0 : tensor<4194304xf32>
  }
}
