//! What is read, cut and batched.

mod arrays;
mod mfcc;
mod series;
