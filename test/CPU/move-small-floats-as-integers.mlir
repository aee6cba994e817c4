// RUN: nncc-opt %s --cpu-move-small-floats-as-integers | FileCheck %s

// CHECK-LABEL: llvm.func @copy
// CHECK:         %[[ZERO:.*]] = llvm.bitcast %{{.*}} : vector<16xbf16> to vector<16xi16>
// CHECK:         %[[X:.*]] = llvm.intr.masked.load %{{.*}}, %{{.*}}, %[[ZERO]] {{.*}} -> vector<16xi16>
// CHECK:         %[[FLOAT:.*]] = llvm.bitcast %[[X]] : vector<16xi16> to vector<16xbf16>
// CHECK:         %[[Y:.*]] = llvm.bitcast %[[FLOAT]] : vector<16xbf16> to vector<16xi16>
// CHECK:         llvm.intr.masked.store %[[Y]]
llvm.func @copy(%from: !llvm.ptr, %to: !llvm.ptr, %mask: vector<16xi1>, %zero: vector<16xbf16>) {
  %0 = llvm.intr.masked.load %from, %mask, %zero {alignment = 2 : i32} : (!llvm.ptr, vector<16xi1>, vector<16xbf16>) -> vector<16xbf16>
  llvm.intr.masked.store %0, %to, %mask {alignment = 2 : i32} : vector<16xbf16>, vector<16xi1> into !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @larger
// CHECK:         llvm.load %{{.*}} : !llvm.ptr -> vector<16xi16>
// CHECK:         llvm.select %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi1>, vector<16xi16>
// CHECK:         llvm.store %{{.*}}, %{{.*}} : vector<16xi16>, !llvm.ptr
llvm.func @larger(%p: !llvm.ptr, %is: vector<16xi1>, %zero: vector<16xbf16>) {
  %0 = llvm.load %p : !llvm.ptr -> vector<16xbf16>
  %1 = llvm.select %is, %0, %zero : vector<16xi1>, vector<16xbf16>
  llvm.store %1, %p : vector<16xbf16>, !llvm.ptr
  llvm.return
}
