//! Things by their names, and by other ones: tensors, or only their shapes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Rename;
use super::rename::refuse;
use crate::Error;

/// Things by their names.
#[derive(Clone)]
pub(super) struct Named<T> {
    pub all: BTreeMap<String, T>,
    /// Those that are copies with elements dropped out, each with the name of the whole one.
    pub copies: BTreeMap<String, String>,
}

impl<T> Named<T> {
    /// The same things by what `rule` calls them; what it calls nothing is left out.
    ///
    /// Where the whole one of a copy comes to the name of the copy, the copy is left out.
    pub fn renamed(self, mut rule: impl FnMut(&str) -> Option<String>) -> Result<Self, Error> {
        let mut names = BTreeMap::new();
        let mut all: BTreeMap<String, (String, T)> = BTreeMap::new();
        for (from, thing) in self.all {
            let Some(name) = rule(&from) else {
                continue;
            };
            names.insert(from.clone(), name.clone());
            match all.entry(name) {
                Entry::Vacant(place) => {
                    place.insert((from, thing));
                }
                Entry::Occupied(place) if self.copies.get(&from) == Some(&place.get().0) => {}
                Entry::Occupied(mut place) if self.copies.get(&place.get().0) == Some(&from) => {
                    place.insert((from, thing));
                }
                Entry::Occupied(place) => {
                    return Err(Error::Collision {
                        name: place.key().clone(),
                        from: [place.get().0.clone(), from],
                    });
                }
            }
        }
        let copies = self.copies.iter().filter_map(|(copy, whole)| {
            let (copy, whole) = (names.get(copy)?, names.get(whole)?);
            (copy != whole).then(|| (copy.clone(), whole.clone()))
        });
        Ok(Self {
            copies: copies.collect(),
            all: all
                .into_iter()
                .map(|(name, (_, thing))| (name, thing))
                .collect(),
        })
    }

    /// The same by rules, one after the other; one that fits no name is refused.
    pub fn by_rules(self, rules: &[Rename]) -> Result<Self, Error> {
        let mut fitted = vec![false; rules.len()];
        let mut first: Vec<String> = self.all.keys().take(3).cloned().collect();
        if first.len() < self.all.len() {
            first.push("..".into());
        }
        let renamed = self.renamed(|name| {
            let mut name = name.to_string();
            for (rule, fitted) in rules.iter().zip(&mut fitted) {
                if let Some(other) = rule.apply(&name) {
                    (name, *fitted) = (other, true);
                }
            }
            Some(name)
        })?;
        if let Some((rule, _)) = rules.iter().zip(&fitted).find(|(_, fitted)| !**fitted) {
            let expected = "a name with FROM between its dots";
            return Err(refuse(&rule.to_string(), expected, &first.join(", ")));
        }
        if let Some(rule) = rules.last().filter(|_| renamed.all.contains_key("")) {
            let expected = "something left of each name";
            return Err(refuse(&rule.to_string(), expected, "nothing"));
        }
        Ok(renamed)
    }
}
