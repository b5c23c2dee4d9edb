//! Jupyter notebooks as Python: the code cells one after the other, each line with the cell it stands in.

use serde_json::Value;

/// The code of a notebook.
#[derive(Clone, Debug, Default)]
pub struct Notebook {
    /// Python; its first line makes `get_ipython` known. Magics that only concern the display are blank.
    pub code: String,
    /// By line of `code`, from 0.
    pub lines: Vec<Place>,
}

/// A line of a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based, among the cells of every kind.
    pub cell: u32,
    /// 1-based, within the cell.
    pub line: u32,
}

/// Reads a notebook (nbformat 3 or 4). `None` where its kernel's language is not Python.
///
/// # Errors
/// One sentence when the bytes are not a notebook.
pub fn read(bytes: &[u8]) -> Result<Option<Notebook>, String> {
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("not a notebook: it is not JSON ({error})"))?;
    let metadata = &document["metadata"];
    let language = metadata["kernelspec"]["language"]
        .as_str()
        .or(metadata["language_info"]["name"].as_str())
        .unwrap_or("python");
    if !language.to_ascii_lowercase().contains("python") {
        return Ok(None);
    }
    let cells = document["cells"]
        .as_array()
        .or(document["worksheets"][0]["cells"].as_array())
        .ok_or("not a notebook: it has no cells")?;
    let mut notebook = Notebook::default();
    for (index, cell) in cells.iter().enumerate() {
        if cell["cell_type"] != "code" {
            continue;
        }
        let source = match (&cell["source"], &cell["input"]) {
            (Value::Null, input) => text(input),
            (source, _) => text(source),
        };
        notebook.add(index as u32 + 1, &source);
    }
    Ok(Some(notebook))
}

fn text(source: &Value) -> String {
    match source {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

impl Notebook {
    /// Where a 1-based line of the code stands.
    pub fn place(&self, line: u32) -> Place {
        let last = self.lines.len().saturating_sub(1);
        let found = self.lines.get((line.max(1) as usize - 1).min(last));
        *found.unwrap_or(&Place { cell: 1, line: 1 })
    }

    fn add(&mut self, cell: u32, source: &str) {
        if self.lines.is_empty() {
            self.line("from IPython import get_ipython", Place { cell, line: 1 });
        }
        let mut rest: Option<&str> = None;
        let mut before = "";
        for (index, line) in source.lines().enumerate() {
            let place = Place {
                cell,
                line: index as u32 + 1,
            };
            let is_first_code = source
                .lines()
                .take(index)
                .all(|line| line.trim().is_empty());
            if let Some(magic) = line.strip_prefix("%%").filter(|_| is_first_code) {
                let body: Vec<&str> = source.lines().skip(index + 1).collect();
                let (code, keeps_body) = cell_magic(magic, &body.join("\n"));
                rest = (!keeps_body).then_some("");
                self.line(&code, place);
                continue;
            }
            match rest {
                Some(blank) => self.line(blank, place),
                None if continues(before) => self.line(line, place),
                None => self.line(&plain(line), place),
            }
            before = line;
        }
    }

    fn line(&mut self, code: &str, place: Place) {
        self.code.push_str(code);
        self.code.push('\n');
        self.lines.push(place);
    }
}

/// Whether the statement on a line goes on in the next one, as far as its end tells.
fn continues(line: &str) -> bool {
    line.trim_end()
        .ends_with(['\\', '(', '[', '{', ',', '+', '-', '*', '/', '%', '='])
}

/// A `%%magic` that opens a cell, and whether the cell's other lines are Python.
fn cell_magic(magic: &str, body: &str) -> (String, bool) {
    let (name, arguments) = magic.split_once(char::is_whitespace).unwrap_or((magic, ""));
    match name {
        "bash" | "sh" | "script" | "system" | "!" | "sx" | "perl" | "ruby" | "cmd" => {
            (system(body), false)
        }
        "writefile" | "file" => {
            let path = arguments.split_whitespace().last().unwrap_or("");
            (format!("open({}, \"w\")", literal(path)), false)
        }
        "sql" | "bigquery" => (run_magic(name, body), false),
        "html" | "HTML" | "javascript" | "js" | "latex" | "markdown" | "svg" | "R" => {
            (String::new(), false)
        }
        _ => (String::new(), true),
    }
}

/// A line of a cell as plain Python.
fn plain(line: &str) -> String {
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    if let Some(command) = code.strip_prefix('!') {
        return format!("{indent}{}", system(command.trim_start_matches('!')));
    }
    if let Some(magic) = code.strip_prefix('%')
        && magic.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let (name, rest) = magic.split_once(char::is_whitespace).unwrap_or((magic, ""));
        return match name {
            "pip" | "conda" | "mamba" | "uv" | "run" => format!("{indent}{}", system(magic)),
            "sx" | "system" => format!("{indent}{}", system(rest)),
            "sql" | "bigquery" => format!("{indent}{}", run_magic(name, rest)),
            "time" | "timeit" | "prun" | "memit" if !rest.is_empty() && !rest.starts_with('-') => {
                format!("{indent}{rest}")
            }
            _ => format!("{indent}pass"),
        };
    }
    if code.starts_with('?') || (code.ends_with('?') && !code.contains(['#', '"', '\''])) {
        return format!("{indent}pass");
    }
    // `files = !ls`
    if let Some((target, command)) = code.split_once('=')
        && let Some(command) = command.trim_start().strip_prefix('!')
        && !command.starts_with('=')
        && target
            .chars()
            .all(|c| c.is_alphanumeric() || "_ ,".contains(c))
    {
        return format!("{indent}{target}= {}", call("getoutput", command));
    }
    line.to_owned()
}

fn system(command: &str) -> String {
    call("system", command)
}

fn run_magic(name: &str, text: &str) -> String {
    format!(
        "get_ipython().run_line_magic({}, {})",
        literal(name),
        literal(text.trim())
    )
}

fn call(method: &str, command: &str) -> String {
    format!("get_ipython().{method}({})", literal(command.trim()))
}

/// A Python string literal.
fn literal(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notebook(cells: &[&str]) -> Notebook {
        let cells: Vec<Value> = cells
            .iter()
            .map(|source| json!({"cell_type": "code", "source": source}))
            .collect();
        let document = json!({"cells": cells, "metadata": {}, "nbformat": 4});
        read(document.to_string().as_bytes())
            .expect("a notebook")
            .expect("in Python")
    }

    #[test]
    fn a_line_knows_its_cell() {
        let document = json!({"cells": [
            {"cell_type": "markdown", "source": ["# Title"]},
            {"cell_type": "code", "source": ["import requests\n", "\n", "requests.get(url)"]},
            {"cell_type": "code", "source": "x = 1"},
        ]});
        let found = read(document.to_string().as_bytes())
            .expect("a notebook")
            .expect("in Python");
        let lines: Vec<&str> = found.code.lines().collect();
        assert_eq!(lines[3], "requests.get(url)");
        assert_eq!(found.place(4), Place { cell: 2, line: 3 });
        assert_eq!(found.place(5), Place { cell: 3, line: 1 });
        assert_eq!(found.place(99), Place { cell: 3, line: 1 });
    }

    #[test]
    fn commands_become_calls_and_display_magics_nothing() {
        let found = notebook(&[
            "!pip install \"x\"\n%matplotlib inline\nfiles = !ls\nrows = (a\n  % b)\ndf?",
            "%%bash\nrm -rf build\nls",
            "%%time\nwork()",
        ]);
        let lines: Vec<&str> = found.code.lines().skip(1).collect();
        assert_eq!(lines[0], "get_ipython().system(\"pip install \\\"x\\\"\")");
        assert_eq!(lines[1], "pass");
        assert_eq!(lines[2], "files = get_ipython().getoutput(\"ls\")");
        assert_eq!(lines[4], "  % b)");
        assert_eq!(lines[5], "pass");
        assert_eq!(lines[6], "get_ipython().system(\"rm -rf build\\nls\")");
        assert_eq!(&lines[7..], ["", "", "", "work()"]);
    }

    #[test]
    fn what_is_no_python_notebook_says_so() {
        assert!(read(b"{").is_err());
        assert!(read(b"{}").is_err());
        let julia = json!({"cells": [], "metadata": {"kernelspec": {"language": "julia"}}});
        assert!(
            read(julia.to_string().as_bytes())
                .expect("a notebook")
                .is_none()
        );
    }
}
