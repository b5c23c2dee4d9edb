//! Names that a rule covers by what they are like: `langchain*.llms:*`, `langchain*:*Retriever`.

use rustc_hash::FxHashMap;

/// Rules about every name of a kind, by the root of the names.
#[derive(Clone, Debug, Default)]
pub(super) struct Likes {
    exact: FxHashMap<String, Vec<Like>>,
    /// Roots with a `*`.
    open: Vec<(String, Vec<Like>)>,
}

#[derive(Clone, Debug)]
struct Like {
    /// A package or module that the name lies in, at any depth.
    within: Option<String>,
    last: String,
    class: String,
}

impl Likes {
    pub(super) fn add(&mut self, pattern: &str, class: String) {
        let (place, last) = pattern.split_once(':').unwrap_or((pattern, "*"));
        let (root, within) = match place.split_once('.') {
            Some((root, within)) => (root, Some(within.to_owned())),
            None => (place, None),
        };
        let like = Like {
            within,
            last: last.to_owned(),
            class,
        };
        if !root.contains('*') {
            self.exact.entry(root.to_owned()).or_default().push(like);
        } else if let Some((_, likes)) = self.open.iter_mut().find(|(known, _)| known == root) {
            likes.push(like);
        } else {
            self.open.push((root.to_owned(), vec![like]));
        }
    }

    /// The classes that the rules say names are like.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        let open = self.open.iter().map(|(_, likes)| likes);
        let likes = self.exact.values().chain(open).flatten();
        likes.map(|like| like.class.as_str())
    }

    /// The class of the rule that says most about `name`: the one with the longest pattern.
    pub(super) fn find(&self, name: &str) -> Option<&String> {
        let (root, rest) = name.split_once('.')?;
        let open = self.open.iter().find(|(pattern, _)| matches(pattern, root));
        let likes = self.exact.get(root).or(open.map(|(_, likes)| likes))?;
        let (path, last) = rest.rsplit_once('.').unwrap_or(("", rest));
        let found = likes.iter().filter(|like| like.covers(path, last));
        let best = found.max_by_key(|like| like.last.len());
        best.map(|like| &like.class)
    }
}

impl Like {
    fn covers(&self, path: &str, last: &str) -> bool {
        let lies_in = |within: &str| path.split('.').any(|part| part == within);
        matches(&self.last, last) && self.within.as_deref().is_none_or(lies_in)
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    while let Some((part, behind)) = rest.split_once('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
        rest = behind;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let mut likes = Likes::default();
        likes.add("langchain*.llms:*", "LLM".to_owned());
        likes.add("langchain*:Chat*AI", "Chat".to_owned());
        let found = |name| likes.find(name).map(String::as_str);
        assert_eq!(found("langchain_community.llms.vllm.VLLM"), Some("LLM"));
        assert_eq!(found("langchain_openai.ChatOpenAI"), Some("Chat"));
        assert_eq!(found("langchain_openai.ChatPromptTemplate"), None);
        assert_eq!(found("langgraph.llms.VLLM"), None);
        assert_eq!(found("langchain_openai"), None);
    }
}
