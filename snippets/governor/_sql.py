"""What SQL is about to do: verb, action and tables, of every statement in a string; the strictest wins.

A reader, not a parser: it knows strings, comments and identifiers of the common dialects, and errs to the stricter
side where dialects disagree.
"""

from __future__ import annotations

import re

__all__ = ["read_sql"]

_READ = "SELECT SHOW DESCRIBE DESC EXPLAIN VALUES PRAGMA TABLE FETCH LIST USE"
_WRITE = (
    "INSERT UPDATE MERGE REPLACE UPSERT CREATE ALTER GRANT REVOKE COMMENT VACUUM REINDEX LOAD COPY RENAME ATTACH DETACH ANALYZE "
    "OPTIMIZE REFRESH IMPORT LOCK NOTIFY SECURITY REASSIGN CLUSTER"
)
_DELETE = "DELETE DROP TRUNCATE"
_EXECUTE = "CALL DO EXEC EXECUTE DECLARE PREPARE"
_NEUTRAL = "BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE SET END ABORT RESET DEALLOCATE CLOSE LISTEN UNLISTEN CHECKPOINT"
_ACTIONS = {
    word: action
    for action, words in (("read", _READ), ("write", _WRITE), ("delete", _DELETE), ("execute", _EXECUTE), ("", _NEUTRAL))
    for word in words.split()
}
_STRICTNESS = ("", "read", "export", "write", "execute", "delete")

_TOKEN = re.compile(
    r"""
      (?P<gap>\s+|--[^\n]*|/\*(?!!).*?(?:\*/|\Z))
    | (?P<mysql>/\*!\d*|\*/)
    | (?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<string>(?:\b[eExXbBnN])?'STRING')
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z)|`(?:[^`]|``)*(?:`|\Z)|\[[A-Za-z_][^\]\n]*\])
    | (?P<word>[^\W\d][\w$]*)
    | (?P<other>\d[\w.]*|.)
    """.replace("STRING", "(?:[^']|'')*(?:'|\\Z)").replace("(?:'|\\Z)'", "(?:'|\\Z)"),
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_TOKEN = re.compile(
    _TOKEN.pattern.replace("'(?:[^']|'')*(?:'|\\Z)", r"'(?:[^'\\]|\\.|'')*(?:'|\Z)").replace(
        '"(?:[^"]|"")*(?:"|\\Z)', r'"(?:[^"\\]|\\.|"")*(?:"|\Z)'
    ),
    re.VERBOSE | re.DOTALL,
)

# MySQL: `#` begins a comment, `--` only before a space.
_MYSQL_TOKEN = re.compile(_ESCAPED_TOKEN.pattern.replace(r"--[^\n]*", r"--(?=\s|\Z)[^\n]*|\#[^\n]*"), re.VERBOSE | re.DOTALL)
_DASHES = re.compile(r"--\S")

_TABLE_WORDS = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "TRUNCATE", "USING"})
_BETWEEN = frozenset({"ONLY", "IF", "NOT", "EXISTS", "LATERAL", "LOW_PRIORITY", "IGNORE", "OR", "REPLACE", "ABORT", "FAIL", "ROLLBACK", "TABLE"})
_FROM_INSIDE = frozenset({"EXTRACT", "SUBSTRING", "SUBSTR", "TRIM", "OVERLAY", "POSITION"})
_NOT_TABLES = frozenset({"SELECT", "VALUES", "SET", "WHERE", "UNNEST", "OUTFILE", "DUMPFILE", "PROGRAM", "STDIN", "STDOUT", "DEFAULT", "KEY", "OF", "NOWAIT", "SKIP"})

_remembered: dict[str, tuple[str, str, tuple[str, ...]]] = {}
_REMEMBERED_LIMIT = 1024


def read_sql(text: str) -> tuple[str, str, tuple[str, ...]]:
    """`(verb, action, tables)`; the action is empty for statements that have no effect of their own."""
    known = _remembered.get(text)
    if known is None:
        known = _read(_tokens(text, _TOKEN))
        if "\\'" in text or '\\"' in text:
            known = _stricter(known, _read(_tokens(text, _ESCAPED_TOKEN)))
        if "#" in text or _DASHES.search(text):
            known = _stricter(known, _read(_tokens(text, _MYSQL_TOKEN)))
        if len(_remembered) >= _REMEMBERED_LIMIT:
            _remembered.clear()
        if len(text) <= 20_000:
            _remembered[text] = known
    return known


def _stricter(one: tuple[str, str, tuple[str, ...]], other: tuple[str, str, tuple[str, ...]]) -> tuple[str, str, tuple[str, ...]]:
    tables = one[2] + tuple(table for table in other[2] if table not in one[2])
    if _STRICTNESS.index(other[1]) > _STRICTNESS.index(one[1]):
        return other[0], other[1], other[2] + tuple(table for table in one[2] if table not in other[2])
    return one[0], one[1], tables


def _tokens(text: str, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """`(kind, text)`: words in upper case as kind `WORD:...`, identifiers with their own spelling beside it."""
    tokens: list[tuple[str, str]] = []
    for match in pattern.finditer(text):
        kind = match.lastgroup
        value = match.group()
        if kind == "word":
            tokens.append((value.upper(), value))
        elif kind == "quoted":
            tokens.append(("", value[1:-1]))
        elif kind in ("string", "dollar") or (kind == "tag"):
            tokens.append(("'", value))
        elif kind == "other":
            tokens.append((value, value))
    return tokens


def _read(tokens: list[tuple[str, str]]) -> tuple[str, str, tuple[str, ...]]:
    result: tuple[str, str, tuple[str, ...]] = ("", "", ())
    statement: list[tuple[str, str]] = []
    for token in [*tokens, (";", ";")]:
        if token[0] == ";":
            if statement:
                result = _stricter(result, _read_statement(statement))
            statement = []
        else:
            statement.append(token)
    return result


def _read_statement(tokens: list[tuple[str, str]]) -> tuple[str, str, tuple[str, ...]]:
    words = [token for token in tokens if token[0] != "("]
    verb = words[0][0].strip("'") if words else ""
    following = [token[0] for token in words[1:4]]
    action = _ACTIONS.get(verb, "execute")
    if verb == "WITH" or (verb == "EXPLAIN" and any(word in ("ANALYZE", "ANALYSE") for word, _ in words[1:8])) or verb in ("BEGIN", "DECLARE"):
        inner_verb, inner = _strictest_inside(tokens, verb)
        if verb == "BEGIN" and not inner and all(word in _TRANSACTION_WORDS for word, _ in words[1:]):
            action = ""
        elif verb in ("BEGIN", "DECLARE"):
            action = max("execute", inner, key=_STRICTNESS.index)
        else:
            verb, action = (inner_verb, inner) if inner else (verb, "read")
    elif verb == "SELECT":
        if any(word == "INTO" and not _is_variable(tokens, index) for index, (word, _) in enumerate(tokens)):
            action = "write"
        verb, action = _with_what_follows(tokens, verb, action)
    elif verb in ("INSERT", "UPDATE", "MERGE", "REPLACE", "UPSERT", "USE"):
        verb, action = _with_what_follows(tokens, verb, action)
    elif verb == "PRAGMA":
        named = tokens[3][0] if len(tokens) > 3 and tokens[2][0] == "." else following[0] if following else ""
        if any(word == "=" for word, _ in tokens) or (len(words) < len(tokens) and named not in _LOOKING_PRAGMAS) or named in _WRITING_PRAGMAS:
            action = "write"
    elif not action:
        settles = {word for word, _ in tokens}
        if verb == "SET" and settles & {"GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD"} or verb == "RESET" and settles & _SERVERS_OWN:
            action = "write"
        elif verb == "SET" and "(" in settles or verb == "START" and "TRANSACTION" not in following:
            action = "execute"
        verb, action = _with_what_follows(tokens, verb, action)
    elif verb == "COPY":
        if any(word == "PROGRAM" for word, _ in tokens):
            action = "execute"
        elif tokens[1:2] and tokens[1][0] == "(":
            action = max("export", _strictest_inside(tokens, verb)[1], key=_STRICTNESS.index)
        elif not any(word == "FROM" for word, _ in _outside_parentheses(tokens)):
            action = "export"
    return verb, action, _tables(tokens, verb) if action else ()


# What a pragma with an argument in parentheses only looks up.
_LOOKING_PRAGMAS = frozenset(
    "TABLE_INFO TABLE_XINFO TABLE_LIST INDEX_INFO INDEX_XINFO INDEX_LIST FOREIGN_KEY_LIST FOREIGN_KEY_CHECK INTEGRITY_CHECK QUICK_CHECK".split()
)
_WRITING_PRAGMAS = frozenset({"OPTIMIZE", "INCREMENTAL_VACUUM", "WAL_CHECKPOINT", "SHRINK_MEMORY"})
_SERVERS_OWN = frozenset({"MASTER", "SLAVE", "REPLICA", "BINARY", "PERSIST", "QUERY"})

_TRANSACTION_WORDS = frozenset({
    "TRANSACTION", "TRAN", "WORK", "DEFERRED", "IMMEDIATE", "EXCLUSIVE", "CONCURRENT", "ISOLATION", "LEVEL", "READ", "ONLY", "WRITE",
    "COMMITTED", "UNCOMMITTED", "REPEATABLE", "SERIALIZABLE", "NOT", "DEFERRABLE", ",",
})  # fmt: skip


def _with_what_follows(tokens: list[tuple[str, str]], verb: str, action: str) -> tuple[str, str]:
    """The stricter of a statement and what is inside it, or follows it without a semicolon as T-SQL has it."""
    inner_verb, inner = _strictest_inside(tokens, verb, _NAMES_FOLLOW)
    return (inner_verb, inner) if inner and _STRICTNESS.index(inner) > _STRICTNESS.index(action) else (verb, action)


# After these comes a name or a value, though it be spelled like a verb.
_NAMES_FOLLOW = frozenset("SELECT AS BY FROM JOIN INTO WHERE AND NOT DISTINCT ALL TABLE SAVEPOINT , ( = < > + - * / | @ :".split())


def _strictest_inside(tokens: list[tuple[str, str]], verb: str, names_follow: frozenset[str] = frozenset()) -> tuple[str, str]:
    best = ("", "")
    for index, (word, _) in enumerate(tokens):
        if index == 0 or word not in _VERBS_INSIDE:
            continue
        before = tokens[index - 1][0]
        if before in names_follow and not (before == "(" and index > 1 and tokens[index - 2][0] in ("AS", "MATERIALIZED")):
            continue
        after = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        if before in ("FOR", "DO", "KEY", "OR", ".") or (before == "ON" and verb != "SET") or after in ("(", ".") and word in ("REPLACE", "INSERT", "TRUNCATE"):
            continue
        action = _ACTIONS[word]
        if _STRICTNESS.index(action) > _STRICTNESS.index(best[1]):
            best = (word, action)
    return best


_VERBS_INSIDE = frozenset("SELECT INSERT UPDATE DELETE MERGE REPLACE DROP TRUNCATE ALTER CREATE CALL EXEC EXECUTE".split())


def _is_variable(tokens: list[tuple[str, str]], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1][0] in ("@", ":")


def _outside_parentheses(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    depth, outside = 0, []
    for token in tokens:
        depth += (token[0] == "(") - (token[0] == ")")
        if depth == 0:
            outside.append(token)
    return outside


def _tables(tokens: list[tuple[str, str]], verb: str) -> tuple[str, ...]:
    found: list[str] = []
    local: set[str] = set()
    openers: list[str] = []
    index = 0
    while index < len(tokens):
        word, _ = tokens[index]
        before = tokens[index - 1][0] if index else ""
        if word == "(":
            openers.append(before)
        elif word == ")" and openers:
            openers.pop()
        elif word == "AS" and index + 1 < len(tokens) and tokens[index + 1][0] in ("(", "MATERIALIZED", "NOT") and index and _has_with(tokens):
            local.add(_named_before(tokens, index).lower())
        elif word in _TABLE_WORDS and not (word == "FROM" and (before == "DISTINCT" or (openers and openers[-1] in _FROM_INSIDE))):
            if word == "UPDATE" and before in ("FOR", "ON", "DO", "KEY"):
                index += 1
                continue
            index = _take_tables(tokens, index + 1, found, listed=word in ("FROM", "TRUNCATE", "USING") or (word == "TABLE" and verb != "CREATE"))
            continue
        elif word == "COPY" and index == 0 or (word == "ON" and verb in ("CREATE", "DROP") and any(token[0] in ("INDEX", "TRIGGER") for token in tokens[:6])):
            index = _take_tables(tokens, index + 1, found, listed=False)
            continue
        index += 1
    return tuple(dict.fromkeys(name for name in found if name.lower() not in local))


def _named_before(tokens: list[tuple[str, str]], index: int) -> str:
    """The name before `AS`, over a list of columns if there is one: `WITH name (a, b) AS (`."""
    index -= 1
    if tokens[index][0] == ")":
        while index > 0 and tokens[index][0] != "(":
            index -= 1
        index -= 1
    return tokens[max(index, 0)][1]


def _has_with(tokens: list[tuple[str, str]]) -> bool:
    return any(word == "WITH" for word, _ in tokens)


def _take_tables(tokens: list[tuple[str, str]], index: int, found: list[str], *, listed: bool) -> int:
    while index < len(tokens):
        while index < len(tokens) and tokens[index][0] in _BETWEEN:
            index += 1
        name, index = _name(tokens, index)
        if not name:
            return index
        if index >= len(tokens) or tokens[index][0] != "(" or not listed:
            found.append(name)
        if not listed:
            return index
        ahead = index
        if ahead < len(tokens) and tokens[ahead][0] == "AS":
            ahead += 1
        if ahead < len(tokens) and tokens[ahead][0] not in (",", "(", ")") and (tokens[ahead][0] == "" or tokens[ahead][0].isidentifier()):
            ahead += 1
        if ahead < len(tokens) and tokens[ahead][0] == ",":
            index = ahead + 1
            continue
        return index
    return index


def _name(tokens: list[tuple[str, str]], index: int) -> tuple[str, int]:
    parts: list[str] = []
    while index < len(tokens):
        word, text = tokens[index]
        if word == "'" and not parts:
            return "", index
        if (word and not (word[0].isalpha() or word[0] == "_")) or (not parts and word in _NOT_TABLES):
            break
        parts.append(text)
        index += 1
        if index < len(tokens) and tokens[index][0] == ".":
            index += 1
            continue
        break
    return ".".join(parts), index
