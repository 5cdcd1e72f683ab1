//! What is called how elsewhere: PyTorch, Keras, burn-nn.
//!
//! # Calls
//!
//! | PyTorch (`batch_first=True`) | here |
//! |---|---|
//! | `nn.RNN(I, H)` | `RecurrentConfig::new(ElmanConfig::new(I, H))` |
//! | `nn.LSTM(I, H)` | `RecurrentConfig::new(LstmConfig::new(I, H))` |
//! | `nn.GRU(I, H)` | `RecurrentConfig::new(GruConfig::new(I, H))` |
//! | `num_layers=n, dropout=p` | `DeepConfig::new(layer, n).with_dropout(p)` |
//! | `bidirectional=True` | `BidirectionalConfig::new(cell)` in the place of `RecurrentConfig::new(cell)` |
//! | `bias=False` | `.with_gates(GatesConfig::new().with_bias(false))` |
//! | `proj_size=p` | `.with_proj_size(Some(p))` |
//! | `nonlinearity='relu'` | `.with_activation(Activation::Relu)` |
//! | `output, h = layer(x)` | `let run = layer.forward(x)?;`, then `run.outputs` and `run.state` |
//! | `layer(x, h)` | `layer.forward(LayerInput::new(x).with_state(state))?` |
//! | `pack_padded_sequence(x, lengths)` | `LayerInput::new(x).with_lengths(&lengths)`, in any order of the rows |
//! | `pad_packed_sequence(output)` | nothing: `run.outputs` is padded, with zeros |
//! | `h.detach()` | `state.detach()` |
//! | `torch.utils.checkpoint` over parts of a sequence | `RecomputedConfig::new(layer)` |
//! | `layer.train()`, `layer.eval()` | `layer.train()`, by which Burn records gradients, and `layer.valid()` |
//! | `loss.backward()`, `layer.weight_hh_l0.grad` | `let gradients = loss.backward();`, `layer.cell.gates.recurrent_weight.grad(&gradients)` |
//! | `layer.weight_hh_l1_reverse` | `layer.layers[1].directions().reverse.cell.gates.recurrent_weight` |
//! | `nn.LSTMCell(I, H)` | `LstmConfig::new(I, H)`; a step of it is [`Cell::step`](crate::Cell::step) |
//! | `load_state_dict` | `backdraft_exchange`, of files of PyTorch and of tensors |
//!
//! | Keras | here |
//! |---|---|
//! | `SimpleRNN`, `LSTM`, `GRU` | [`Elman`](crate::Elman), [`Lstm`](crate::Lstm), [`Gru`](crate::Gru), in a `RecurrentConfig` |
//! | `Bidirectional(layer, merge_mode='sum')` | `BidirectionalConfig::new(cell).with_merge(Merge::Sum)`; also `Concat`, `Mean` (`'ave'`), `Product` (`'mul'`) |
//! | `return_sequences=True` | `run.outputs`, which is always there |
//! | `return_sequences=False` | `run.state.hidden` of an LSTM, `run.state` of the others |
//! | `return_state=True` | `run.state` |
//! | `stateful=True` | the state of a run, given to the next: `.with_state(run.state)` |
//! | `mask` | [`Lengths::from_mask`](crate::Lengths::from_mask); with padding at the front, [`Aligned`](crate::Aligned) |
//! | `go_backwards=True` | `.with_direction(Direction::Reverse)`, whose outputs stay in the order of the input |
//! | `recurrent_dropout=p` | `.with_gates(GatesConfig::new().with_recurrent_dropout(p))`: one mask for a run |
//! | `dropout=p` | dropout on `x`, such as `burn::nn::Dropout` |
//! | `unit_forget_bias=True` | `.with_memory(Memory::ForgetBias(1.0))` |
//! | `recurrent_initializer='orthogonal'` | `GatesConfig::new().with_recurrent_initialization(Initializer::Orthogonal { gain: 1.0 }.into())` |
//! | `reset_after=False` of a GRU | `.with_reset(Reset::BeforeProduct)` |
//! | `ConvLSTM2D` | [`ConvLstm`](crate::ConvLstm), whose frames are flat |
//!
//! | burn-nn | here |
//! |---|---|
//! | `LstmConfig::new(i, h, true).init(&device)` | `RecurrentConfig::new(LstmConfig::new(i, h)).init(&device)?` |
//! | `BiLstmConfig::new(i, h, true)` | `BidirectionalConfig::new(LstmConfig::new(i, h))` |
//! | `let (outputs, state) = lstm.forward(x, None);` | `let run = lstm.forward(x)?;` |
//! | `gru.forward(x, Some(h))` | `gru.forward(LayerInput::new(x).with_state(h))?`, with the final state beside the outputs |
//! | Xavier's initial weights | PyTorch's: uniform between -1/sqrt(H) and 1/sqrt(H) |
//!
//! Both crates have an `LstmConfig`: import one of them with a name of its own if a program needs both.
//!
//! # Shapes
//!
//! ```text
//! sequences       [batch, time, features]                       as batch_first=True and Keras
//! states          [batch, units], named                         h_n: StackedState
//! outputs         [batch, time, units]                          both directions: forward, then reverse
//! input_weight    W: [G H, I]                                   weight_ih; Keras: kernel, [I, G H]
//! recurrent_weight R: [G H, H]  (with a projection [G H, P])    weight_hh; Keras: recurrent_kernel, [H, G H]
//! input_bias      b_W: [G H]                                    bias_ih
//! recurrent_bias  b_R: [G H]                                    bias_hh
//! projection      W_hr: [P, H]                                  weight_hr
//! peepholes       p_i, p_f, p_o: [3, H]                         ONNX: P, [1, 3 H], in the order p_i, p_o, p_f
//! ```
//!
//! `G` gates lie below each other, `H` rows each: an LSTM's i, f, g, o and a GRU's r, z, n, as in PyTorch. (Keras has
//! i, f, c, o and z, r, h; ONNX i, o, f, c and z, r, h.) `backdraft_exchange` reorders them.
//!
//! States are named tensors, `state.hidden` and `state.cell`, one state a layer: `run.state[1].reverse.cell` is the
//! final memory of the reverse direction of the second layer. PyTorch's `[layers * directions, batch, H]` comes of them,
//! and they of it, by [`StackedState`](crate::StackedState).
//!
//! # Lengths
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use burn::tensor::{Bool, Device, Tensor};
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! let device = Device::default();
//! // nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True)
//! let gru = DeepConfig::new(BidirectionalConfig::new(GruConfig::new(3, 4)), 2).init(&device)?;
//! let x = Tensor::<3>::ones([2, 5, 3], &device);
//!
//! // pack_padded_sequence(x, [5, 2], batch_first=True, enforce_sorted=False)
//! let lengths = Lengths::new([5, 2]);
//! let run = gru.forward(LayerInput::new(x.clone()).with_lengths(&lengths))?;
//! let [h_n] = gru.stacked(run.state)?.try_into().expect("a GRU has one tensor");
//! assert_eq!(h_n.dims(), [4, 2, 4]);
//!
//! // Rows that are padded at the front, as tokenizers of Hugging Face write them; theirs are integers: `mask.equal_elem(1)`.
//! let mask = Tensor::<2, Bool>::from_data(
//!     [[true; 5], [false, false, false, true, true]],
//!     &device,
//! );
//! let aligned = Aligned::new(x, mask)?;
//! let input = LayerInput::new(aligned.sequence.clone()).with_lengths(&aligned.lengths);
//! let outputs = aligned.restore(gru.forward(input)?.outputs); // each step where it was
//! assert_eq!(outputs.dims(), [2, 5, 8]);
//! # Ok(())
//! # }
//! ```
//!
//! What differs: outputs at padded steps are zero here and in PyTorch, while a Keras layer repeats the last output
//! there. Where a run is cut into windows, dropout masks of a run are drawn once a window.
