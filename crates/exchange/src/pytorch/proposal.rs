//! Names that would fit: what an error proposes.
//!
//! Tried in this order, the first that fits as a whole:
//!
//! ```text
//! some of _orig_mod=  module=  {w}_raw={w}, or none, the fewest first, and
//!     nothing more, or another prefix
//! the same, and
//!     the layers of a stack that are modules of their own, or
//!     modules of other names that have the same parameters, each the only one
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::Rename;
use super::named::Named;
use super::parts::{self, Kept};
use crate::Proposal;

/// What wrappers leave in names.
const WRAPPERS: [(&str, &str); 3] = [("_orig_mod", ""), ("module", ""), ("{w}_raw", "{w}")];
/// As many prefixes or places of a stack are tried.
const TRIED: usize = 16;

/// The shapes of a file's tensors.
type Shapes = Named<Vec<usize>>;

/// With what a file would fit, if anything that is tried does. What is wanted is named with the prefix.
pub(super) fn find(
    wanted: &[(Vec<String>, Vec<usize>)],
    prefix: &str,
    shapes: &Shapes,
) -> Option<Proposal> {
    let stems = wanted.iter().map(|(names, shape)| {
        let stems = names.iter().filter_map(|name| name.strip_prefix(prefix));
        (stems.map(str::to_string).collect(), shape.clone())
    });
    let search = Search {
        stems: stems.collect(),
        prefix,
    };
    let mut sets: Vec<usize> = (0..1 << WRAPPERS.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    let unwrapped = sets.into_iter().filter_map(|set| {
        let some = (0..WRAPPERS.len()).filter(|index| set >> index & 1 == 1);
        let rules = some.map(|index| Rename::new(WRAPPERS[index].0, WRAPPERS[index].1));
        let rules: Vec<Rename> = rules.collect::<Result<_, _>>().ok()?;
        Some((shapes.clone().by_rules(&rules).ok()?, rules))
    });
    let unwrapped: Vec<(Shapes, Vec<Rename>)> = unwrapped.collect();
    let propose = |prefix: String, rules: &[Rename], more: &[Rename]| Proposal {
        prefix,
        rules: [rules, more].concat(),
    };
    let prefixed = unwrapped.iter().find_map(|(shapes, rules)| {
        let prefix = search.prefix(shapes)?;
        Some(propose(prefix, rules, &[]))
    });
    prefixed.or_else(|| {
        unwrapped.iter().find_map(|(shapes, rules)| {
            let more = search.rules(shapes)?;
            Some(propose(prefix.to_string(), rules, &more))
        })
    })
}

struct Search<'a> {
    /// The names that a parameter may have, without the prefix, and its shape.
    stems: Vec<(Vec<String>, Vec<usize>)>,
    prefix: &'a str,
}

impl Search<'_> {
    /// The prefix with which it fits: the one asked for, or another.
    fn prefix(&self, shapes: &Shapes) -> Option<String> {
        let others = self.prefixes(shapes).into_iter().take(TRIED);
        let mut all = [self.prefix.to_string()].into_iter().chain(others);
        all.find(|prefix| self.fits(shapes, prefix))
    }

    /// The rules with which it fits.
    fn rules(&self, shapes: &Shapes) -> Option<Vec<Rename>> {
        let tried = self.stacks(shapes).into_iter().take(TRIED);
        let mut tried = tried.chain([self.modules(shapes)]);
        tried.find(|rules| {
            let renamed = shapes.clone().by_rules(rules);
            !rules.is_empty() && renamed.is_ok_and(|renamed| self.fits(&renamed, self.prefix))
        })
    }

    /// Whether each parameter is there under `prefix`, of its shape, and nothing else.
    fn fits(&self, shapes: &Shapes, prefix: &str) -> bool {
        let mut known = BTreeSet::new();
        let all = self.stems.iter().all(|(stems, shape)| {
            let names = stems.iter().map(|stem| format!("{prefix}{stem}"));
            let found: Vec<_> = names
                .filter_map(|name| Kept::find(&shapes.all, &name))
                .map(|kept| kept.tensors())
                .collect();
            known.extend(found.iter().flatten().map(|(name, _)| *name));
            let fits = |tensors: &Vec<(&str, &Vec<usize>)>| {
                let lengths = tensors.get(1);
                tensors[0].1 == shape
                    && lengths.is_none_or(|(_, lengths)| parts::fits(lengths, shape))
                    && !shapes.copies.contains_key(tensors[0].0)
            };
            !found.is_empty() && found.iter().all(fits)
        });
        let mut under = shapes.all.keys().filter(|name| name.starts_with(prefix));
        all && under.all(|name| known.contains(name.as_str()))
    }

    /// What stands before the first parameter's name, in the names that end with it.
    fn prefixes(&self, shapes: &Shapes) -> Vec<String> {
        let Some(stem) = self.stems.first().and_then(|(stems, _)| stems.first()) else {
            return Vec::new();
        };
        let before = shapes
            .all
            .keys()
            .filter_map(|name| name.strip_suffix(stem.as_str()));
        let whole = before.filter(|before| before.is_empty() || before.ends_with('.'));
        whole.map(str::to_string).collect()
    }

    /// Rules that make one stack of modules called by numbers: `rnns.{n}.{w}_l0=rnn.{w}_l{n}`.
    fn stacks(&self, shapes: &Shapes) -> Vec<Vec<Rename>> {
        let stems = self.stems.iter().flat_map(|(stems, _)| stems);
        let of_stack: BTreeSet<&str> = stems
            .filter(|stem| stem.ends_with("_l1"))
            .map(|stem| path(stem))
            .collect();
        let numbered = shapes.all.keys().filter_map(|name| {
            let module = path(name).strip_suffix('.')?;
            let (path, number) = module.rsplit_once('.').unwrap_or(("", module));
            let is_layer = name.ends_with("_l0") && number.bytes().all(|b| b.is_ascii_digit());
            is_layer.then_some(path)
        });
        let numbered: BTreeSet<&str> = numbered.collect();
        let both_ways = shapes.all.keys().any(|name| name.ends_with("_l0_reverse"));
        let rules = |from: &str, to: &str| -> Option<Vec<Rename>> {
            let from = match from {
                "" => String::new(),
                from => format!("{from}."),
            };
            let to = format!("{}{to}", self.prefix);
            let suffixes: &[&str] = if both_ways { &["", "_reverse"] } else { &[""] };
            let rule = |suffix: &&str| {
                let from = format!("{from}{{n}}.{{w}}_l0{suffix}");
                Rename::new(&from, &format!("{to}{{w}}_l{{n}}{suffix}")).ok()
            };
            suffixes.iter().map(rule).collect()
        };
        let pairs = numbered.iter().take(TRIED).flat_map(|from| {
            let to = of_stack.iter().take(TRIED);
            to.filter_map(|to| rules(from, to))
        });
        pairs.collect()
    }

    /// Rules that give modules the names of those with the same parameters, where there is one such module only.
    fn modules(&self, shapes: &Shapes) -> Vec<Rename> {
        let there = by_module(shapes.all.iter().map(|(name, shape)| (name.clone(), shape)));
        let wanted = self.stems.iter().flat_map(|(stems, shape)| {
            let named = move |stem: &String| (format!("{}{stem}", self.prefix), shape);
            stems.iter().map(named)
        });
        let missing = by_module(wanted)
            .into_iter()
            .filter(|(module, parameters)| {
                there.get(module).is_none_or(|found| found != parameters)
            });
        let rules = missing.filter_map(|(module, parameters)| {
            let mut same = there.iter().filter(|(_, found)| **found == parameters);
            let (first, second) = (same.next()?, same.next());
            match second {
                None => Rename::new(first.0, &module).ok(),
                Some(_) => None,
            }
        });
        rules.collect()
    }
}

/// The parameters of each module, by its path.
fn by_module<'a>(
    names: impl Iterator<Item = (String, &'a Vec<usize>)>,
) -> BTreeMap<String, BTreeMap<String, &'a Vec<usize>>> {
    let mut modules: BTreeMap<String, BTreeMap<String, &Vec<usize>>> = BTreeMap::new();
    for (name, shape) in names {
        let module = path(&name);
        let leaf = name[module.len()..].to_string();
        modules
            .entry(module.to_string())
            .or_default()
            .insert(leaf, shape);
    }
    modules
}

/// What is before the last part of a name, with the dot.
fn path(name: &str) -> &str {
    name.rfind('.').map_or("", |dot| &name[..=dot])
}
