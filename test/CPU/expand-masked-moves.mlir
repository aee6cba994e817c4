// RUN: nncc-opt %s --cpu-expand-masked-moves | FileCheck %s

// CHECK-LABEL: func.func @tail
// CHECK-SAME:    %[[FROM:.*]]: memref<4x?xi8>, %[[TO:.*]]: memref<?xi8>, %[[N:.*]]: index, %[[I:.*]]: index,
// CHECK-DAG:     %[[IN:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32xi8>
// CHECK-DAG:     %[[OUT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32xi8>
// CHECK:         %[[LANES:.*]] = arith.constant 32 : index
// CHECK-NEXT:    %[[COUNT:.*]] = arith.minsi %[[N]], %[[LANES]]
// CHECK:         scf.for %[[K:.*]] = %{{.*}} to %[[COUNT]]
// CHECK-NEXT:      %[[AT:.*]] = arith.addi %{{.*}}, %[[K]]
// CHECK:           %[[E:.*]] = memref.load %[[FROM]][%[[I]], %[[AT]]]
// CHECK-NEXT:      memref.store %[[E]]
// CHECK:         vector.load
// CHECK:         %[[STORED:.*]] = arith.minsi %[[N]]
// CHECK:         vector.store
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[STORED]]
// CHECK:           memref.store %{{.*}}, %[[TO]]
func.func @tail(%from: memref<4x?xi8>, %to: memref<?xi8>, %n: index, %i: index, %zero: vector<32xi8>) {
  %mask = vector.create_mask %n : vector<32xi1>
  %0 = vector.maskedload %from[%i, %i], %mask, %zero : memref<4x?xi8>, vector<32xi1>, vector<32xi8> into vector<32xi8>
  vector.maskedstore %to[%i], %mask, %0 : memref<?xi8>, vector<32xi1>, vector<32xi8>
  return
}

// What the CPU can mask, and masks that are not of the first lanes, stay.

// CHECK-LABEL: func.func @stays
// CHECK:         vector.maskedstore
// CHECK:         vector.maskedstore
func.func @stays(%to: memref<?xf32>, %bytes: memref<?xi8>, %i: index, %x: vector<16xf32>, %y: vector<16xi8>, %mask: vector<16xi1>) {
  %first = vector.create_mask %i : vector<16xi1>
  vector.maskedstore %to[%i], %first, %x : memref<?xf32>, vector<16xi1>, vector<16xf32>
  vector.maskedstore %bytes[%i], %mask, %y : memref<?xi8>, vector<16xi1>, vector<16xi8>
  return
}
