//! A text that a recurrent net learns in a hundred steps, and no other does.

use backdraft_train::{LanguageSettings, Recurrence, Text, Training};

/// Sixteen characters in a fixed order, some of which occur twice: what follows an `a` can only be
/// told by what was before it.
pub fn rule() -> Text {
    Text::new("abcadaebfbgahacq".repeat(400), "a rule")
}

pub fn small() -> LanguageSettings {
    LanguageSettings {
        recurrence: Recurrence {
            hidden: 32,
            embedding: 8,
            ..Recurrence::default()
        },
        unroll: 16,
        training: Training {
            batch: 8,
            lr: 1e-2,
            valid_fraction: 0.1,
            ..Training::default()
        },
        ..LanguageSettings::default()
    }
}
