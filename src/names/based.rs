//! Clients that are made with a base URL, and passed on: where each was made tells what its paths are relative to.

use super::*;

impl<'p> Resolver<'p> {
    /// Says of a client with a base URL where it was made, if its default and the calls agree on that.
    pub(super) fn tell_made(&mut self, function: Definition, index: u16, found: &mut [Typed]) {
        let Some(module) = self.program.module(function.file) else {
            return;
        };
        let parameter = &module.scope(function.scope).parameters[usize::from(index)];
        let default = parameter.default.map(|expr| Site {
            file: function.file,
            expr,
        });
        let mut passed = self.passed(function, index, &parameter.name).values;
        if let Some(default) = default {
            passed.extend(self.values(default).iter().cloned());
        }
        for typed in found.iter_mut().filter(|typed| is_based(typed)) {
            let Value::Instance(class, made) = &mut typed.value else {
                continue;
            };
            let mut places = passed.iter().filter_map(|typed| match &typed.value {
                Value::Instance(passed, made) if passed == class => Some(*made),
                _ => None,
            });
            if let Some(first) = places.next()
                && places.all(|place| place == first)
            {
                *made = first;
            }
        }
    }
}

/// Whether a value is a client that may have been made with a base URL, who knows where.
pub(super) fn is_based(typed: &Typed) -> bool {
    matches!(&typed.value, Value::Instance(class, None) if BASED.contains(&&**class))
}

const BASED: &[&str] = &["aiohttp.ClientSession", "httpx.AsyncClient", "httpx.Client"];

/// What the classes of [`BASED`] are called.
pub const BASED_NAMES: &[&str] = &["AsyncClient", "Client", "ClientSession"];
