//! What is read, cut and batched.

mod arrays;
mod librosa;
mod mfcc;
mod series;
