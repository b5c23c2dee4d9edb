//! The environment of a process, put into the file that starts it: compose, Kubernetes, GitHub Actions, systemd,
//! Procfile, SAM, serverless. Addresses and keys go in as references, never as values.

use super::{Insertions, line_ending_at};

/// A kind of file that holds an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Compose,
    Kubernetes,
    GithubActions,
    Systemd,
    Procfile,
    /// CloudFormation with the functions of AWS SAM.
    Sam,
    Serverless,
}

/// Puts the environment where the commands on `lines` (1-based) start a process. `None` where it is, or where the file
/// is written in a way that is not understood.
pub fn insert(format: Format, source: &str, lines: &[u32]) -> Option<Insertions> {
    let mut insertions = Insertions::default();
    match format {
        Format::Systemd | Format::Procfile => by_line(format, source, lines, &mut insertions),
        _ => by_owner(format, source, lines, &mut insertions),
    }
    (!insertions.is_empty()).then_some(insertions)
}

/// The file without the environment. Whether it is what [`insert`] started from, the caller finds by going forward.
pub fn without(format: Format, source: &str) -> Vec<String> {
    let ending = line_ending_at(source.as_bytes(), source.len());
    let mut found = match format {
        Format::Procfile => vec![source.replace(PROCFILE, "")],
        _ => vec![stripped(format, source, ending)],
    };
    let shorter: Vec<String> = found
        .iter()
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .collect();
    found.extend(shorter);
    found
}

/// The text without our blocks, and without the keys that held nothing else.
fn stripped(format: Format, source: &str, ending: &str) -> String {
    let mut text = source.to_owned();
    while let Some(at) = text.find("GOVERNOR_ENABLED") {
        let mut start = text[..at].rfind('\n').map_or(0, |index| index + 1);
        let indent: String = text[start..].chars().take_while(|c| *c == ' ').collect();
        let block = blocks(format)
            .into_iter()
            .map(|lines| joined(&lines, &indent, ending))
            .find(|block| text[start..].starts_with(block.trim_end()));
        let Some(block) = block else { break };
        let end = (start + block.len()).min(text.len());
        // `Variables:` and then `Environment:`, each only where nothing stands below it any more.
        loop {
            let above = text[..start]
                .trim_end_matches(['\r', '\n'])
                .rfind('\n')
                .map_or(0, |index| index + 1);
            let header = &text[above..start];
            let depth = header.len() - header.trim_start().len();
            let is_empty = text[end..]
                .lines()
                .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
                .is_none_or(|next| {
                    let own = next.len() - next.trim_start().len();
                    own < depth || own == depth && !next.trim_start().starts_with("- ")
                });
            if above == start || !HEADERS.contains(&header.trim()) || !is_empty {
                break;
            }
            start = above;
        }
        text.replace_range(start..end, "");
    }
    text
}

/// Keys that hold an environment.
const HEADERS: &[&str] = &["Environment:", "Variables:", "env:", "environment:"];

const PROCFILE: &str = "export GOVERNOR_ENABLED=1 && ";

/// The lines that a format takes, in each of its styles.
fn blocks(format: Format) -> Vec<Vec<&'static str>> {
    match format {
        Format::Compose => vec![
            vec![
                "GOVERNOR_ENABLED: \"1\"",
                "GOVERNOR_ENFORCE_URL: ${GOVERNOR_ENFORCE_URL:?the address of the policy plane}",
                "GOVERNOR_API_KEY: ${GOVERNOR_API_KEY:-}",
            ],
            vec![
                "- GOVERNOR_ENABLED=1",
                "- GOVERNOR_ENFORCE_URL=${GOVERNOR_ENFORCE_URL:?the address of the policy plane}",
                "- GOVERNOR_API_KEY=${GOVERNOR_API_KEY:-}",
            ],
        ],
        Format::Kubernetes => vec![vec![
            "- name: GOVERNOR_ENABLED",
            "  value: \"1\"",
            "- name: GOVERNOR_ENFORCE_URL",
            "  valueFrom:",
            "    configMapKeyRef:",
            "      name: governor",
            "      key: enforce-url",
            "- name: GOVERNOR_API_KEY",
            "  valueFrom:",
            "    secretKeyRef:",
            "      name: governor",
            "      key: api-key",
        ]],
        Format::GithubActions => vec![vec![
            "GOVERNOR_ENABLED: \"1\"",
            "GOVERNOR_ENFORCE_URL: ${{ vars.GOVERNOR_ENFORCE_URL }}",
            "GOVERNOR_API_KEY: ${{ secrets.GOVERNOR_API_KEY }}",
        ]],
        Format::Systemd => vec![vec![
            "Environment=GOVERNOR_ENABLED=1",
            "# GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY, readable by root alone.",
            "EnvironmentFile=/etc/governor.env",
        ]],
        Format::Sam => vec![vec![
            "GOVERNOR_ENABLED: \"1\"",
            "GOVERNOR_ENFORCE_URL: \"{{resolve:ssm:/governor/enforce-url}}\"",
            "GOVERNOR_API_KEY: \"{{resolve:secretsmanager:governor:SecretString:api-key}}\"",
            "PYTHONPATH: /var/task",
        ]],
        Format::Serverless => vec![vec![
            "GOVERNOR_ENABLED: \"1\"",
            "GOVERNOR_ENFORCE_URL: ${ssm:/governor/enforce-url}",
            "GOVERNOR_API_KEY: ${ssm:/governor/api-key}",
            "PYTHONPATH: /var/task",
        ]],
        Format::Procfile => Vec::new(),
    }
}

fn joined(lines: &[&str], indent: &str, ending: &str) -> String {
    lines
        .iter()
        .map(|line| format!("{indent}{line}{ending}"))
        .collect()
}

fn by_line(format: Format, source: &str, lines: &[u32], insertions: &mut Insertions) {
    let mut at = 0;
    for (line, number) in source.split_inclusive('\n').zip(1u32..) {
        let start = at;
        at += line.len();
        if !lines.contains(&number) || line.contains("GOVERNOR_ENABLED") {
            continue;
        }
        if format == Format::Procfile {
            if let Some(colon) = line.find(':') {
                let gap = line[colon + 1..].len() - line[colon + 1..].trim_start().len();
                insertions.add(start + colon + 1 + gap, PROCFILE);
            }
        } else if !source.contains("GOVERNOR_ENABLED") {
            let ending = line_ending_at(source.as_bytes(), at);
            let block = blocks(format).into_iter().next().unwrap_or_default();
            insertions.add(start, joined(&block, "", ending));
        }
    }
}

/// A line of YAML, as far as it matters here.
struct Line<'s> {
    start: usize,
    end: usize,
    /// Where the line's text starts.
    indent: usize,
    /// Where its key starts: after `- ` in an item of a list.
    key_indent: usize,
    key: &'s str,
    value: &'s str,
}

fn yaml_lines(source: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    source
        .split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            let body = line.trim_start_matches(' ');
            let indent = line.len() - body.len();
            let rest = body
                .strip_prefix("- ")
                .map_or(body, |rest| rest.trim_start_matches(' '));
            let key_indent = indent + body.len() - rest.len();
            let (key, value) = rest.split_once(':').unwrap_or(("", rest));
            Line {
                start,
                end: at,
                indent,
                key_indent,
                key: key.trim(),
                value: value.trim(),
            }
        })
        .collect()
}

fn is_blank(source: &str, line: &Line) -> bool {
    let text = source[line.start..line.end].trim();
    text.is_empty() || text.starts_with('#')
}

fn by_owner(format: Format, source: &str, numbers: &[u32], insertions: &mut Insertions) {
    let lines = yaml_lines(source);
    let mut owners: Vec<usize> = numbers
        .iter()
        .filter_map(|number| owner_of(format, source, &lines, *number as usize - 1))
        .collect();
    owners.sort_unstable();
    owners.dedup();
    for owner in owners {
        add_environment(format, source, &lines, owner, insertions);
    }
}

/// The service, container or step that holds a line.
fn owner_of(format: Format, source: &str, lines: &[Line], index: usize) -> Option<usize> {
    let mut indent = lines.get(index)?.key_indent + 1;
    for at in (0..=index).rev() {
        let line = &lines[at];
        let is_item = line.key_indent > line.indent;
        if is_blank(source, line) || line.indent >= indent {
            continue;
        }
        let parent = lines[..at].iter().rev().find(|above| {
            !is_blank(source, above)
                && above.key_indent <= line.indent
                && !above.key.is_empty()
                && above.value.is_empty()
                && (above.key_indent < line.indent || is_item)
        });
        let parent_key = parent.map_or("", |parent| parent.key);
        match format {
            Format::Compose if parent_key == "services" && !is_item => return Some(at),
            Format::Kubernetes
                if is_item && matches!(parent_key, "containers" | "initContainers") =>
            {
                return Some(at);
            }
            Format::GithubActions if is_item && parent_key == "steps" => return Some(at),
            Format::Sam if line.key == "Properties" && !is_item => return Some(at),
            Format::Serverless if parent_key == "functions" && !is_item => return Some(at),
            _ => {}
        }
        // An item's own keys stand deeper than its dash.
        indent = line.indent;
        if line.indent == 0 {
            break;
        }
    }
    None
}

fn add_environment(
    format: Format,
    source: &str,
    lines: &[Line],
    owner: usize,
    insertions: &mut Insertions,
) {
    let head = &lines[owner];
    let is_item = head.key_indent > head.indent;
    let last = lines[owner + 1..]
        .iter()
        .position(|line| !is_blank(source, line) && line.indent <= head.indent)
        .map_or(lines.len(), |offset| owner + 1 + offset);
    let children: Vec<&Line> = lines[owner + 1..last]
        .iter()
        .filter(|line| !is_blank(source, line))
        .collect();
    let own = &source[head.start..lines[last - 1].end];
    // A function whose modules lie elsewhere: what else has to be on the path, a person knows.
    let has_path = matches!(format, Format::Sam | Format::Serverless) && own.contains("PYTHONPATH");
    if own.contains("GOVERNOR_ENABLED") || has_path {
        return;
    }
    let key_indent = if is_item {
        head.key_indent
    } else {
        match children.first() {
            Some(child) => child.indent,
            None => return,
        }
    };
    let name = match format {
        Format::Compose | Format::Serverless => "environment",
        Format::Sam => "Environment",
        _ => "env",
    };
    let styles = blocks(format);
    let ending = line_ending_at(source.as_bytes(), head.end);
    let block = |style: usize, indent: usize| {
        joined(
            styles.get(style).map_or(&[], Vec::as_slice),
            &" ".repeat(indent),
            ending,
        )
    };
    let existing = children
        .iter()
        .position(|line| line.key_indent == key_indent && line.key == name);
    // SAM has the variables one level further down.
    let existing = match existing {
        Some(position) if format == Format::Sam => {
            let variables = children
                .get(position + 1)
                .filter(|line| line.key == "Variables" && line.indent > children[position].indent);
            if variables.is_none() {
                return;
            }
            Some(position + 1)
        }
        existing => existing,
    };
    if let Some(position) = existing {
        let line = children[position];
        let next = children.get(position + 1).filter(|next| {
            next.indent > line.indent || next.key_indent > next.indent && next.indent >= key_indent
        });
        // An alias, an inline mapping or an empty value: left to a person.
        let (true, Some(next)) = (line.value.is_empty(), next) else {
            return;
        };
        let is_list = next.key_indent > next.indent;
        let style = usize::from(format == Format::Compose && is_list);
        insertions.add(line.end, block(style, next.indent));
        return;
    }
    let indent = " ".repeat(key_indent);
    let inner = if format == Format::Kubernetes {
        key_indent
    } else {
        key_indent + 2
    };
    let text = match format {
        Format::Sam => format!(
            "{indent}{name}:{ending}{indent}  Variables:{ending}{}",
            block(0, inner + 2)
        ),
        _ => format!("{indent}{name}:{ending}{}", block(0, inner)),
    };
    // After the whole item, where its first line may open a block of text.
    let end = lines[owner..last]
        .iter()
        .rev()
        .find(|line| !is_blank(source, line))
        .map_or(head.end, |line| line.end);
    if source[..end].ends_with('\n') {
        insertions.add(end, text);
    } else {
        insertions.add(end, format!("{ending}{}", text.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: Format, before: &str, lines: &[u32], after: &str) {
        let edit = insert(format, before, lines).expect("applies");
        let result = String::from_utf8(edit.apply(before.as_bytes())).expect("text");
        assert_eq!(result, after);
        assert_eq!(insert(format, after, lines), None);
        assert!(
            without(format, after).iter().any(|text| text == before),
            "{:#?}",
            without(format, after)
        );
    }

    #[test]
    fn compose() {
        check(
            Format::Compose,
            "services:\n  web:\n    build: .\n    command: python app.py\n    environment:\n      A: b\n  db:\n    image: x\n",
            &[4],
            "services:\n  web:\n    build: .\n    command: python app.py\n    environment:\n      GOVERNOR_ENABLED: \"1\"\n      GOVERNOR_ENFORCE_URL: ${GOVERNOR_ENFORCE_URL:?the address of the policy plane}\n      GOVERNOR_API_KEY: ${GOVERNOR_API_KEY:-}\n      A: b\n  db:\n    image: x\n",
        );
        check(
            Format::Compose,
            "services:\n  web:\n    environment:\n      - A=b\n    command: python app.py\n",
            &[5],
            "services:\n  web:\n    environment:\n      - GOVERNOR_ENABLED=1\n      - GOVERNOR_ENFORCE_URL=${GOVERNOR_ENFORCE_URL:?the address of the policy plane}\n      - GOVERNOR_API_KEY=${GOVERNOR_API_KEY:-}\n      - A=b\n    command: python app.py\n",
        );
        check(
            Format::Compose,
            "services:\n  web:\n    command: python app.py\n\n  db:\n    image: x\n",
            &[3],
            "services:\n  web:\n    command: python app.py\n    environment:\n      GOVERNOR_ENABLED: \"1\"\n      GOVERNOR_ENFORCE_URL: ${GOVERNOR_ENFORCE_URL:?the address of the policy plane}\n      GOVERNOR_API_KEY: ${GOVERNOR_API_KEY:-}\n\n  db:\n    image: x\n",
        );
    }

    #[test]
    fn kubernetes() {
        let env = "        - name: GOVERNOR_ENABLED\n          value: \"1\"\n        - name: GOVERNOR_ENFORCE_URL\n          valueFrom:\n            configMapKeyRef:\n              name: governor\n              key: enforce-url\n        - name: GOVERNOR_API_KEY\n          valueFrom:\n            secretKeyRef:\n              name: governor\n              key: api-key\n";
        let head = "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        command: [\"python\", \"app.py\"]\n";
        check(
            Format::Kubernetes,
            head,
            &[6],
            &format!("{head}        env:\n{env}"),
        );
        let tail = "        - name: A\n          value: b\n";
        check(
            Format::Kubernetes,
            &format!("{head}        env:\n{tail}"),
            &[6],
            &format!("{head}        env:\n{env}{tail}"),
        );
    }

    #[test]
    fn functions() {
        let block = |indent: &str| {
            format!(
                "{indent}GOVERNOR_ENABLED: \"1\"\n{indent}GOVERNOR_ENFORCE_URL: \"{{{{resolve:ssm:/governor/enforce-url}}}}\"\n{indent}GOVERNOR_API_KEY: \"{{{{resolve:secretsmanager:governor:SecretString:api-key}}}}\"\n{indent}PYTHONPATH: /var/task\n"
            )
        };
        let head = "Resources:\n  Pay:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.handler\n";
        let tail = "  Table:\n    Type: AWS::DynamoDB::Table\n";
        check(
            Format::Sam,
            &format!("{head}{tail}"),
            &[5],
            &format!(
                "{head}      Environment:\n        Variables:\n{}{tail}",
                block("          ")
            ),
        );
        let head = format!("{head}      Environment:\n        Variables:\n");
        check(
            Format::Sam,
            &format!("{head}          A: b\n{tail}"),
            &[5],
            &format!("{head}{}          A: b\n{tail}", block("          ")),
        );
        let head = "functions:\n  pay:\n    handler: app.handler\n";
        let block = "    environment:\n      GOVERNOR_ENABLED: \"1\"\n      GOVERNOR_ENFORCE_URL: ${ssm:/governor/enforce-url}\n      GOVERNOR_API_KEY: ${ssm:/governor/api-key}\n      PYTHONPATH: /var/task\n";
        check(
            Format::Serverless,
            &format!("{head}resources: {{}}\n"),
            &[3],
            &format!("{head}{block}resources: {{}}\n"),
        );
        let own_path = format!("{head}    environment:\n      PYTHONPATH: /opt\n");
        assert_eq!(insert(Format::Serverless, &own_path, &[3]), None);
    }

    #[test]
    fn actions_units_and_procfiles() {
        check(
            Format::GithubActions,
            "jobs:\n  a:\n    steps:\n      - uses: x\n      - run: |\n          python a.py\n      - uses: y\n",
            &[6],
            "jobs:\n  a:\n    steps:\n      - uses: x\n      - run: |\n          python a.py\n        env:\n          GOVERNOR_ENABLED: \"1\"\n          GOVERNOR_ENFORCE_URL: ${{ vars.GOVERNOR_ENFORCE_URL }}\n          GOVERNOR_API_KEY: ${{ secrets.GOVERNOR_API_KEY }}\n      - uses: y\n",
        );
        check(
            Format::Systemd,
            "[Service]\nExecStart=/x/python a.py\n",
            &[2],
            "[Service]\nEnvironment=GOVERNOR_ENABLED=1\n# GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY, readable by root alone.\nEnvironmentFile=/etc/governor.env\nExecStart=/x/python a.py\n",
        );
        check(
            Format::Procfile,
            "web: python a.py\n",
            &[1],
            "web: export GOVERNOR_ENABLED=1 && python a.py\n",
        );
    }
}
