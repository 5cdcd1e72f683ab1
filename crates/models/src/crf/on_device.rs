//! A conditional random field in operations of the device, which autodiff goes back through: what
//! a GPU runs, and the reference for what the host does.
//!
//! ```text
//! alpha_1 = a + E_1
//! alpha_{t,j} = E_{t,j} + ln sum_i exp(alpha_{t-1,i} + A_{ij})
//! ln Z = ln sum_j exp(alpha_{n,j} + b_j)
//! ```

use backdraft_cells::{Error, Lengths};
use burn::tensor::{Int, Tensor, TensorData};

use super::{Crf, Scores};

impl Scores {
    /// `ln Z` of each row, by the forward recursion on the device: `[batch]`.
    pub(super) fn log_z_on_device(&self, emissions: Tensor<3>, lengths: &Lengths) -> Tensor<1> {
        let [batch, time, tags] = emissions.dims();
        let device = emissions.device();
        let emissions = lengths.clear_padding(emissions);
        let valid = lengths.mask(time, &device);
        let transitions = self.transitions.clone().unsqueeze::<3>();
        let at = |t: usize| emissions.clone().narrow(1, t, 1).reshape([batch, tags]);
        let there = |t: usize| valid.clone().narrow(1, t, 1);

        let mut alpha = self.start.clone().unsqueeze::<2>() + at(0);
        for t in 1..time {
            let paths = alpha.clone().unsqueeze_dim::<3>(2) + transitions.clone();
            let next = log_sum_exp(paths).reshape([batch, tags]) + at(t);
            alpha = alpha.mask_where(there(t).expand([batch, tags]), next);
        }
        let paths = (alpha + self.end.clone().unsqueeze()).unsqueeze_dim::<3>(2);
        let log_z = log_sum_exp(paths).reshape([batch]);
        log_z.mask_fill(there(0).reshape([batch]).bool_not(), 0.0)
    }
}

impl Crf {
    /// `ln Z` of each row, by the forward recursion on the device: `[batch]`.
    ///
    /// # Errors
    ///
    /// As [`nats`](Self::nats).
    pub fn log_partition(
        &self,
        emissions: Tensor<3>,
        lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        self.check(&emissions, lengths)?;
        Ok(self.scores().log_z_on_device(emissions, lengths))
    }

    /// `s(tags)` of each row: `[batch]`.
    ///
    /// # Errors
    ///
    /// As [`nats`](Self::nats).
    pub fn score(
        &self,
        emissions: Tensor<3>,
        tags: Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        self.check_tags(&emissions, &tags, lengths)?;
        let [batch, time, count] = emissions.dims();
        let device = emissions.device();
        let valid = lengths.mask(time, &device);
        let emissions = lengths.clear_padding(emissions);
        let tags = tags.mask_fill(valid.clone().bool_not(), 0);

        let emitted = emissions.gather(2, tags.clone().unsqueeze_dim(2));
        let mut score = emitted.reshape([batch, time]).sum_dim(1);
        if time > 1 {
            let pairs = tags.clone().narrow(1, 0, time - 1) * count as i64
                + tags.clone().narrow(1, 1, time - 1);
            let transitions = self.transitions.val().reshape([count * count]);
            let passed = transitions.select(0, pairs.reshape([batch * (time - 1)]));
            let passed = passed.reshape([batch, time - 1]);
            let padding = valid.clone().narrow(1, 1, time - 1).bool_not();
            score = score + passed.mask_fill(padding, 0.0).sum_dim(1);
        }
        let last = lengths.as_slice().iter();
        let last: Vec<i32> = last.map(|&length| length.max(1) as i32 - 1).collect();
        let last = Tensor::from_data(TensorData::new(last, [batch, 1]), &device);
        let first = tags.clone().narrow(1, 0, 1).reshape([batch]);
        let last = tags.gather(1, last).reshape([batch]);
        let ends = self.start.val().select(0, first) + self.end.val().select(0, last);
        let empty = valid.narrow(1, 0, 1).reshape([batch]).bool_not();
        Ok(score.reshape([batch]) + ends.mask_fill(empty, 0.0))
    }
}

/// `ln sum_i exp(x_i)` over the second dimension, which becomes 1.
fn log_sum_exp(x: Tensor<3>) -> Tensor<3> {
    // The shift cancels, so that no gradient need go through it.
    let shift = x.clone().detach().max_dim(1);
    (x - shift.clone()).exp().sum_dim(1).log() + shift
}
