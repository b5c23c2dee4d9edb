//! Text as far as it is constant: through names, f-strings, concatenation, `format`, `urljoin`, paths, settings and the
//! defaults of environment variables. What is not constant stays as `{expression}`.

use super::*;
use crate::syntax::module::{ExprKind, FStringPart, Operator};

/// Longer texts are cut; nothing reads them whole.
const MAX_TEXT: usize = 4000;

impl<'p> Resolver<'p> {
    /// The constant text of an expression, only if all of it is constant.
    pub fn constant(&mut self, site: Site) -> Option<String> {
        let text = self.text(site)?;
        if self.is_whole(site, 0) {
            Some(text)
        } else {
            None
        }
    }

    /// The text of an expression with `{…}` for what is not constant; `None` if nothing of it is.
    pub fn text(&mut self, site: Site) -> Option<String> {
        let mut text = self.template(site, 0)?;
        if text.len() > MAX_TEXT {
            let cut = (0..=MAX_TEXT)
                .rev()
                .find(|&at| text.is_char_boundary(at))
                .unwrap_or(0);
            text.truncate(cut);
        }
        Some(text)
    }

    fn is_whole(&mut self, site: Site, depth: u32) -> bool {
        let Some(module) = self.program.module(site.file) else {
            return false;
        };
        match &module.expr(site.expr).kind {
            ExprKind::Str(_) => true,
            ExprKind::FString(parts) => parts.iter().all(|part| match part {
                FStringPart::Text(_) => true,
                FStringPart::Value(expr) => {
                    depth < 8
                        && self.is_whole(
                            Site {
                                expr: *expr,
                                ..site
                            },
                            depth + 1,
                        )
                }
            }),
            ExprKind::Binary(_, left, right) => [left, right]
                .into_iter()
                .all(|&expr| depth < 8 && self.is_whole(Site { expr, ..site }, depth + 1)),
            _ => match self.single_literal(site) {
                Some(literal) if literal != site && depth < 8 => self.is_whole(literal, depth + 1),
                _ => false,
            },
        }
    }

    /// The one literal that an expression denotes.
    fn single_literal(&mut self, site: Site) -> Option<Site> {
        let values = self.values(site);
        let mut literals = values.iter().filter_map(|typed| match typed.value {
            Value::Literal(literal) => Some(literal),
            _ => None,
        });
        let first = literals.next()?;
        let text = |literal: Site| match self
            .program
            .module(literal.file)
            .map(|m| &m.expr(literal.expr).kind)
        {
            Some(ExprKind::Str(text)) => Some(text.clone()),
            _ => None,
        };
        let same = literals
            .all(|other| other == first || (text(other).is_some() && text(other) == text(first)));
        same.then_some(first)
    }

    fn template(&mut self, site: Site, depth: u32) -> Option<String> {
        if depth > 12 {
            return None;
        }
        let module = self.program.module(site.file)?;
        let at = |expr: &ExprId| Site {
            expr: *expr,
            ..site
        };
        match &module.expr(site.expr).kind {
            ExprKind::Str(text) => Some(text.to_string()),
            ExprKind::FString(parts) => {
                let mut joined = String::new();
                for part in parts {
                    match part {
                        FStringPart::Text(text) => joined.push_str(text),
                        FStringPart::Value(expr) => joined.push_str(&self.part(at(expr), depth)),
                    }
                }
                Some(joined)
            }
            ExprKind::Binary(operator, left, right) => match *operator {
                Operator::Add => {
                    let (left, right) = (at(left), at(right));
                    let known = (
                        self.template(left, depth + 1),
                        self.template(right, depth + 1),
                    );
                    match known {
                        (None, None) => None,
                        (left_text, right_text) => Some(format!(
                            "{}{}",
                            left_text.unwrap_or_else(|| self.hole(left)),
                            right_text.unwrap_or_else(|| self.hole(right))
                        )),
                    }
                }
                Operator::Divide => {
                    let left = self.part(at(left), depth);
                    let right = self.part(at(right), depth);
                    if left.starts_with('{') && right.starts_with('{') {
                        None
                    } else {
                        Some(join_path(&left, &right))
                    }
                }
                Operator::Modulo => self.template(at(left), depth + 1),
                _ => None,
            },
            ExprKind::Await(inner) | ExprKind::Walrus(_, inner) => {
                self.template(at(inner), depth + 1)
            }
            ExprKind::Call(function, _) => self.call_text(site, *function, depth),
            ExprKind::Name(_)
            | ExprKind::Attribute(..)
            | ExprKind::Either(_)
            | ExprKind::Subscript(..) => {
                if let Some(literal) = self.single_literal(site) {
                    return if literal == site {
                        None
                    } else {
                        self.template(literal, depth + 1)
                    };
                }
                // An object that was made from text: `Path("x")`, `URL("x")`.
                let values = self.values(site);
                match values.iter().find_map(|typed| match typed.value {
                    Value::Instance(_, Some(made)) if made != site => Some(made),
                    _ => None,
                }) {
                    Some(made) if is_textual(&values) => self.template(made, depth + 1),
                    _ => None,
                }
            }
            // The command of a subprocess.
            ExprKind::Sequence(items) => {
                let parts: Vec<String> = items
                    .iter()
                    .take(12)
                    .map(|item| self.part(at(item), depth))
                    .collect();
                if parts.iter().all(|part| part.starts_with('{')) {
                    None
                } else {
                    Some(parts.join(" "))
                }
            }
            _ => None,
        }
    }

    fn part(&mut self, site: Site, depth: u32) -> String {
        let text = self.template(site, depth + 1);
        // What may also be empty is not known to be.
        text.filter(|text| !text.is_empty())
            .unwrap_or_else(|| self.hole(site))
    }

    fn call_text(&mut self, site: Site, function: ExprId, depth: u32) -> Option<String> {
        let module = self.program.module(site.file)?;
        if let ExprKind::Attribute(object, method) = &module.expr(function).kind {
            let object = Site {
                expr: *object,
                ..site
            };
            let kept = [
                "format",
                "strip",
                "rstrip",
                "lstrip",
                "lower",
                "removesuffix",
                "removeprefix",
                "resolve",
                "expanduser",
                "absolute",
                "as_posix",
                "bindparams",
                "encode",
                "decode",
                "with_suffix",
            ];
            if kept.contains(&&**method) {
                let text = self.template(object, depth + 1)?;
                return Some(if &**method == "rstrip" {
                    text.trim_end_matches('/').to_owned()
                } else {
                    text
                });
            }
            if &**method == "join" || &**method == "joinpath" {
                let callee = self.values(Site {
                    expr: function,
                    ..site
                });
                let is_path = callee.iter().any(|typed| match &typed.value {
                    Value::External(name) => &**name == "os.path.join",
                    Value::Method { class, .. } => class.starts_with("pathlib."),
                    _ => false,
                });
                if is_path {
                    return self.joined_path(
                        site,
                        (&**method == "joinpath").then_some(object),
                        depth,
                    );
                }
            }
        }
        let callee = self.values(Site {
            expr: function,
            ..site
        });
        let name = callee.iter().find_map(|typed| match &typed.value {
            Value::External(name) => Some(name.clone()),
            _ => None,
        })?;
        let argument =
            |resolver: &Self, position, keyword| resolver.argument(site, Some(position), keyword);
        match &*name {
            "os.environ.get" | "os.getenv" | "decouple.config" => {
                let default = argument(self, 1, Some("default"));
                let default = default.and_then(|default| self.template(default, depth + 1));
                // An empty default says as little as none: the variable's name does.
                default.filter(|text| !text.is_empty()).or_else(|| {
                    let variable = argument(self, 0, Some("key"))?;
                    Some(format!("{{{}}}", self.constant(variable)?))
                })
            }
            "urllib.parse.urljoin" => {
                let base = argument(self, 0, Some("base"))?;
                let base = self.part(base, depth);
                let rest = argument(self, 1, Some("url"))
                    .map(|rest| self.part(rest, depth))
                    .unwrap_or_default();
                Some(if rest.contains("://") {
                    rest
                } else {
                    join_path(&base, rest.trim_start_matches('/'))
                })
            }
            "builtins.str"
            | "pathlib.Path"
            | "pathlib.PurePath"
            | "pathlib.PosixPath"
            | "httpx.URL"
            | "yarl.URL"
            | "sqlalchemy.text"
            | "sqlalchemy.sql.text"
            | "sqlalchemy.sql.expression.text"
            | "shlex.split"
            | "os.fspath"
            | "os.path.abspath"
            | "os.path.expanduser"
            | "os.fsdecode"
            | "textwrap.dedent"
            | "psycopg.sql.SQL"
            | "psycopg2.sql.SQL"
            | "urllib.parse.urlparse"
            | "builtins.open"
            | "tornado.httpclient.HTTPRequest"
            | "urllib.request.Request" => {
                if name.starts_with("pathlib.") {
                    return self.joined_path(site, None, depth);
                }
                let first = argument(self, 0, None)?;
                self.template(first, depth + 1)
            }
            _ => None,
        }
    }

    fn joined_path(&mut self, site: Site, first: Option<Site>, depth: u32) -> Option<String> {
        let arguments: Vec<Site> = first
            .into_iter()
            .chain(self.arguments(site).iter().map(|argument| Site {
                expr: argument.value,
                ..site
            }))
            .collect();
        let parts: Vec<String> = arguments
            .into_iter()
            .map(|argument| self.part(argument, depth))
            .collect();
        if parts.iter().all(|part| part.starts_with('{')) {
            return None;
        }
        parts
            .into_iter()
            .reduce(|path, part| join_path(&path, &part))
    }

    /// How an expression that is not constant shows in a text: `{name}`.
    pub fn hole(&self, site: Site) -> String {
        format!("{{{}}}", self.source_of(site, 0))
    }

    /// A short rendering of an expression: names, attributes and calls.
    pub fn source_of(&self, site: Site, depth: u32) -> String {
        let Some(module) = self.program.module(site.file) else {
            return String::new();
        };
        let at = |expr: &ExprId| Site {
            expr: *expr,
            ..site
        };
        if depth > 6 {
            return "…".to_owned();
        }
        match &module.expr(site.expr).kind {
            ExprKind::Name(name) => name.to_string(),
            ExprKind::Attribute(object, name) => {
                format!("{}.{name}", self.source_of(at(object), depth + 1))
            }
            ExprKind::Call(function, _) => format!("{}()", self.source_of(at(function), depth + 1)),
            ExprKind::Subscript(object, items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.source_of(at(item), depth + 1))
                    .collect();
                format!(
                    "{}[{}]",
                    self.source_of(at(object), depth + 1),
                    items.join(", ")
                )
            }
            ExprKind::Str(text) => text.chars().take(40).collect(),
            ExprKind::Constant(text) => text.to_string(),
            ExprKind::Await(inner) => self.source_of(at(inner), depth + 1),
            _ => "…".to_owned(),
        }
    }
}

fn is_textual(values: &[Typed]) -> bool {
    values.iter().any(|typed| {
        matches!(&typed.value, Value::Instance(class, _)
        if class.starts_with("pathlib.") || class.ends_with(".URL") || class.ends_with(".Request") || class.ends_with(".HTTPRequest"))
    })
}

fn join_path(left: &str, right: &str) -> String {
    if right.starts_with('/') || left.is_empty() {
        return right.to_owned();
    }
    format!("{}/{right}", left.trim_end_matches('/'))
}
