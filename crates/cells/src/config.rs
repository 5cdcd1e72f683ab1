//! Configurations: each field and its default is written once.
//!
//! ```text
//! config! {
//!     pub struct XConfig {
//!         pub input_size: usize,           required: an argument of `XConfig::new`
//!         pub bias: bool = true,           optional: `with_bias`, and what a file may leave out
//!     }
//! }
//! ```
//!
//! What Burn's `#[derive(Config)]` writes, and one thing more: there a file has to hold every field, here it may leave
//! out those with a default, and a field that does not exist is refused.

/// Writes a configuration: the struct, `new`, `with_..`, Burn's `Config` (to save and load it), and serde's traits.
macro_rules! config {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $crate::config::config!(@sort [$(#[$meta])* $name] [] [] $($fields)*);
    };
    (@sort $head:tt [$($required:tt)*] $optional:tt
        $(#[$meta:meta])* pub $field:ident: $type:ty, $($rest:tt)*
    ) => {
        $crate::config::config!(
            @sort $head [$($required)* ($(#[$meta])* $field: $type)] $optional $($rest)*
        );
    };
    (@sort $head:tt $required:tt [$($optional:tt)*]
        $(#[$meta:meta])* pub $field:ident: $type:ty = $default:expr, $($rest:tt)*
    ) => {
        $crate::config::config!(
            @sort $head $required [$($optional)* ($(#[$meta])* $field: $type = $default)] $($rest)*
        );
    };
    (@sort [$(#[$meta:meta])* $name:ident]
        [$(($(#[$required_meta:meta])* $required:ident: $required_type:ty))*]
        [$(($(#[$optional_meta:meta])* $optional:ident: $optional_type:ty = $default:expr))*]
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize)]
        pub struct $name {
            $($(#[$required_meta])* pub $required: $required_type,)*
            $(
                $(#[$optional_meta])*
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub $optional: $optional_type,
            )*
        }

        impl $name {
            #[doc = concat!("A [`", stringify!($name), "`] with the defaults of all other fields.")]
            #[allow(clippy::new_without_default, reason = "only some have a natural default")]
            pub fn new($($required: $required_type),*) -> Self {
                Self {
                    $($required,)*
                    $($optional: $default,)*
                }
            }

            $(pastey::paste! {
                #[doc = concat!("Sets [`", stringify!($optional), "`](field@Self::", stringify!($optional), ").")]
                #[must_use]
                pub fn [<with_ $optional>](mut self, $optional: $optional_type) -> Self {
                    self.$optional = $optional;
                    self
                }
            })*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(stored: D) -> Result<Self, D::Error> {
                /// The same name, as errors give it.
                #[derive(serde::Deserialize)]
                #[serde(deny_unknown_fields)]
                struct $name {
                    $($required: $required_type,)*
                    $($optional: Option<$optional_type>,)*
                }
                let stored = $name::deserialize(stored)?;
                Ok(Self {
                    $($required: stored.$required,)*
                    $($optional: stored.$optional.unwrap_or_else(|| $default),)*
                })
            }
        }

        impl burn::config::Config for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&burn::config::config_to_json(self))
            }
        }
    };
}
pub(crate) use config;

/// The sizes of a [`SequenceConfig`](crate::SequenceConfig) that has them in `input_size` and in the field that is
/// named.
macro_rules! by_fields {
    ($hidden_size:ident) => {
        fn input_size(&self) -> usize {
            self.input_size
        }

        fn with_input_size(mut self, input_size: usize) -> Self {
            self.input_size = input_size;
            self
        }

        fn with_hidden_size(mut self, hidden_size: usize) -> Self {
            self.$hidden_size = hidden_size;
            self
        }
    };
}
pub(crate) use by_fields;
