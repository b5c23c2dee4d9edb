//! `governor.toml`: a starting one from the destinations that the code really names, or what an existing one lacks.

use super::Insertions;

/// A host that the code sends to, and what a policy would call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    pub host: String,
    pub resource_type: String,
    pub resource_name: String,
    /// Who sends what there: `app.pay.charge (write)`.
    pub used_by: Vec<String>,
}

/// A table, bucket, queue, … that the client names from the call itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub kind: String,
    pub name: String,
    pub used_by: Vec<String>,
}

const FIRST_LINES: &str = "\
# Started by `governor-mcp integrate` from the destinations in this repo's code. It is yours to change.
# What each key means: governor-mcp docs show reference/governor-toml

[defaults]
# Who acts, unless the code says so: the name of a service or an agent, and whose data it works on.
# actor_id = \"\"
# tenant_id = \"\"
";

const ADDED: &str =
    "# Added by `governor-mcp integrate`: destinations that no pattern above names.\n";

/// The text of a new file.
pub fn starting(destinations: &[Destination], named: &[Named]) -> String {
    let mut text = FIRST_LINES.to_owned();
    if !destinations.is_empty() {
        text.push_str("\n# A name for each host, so that a policy can speak of it.\n");
        for destination in destinations {
            text.push('\n');
            push_destination(destination, &mut text);
        }
    }
    if !named.is_empty() {
        text.push_str(
            "\n# Named by the calls themselves; a policy can speak of them as they are:\n",
        );
        for item in named {
            text.push_str(&format!(
                "#   {} {}: {}\n",
                plain(&item.kind),
                plain(&item.name),
                users(&item.used_by)
            ));
        }
    }
    text
}

/// What an existing file lacks, put at its end. `None` when it lacks nothing; the error says why it is left alone.
pub fn missing(source: &[u8], destinations: &[Destination]) -> Result<Option<Insertions>, String> {
    let text = std::str::from_utf8(source).map_err(|_| "not valid UTF-8".to_owned())?;
    let document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| format!("not valid TOML: {}", error.message()))?;
    let rules = document.get("destination");
    if rules.is_some_and(|rules| !rules.is_array_of_tables()) {
        return Err("`destination` is written as one value: add tables to it by hand".to_owned());
    }
    let patterns: Vec<String> = rules
        .and_then(|rules| rules.as_array_of_tables())
        .into_iter()
        .flatten()
        .filter_map(|rule| Some(rule.get("pattern")?.as_str()?.to_lowercase()))
        .collect();
    let lacking: Vec<&Destination> = destinations
        .iter()
        .filter(|destination| {
            let host = destination.host.to_lowercase();
            !patterns.iter().any(|pattern| {
                let of_host = pattern
                    .split_once("://")
                    .map_or(pattern.as_str(), |(_, rest)| rest);
                let of_host = of_host.split(['/', ':']).next().unwrap_or(of_host);
                matches_glob(of_host.as_bytes(), host.as_bytes())
            })
        })
        .collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let ending = super::line_ending_at(source, source.len());
    let mut added = String::new();
    if !text.is_empty() {
        if !text.ends_with('\n') {
            added.push('\n');
        }
        added.push('\n');
    }
    added.push_str(ADDED);
    for destination in lacking {
        added.push('\n');
        push_destination(destination, &mut added);
    }
    let insertions = Insertions::one(source.len(), added.replace('\n', ending));
    let result = insertions.apply(source);
    let is_valid = std::str::from_utf8(&result)
        .is_ok_and(|text| text.parse::<toml_edit::DocumentMut>().is_ok());
    if is_valid {
        Ok(Some(insertions))
    } else {
        Err("adding tables at its end would not be valid TOML".to_owned())
    }
}

/// The file before [`missing`] added to it, if nobody changed it since.
pub fn take_out(source: &[u8], destinations: &[Destination]) -> Option<Vec<u8>> {
    let at = memchr::memmem::rfind(source, ADDED.trim_end().as_bytes())?;
    let head = &source[..at];
    let mut candidates = vec![head];
    for _ in 0..2 {
        let last = candidates[candidates.len() - 1];
        let shorter = last.strip_suffix(b"\n").unwrap_or(last);
        candidates.push(shorter.strip_suffix(b"\r").unwrap_or(shorter));
    }
    candidates
        .into_iter()
        .rev()
        .find(|candidate| {
            matches!(missing(candidate, destinations), Ok(Some(edit)) if edit.apply(candidate) == source)
        })
        .map(<[u8]>::to_vec)
}

fn push_destination(destination: &Destination, text: &mut String) {
    text.push_str(&format!(
        "# {}\n[[destination]]\npattern = {}\nresource_type = {}\nresource_name = {}\n",
        users(&destination.used_by),
        quoted(&destination.host),
        quoted(&destination.resource_type),
        quoted(&destination.resource_name)
    ));
}

fn users(used_by: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = used_by.iter().take(SHOWN).map(|user| plain(user)).collect();
    if used_by.len() > SHOWN {
        shown.push(format!("and {} more", used_by.len() - SHOWN));
    }
    shown.join(", ")
}

/// Text that stays on its comment's line.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(120)
        .collect()
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

/// `*` is any text, `?` one character, as in Python's `fnmatch`.
pub fn matches_glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe() -> Destination {
        Destination {
            host: "api.stripe.com".to_owned(),
            resource_type: "external_api".to_owned(),
            resource_name: "stripe".to_owned(),
            used_by: vec!["app.pay.charge (write)".to_owned()],
        }
    }

    #[test]
    fn a_new_file_is_valid_toml() {
        let odd = Named {
            kind: "table".to_owned(),
            name: "a\nb".to_owned(),
            used_by: vec!["x".to_owned()],
        };
        let text = starting(&[stripe()], &[odd]);
        let document: toml_edit::DocumentMut = text.parse().expect("valid");
        assert_eq!(
            document["destination"][0]["pattern"].as_str(),
            Some("api.stripe.com")
        );
        assert_eq!(missing(text.as_bytes(), &[stripe()]), Ok(None));
    }

    #[test]
    fn an_existing_file_keeps_every_byte() {
        let source = b"# mine\r\n[governor]\r\ntimeout_ms = 5 # fast";
        let edit = missing(source, &[stripe()]).expect("reads").expect("lacks");
        let result = edit.apply(source);
        assert!(result.starts_with(source));
        assert_eq!(missing(&result, &[stripe()]), Ok(None));
        assert_eq!(take_out(&result, &[stripe()]).as_deref(), Some(&source[..]));
    }

    #[test]
    fn a_pattern_that_covers_the_host_is_enough() {
        let source = b"[[destination]]\npattern = \"https://*.stripe.com/*\"\n";
        assert_eq!(missing(source, &[stripe()]), Ok(None));
        assert!(missing(b"destination = []\n", &[stripe()]).is_err());
    }
}
