//! A module that is one of several. Burn's derive would put the name of the arm before the names of the
//! parameters; here they have those that they have without the enum around them, so that weights go from the
//! one to the other.

/// Implements Burn's `Module` for an enum of modules, whose parameters are named as those of the module in it.
///
/// Arms are listed; those that hold a `Box` of a module, apart.
#[doc(hidden)]
#[macro_export]
macro_rules! one_of {
    ($name:ident { $($arm:ident),* $(,)? } boxed { $($boxed:ident),* $(,)? }) => {
        impl ::burn::module::Module for $name {
            fn collect_devices(
                &self,
                devices: ::burn::module::Devices,
            ) -> ::burn::module::Devices {
                match self {
                    $(Self::$arm(module) => module.collect_devices(devices),)*
                    $(Self::$boxed(module) => module.collect_devices(devices),)*
                }
            }

            fn fork(self, device: &::burn::tensor::Device) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.fork(device)),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.fork(device))),)*
                }
            }

            fn to_device(self, device: &::burn::tensor::Device) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.to_device(device)),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.to_device(device))),)*
                }
            }

            fn train(self) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.train()),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.train())),)*
                }
            }

            fn valid(&self) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.valid()),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.valid())),)*
                }
            }

            fn materialize(self) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.materialize()),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.materialize())),)*
                }
            }

            fn visit<V: ::burn::module::ModuleVisitor>(&self, visitor: &mut V) {
                match self {
                    $(Self::$arm(module) => module.visit(visitor),)*
                    $(Self::$boxed(module) => module.visit(visitor),)*
                }
            }

            fn map<M: ::burn::module::ModuleMapper>(self, mapper: &mut M) -> Self {
                match self {
                    $(Self::$arm(module) => Self::$arm(module.map(mapper)),)*
                    $(Self::$boxed(module) => Self::$boxed(Box::new(module.map(mapper))),)*
                }
            }
        }

        impl ::burn::module::ModuleDisplay for $name {}

        impl ::burn::module::ModuleDisplayDefault for $name {
            fn content(&self, content: ::burn::module::Content) -> Option<::burn::module::Content> {
                match self {
                    $(Self::$arm(module) => module.content(content),)*
                    $(Self::$boxed(module) => module.content(content),)*
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $(Self::$arm(module) => ::std::fmt::Display::fmt(module, f),)*
                    $(Self::$boxed(module) => ::std::fmt::Display::fmt(module, f),)*
                }
            }
        }
    };
}
