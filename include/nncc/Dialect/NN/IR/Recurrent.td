//===- Recurrent.td - LSTM, GRU and RNN ------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_RECURRENT_TD
#define NNCC_DIALECT_NN_IR_RECURRENT_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_RecurrenceOp : NN_InferredOp<"recurrence", [AttrSizedOperandSegments]> {
  let summary = "The steps in time of an LSTM, a GRU or a plain recurrent layer";
  let description = [{
    T times, B rows, D directions (`reverse` has an entry for each: from the last time to the first), H units. `cell` is one of

    | cell | gates | parameters | states | h' |
    |---|---|---|---|---|
    | "rnn" | h | | h | f(h) |
    | "lstm" | i, o, f, c | peepholes of i, o, f | h, c | o h(c'), where c' = f c + i g(c) |
    | "gru" | z, r, then h | | h | (1 - z) g(h) + z h, where the product for h is of r h |
    | "gru_reset_after" | z, r, h | bias of the product for h | h | (1 - z) g(h) + z h, where r scales the product |

    A gate is its part of `input`, which is the projection of the layer's inputs with all biases, plus the product of the state h by its part
    of the weights. `input` is T x B x D*G*H; each of `weights` is D x H x g*H (two for "gru": z and r, h); `parameters` is D x N x
    H, or absent: none; `initial` has D x B x H for each state, or nothing: zeros; `lengths` is B. Results: the sequence of h, T x D x
    B x H, then each state after the last step, D x B x H. With `batch_major` these are B x T x .., B x D x H and B x T x D x H. A row that has
    a length ends, and when reversed starts, there: behind it the sequence is zero. A row of length 0 keeps its initial states.

    `activations` are f, g and h in ONNX's names, in lower case, with `alpha` and `beta` for each; they are the same in all directions. `clip` bounds
    what goes into an activation. With `input_forget`, f is 1 - i.
    (C1) H and D are known. (C2) f32 or f64. (C3) Lengths are in [0, T] (checked at run time).
  }];
  let arguments = (ins NN_FloatTensor:$input, Variadic<NN_FloatTensor>:$weights, Optional<NN_FloatTensor>:$parameters,
                       Variadic<NN_FloatTensor>:$initial, Optional<NN_IntTensor>:$lengths, StrAttr:$cell, StrArrayAttr:$activations,
                       DenseF32ArrayAttr:$alpha, DenseF32ArrayAttr:$beta, OptionalAttr<F32Attr>:$clip, UnitAttr:$input_forget,
                       DenseBoolArrayAttr:$reverse, UnitAttr:$batch_major);
  let results = (outs Variadic<NN_FloatTensor>:$results);
  let assemblyFormat = [{
    $cell $input `weights` `(` $weights `)` (`parameters` `(` $parameters^ `)`)? (`initial` `(` $initial^ `)`)?
    (`lengths` `(` $lengths^ `)`)? attr-dict `:` type($input) `weights` `(` type($weights) `)` (`parameters` `(` type($parameters)^ `)`)?
    (`initial` `(` type($initial)^ `)`)? (`lengths` `(` type($lengths)^ `)`)? `->` type($results)
  }];
}

#endif // NNCC_DIALECT_NN_IR_RECURRENT_TD
