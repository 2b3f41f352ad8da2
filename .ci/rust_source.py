"""Reads Rust as far as imports need it: tokens, modules, `use` trees and paths.

What `cfg(test)`, `cfg(doc)` and `#[test]` hold is left out, and so are comments. Types are not inferred: a file
that only calls a method of another one's type, and never names it, does not import that file.
"""

import re

TOKEN = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
  | (?P<comment>/\*)
  | (?P<raw>(?:b|c)?r(?P<hashes>\#*)")
  | (?P<string>[bc]?"(?:[^"\\]|\\.)*")
  | (?P<char>b?'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.))')
  | (?P<lifetime>'[^\W\d]\w*)
  | (?P<id>(?:r\#)?[^\W\d]\w*)
  | (?P<number>\d\w*(?:\.\d\w*)?)
  | (?P<mark>::|->|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
ITEMS = {"struct", "enum", "union", "trait", "type", "fn", "const", "static", "mod"}
ENDED_BY_SEMICOLON = {"use", "const", "static", "type", "let", "extern"}
BEFORE_ITEMS = {"unsafe", "async", "impl", "macro_rules", "default"} | ITEMS | ENDED_BY_SEMICOLON


class Token:
    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line

    def __eq__(self, text):
        return self.kind != "string" and self.text == text


def tokens(text):
    found, at, line = [], 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        kind, end = match.lastgroup, match.end()
        if kind == "comment":
            end = end_of_comment(text, end)
        elif kind == "raw":
            closing = '"' + match["hashes"]
            end = text.index(closing, end) + len(closing)
        word = text[at:end]
        if kind in ("string", "raw"):
            found.append(Token("string", word[word.index('"') + 1 :].rstrip("#")[:-1], line))
        elif kind == "id":
            found.append(Token("id", word.removeprefix("r#"), line))
        elif kind == "mark":
            found.append(Token("mark", word, line))
        elif kind not in ("blank", "comment"):
            found.append(Token("other", word, line))
        line += word.count("\n")
        at = end
    return found


def end_of_comment(text, at):
    depth = 1
    while depth:
        match = re.compile(r"/\*|\*/").search(text, at)
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
    return at


def end_of_group(tokens, at):
    """Where the bracket that opens at `at` is closed."""
    depth = 0
    for i in range(at, len(tokens)):
        if tokens[i].kind == "mark":
            if tokens[i].text in "([{":
                depth += 1
            elif tokens[i].text in ")]}":
                depth -= 1
                if depth == 0:
                    return i
    raise ValueError(f"line {tokens[at].line}: a bracket is not closed")


class Module:
    def __init__(self, file, parent):
        self.file, self.parent = file, parent
        self.children = {}  # name -> [Module]: several where a cfg decides
        self.items = set()
        self.aliases = {}  # name -> [segments], of `use`
        self.globs = []  # segments
        self.paths = []  # (segments, line): all that is named here
        self.exports = []  # (segments, line): of `pub use`
        self.implements = None  # the line of the first `impl`

    def root(self):
        return self.parent.root() if self.parent else self


class Crate:
    """The modules of a crate. `read(path)` gives a file's text, or None where there is none."""

    def __init__(self, read, root="lib.rs"):
        self.read = read
        self.modules = []
        self.macros = {}  # name -> {file}
        self.calls = []  # (name, module, line): of macros, unless the path is longer
        self.file(root, None, "")

    def file(self, path, parent, folder):
        """`folder`: where the files of its child modules are."""
        text = self.read(path)
        module = self.module(path, parent)
        found = tokens(text)
        self.contents(found, 0, len(found), module, folder)
        return module

    def module(self, path, parent):
        module = Module(path, parent)
        self.modules.append(module)
        return module

    def contents(self, t, i, end, module, folder):
        depth, renamed, exported = 0, None, False
        while i < end:
            it = t[i]
            following = t[i + 1] if i + 1 < end else None
            was_exported, exported = exported, False
            if it == "#" and following is not None and following == "!" and t[i + 2] == "[":
                close = end_of_group(t, i + 2)
                if only_in_tests(t[i + 3 : close]):
                    return
                i = close + 1
            elif it == "#" and following is not None and following == "[":
                close = end_of_group(t, i + 1)
                attribute = t[i + 2 : close]
                i = close + 1
                if only_in_tests(attribute):
                    i = end_of_item(t, i, end)
                elif attribute[0] == "path":
                    renamed = attribute[2].text
                elif attribute[0] != "doc":
                    self.attribute(attribute, module)
            elif it == "pub":
                exported = True
                i = end_of_group(t, i + 1) + 1 if following == "(" else i + 1
            elif it == "mod" and following.kind == "id" and t[i + 2] == ";":
                self.child_file(following.text, renamed, module, folder)
                renamed = None
                i += 3
            elif it == "mod" and following.kind == "id" and t[i + 2] == "{":
                close = end_of_group(t, i + 2)
                child = self.module(module.file, module)
                module.children.setdefault(following.text, []).append(child)
                self.contents(t, i + 3, close, child, f"{folder}{following.text}/")
                i = close + 1
            elif it == "use" and following != "<":
                close = next(j for j in range(i, end) if t[j] == ";")
                self.use_tree(t, i + 1, close, [], module, it.line, was_exported)
                i = close + 1
            elif it == "macro_rules" and following == "!":
                name = t[i + 2].text
                module.items.add(name)
                self.macros.setdefault(name, set()).add(module.file)
                i += 3
            elif it.kind == "id":
                i = self.word(t, i, end, module, depth)
            else:
                if it.kind == "mark" and it.text in "{}":
                    depth += 1 if it.text == "{" else -1
                i += 1

    def word(self, t, i, end, module, depth):
        """A path or a keyword that stands where no module or import is declared."""
        if depth == 0 and t[i].text in ITEMS and i + 1 < end and t[i + 1].kind == "id":
            name = t[i + 2] if t[i + 1] == "mut" else t[i + 1]
            module.items.add(name.text)
            return i + 1
        if depth == 0 and t[i] == "impl" and module.implements is None:
            module.implements = t[i].line
        first, segments = i, [t[i].text]
        while i + 2 < end and t[i + 1] == "::" and t[i + 2].kind == "id":
            i += 2
            segments.append(t[i].text)
        before = t[first - 1] if first else None
        if before is None or not (before == "::" or before == "."):
            if len(segments) > 1:
                module.paths.append((segments, t[first].line))
            elif i + 1 < end and t[i + 1] == "!":
                self.calls.append((segments[0], module, t[first].line))
        return i + 1

    def attribute(self, t, module):
        """Derives name paths, and so do some strings, as in `serde(with = "crate::text")`."""
        i = 0
        while i < len(t):
            if t[i].kind == "id":
                i = self.word(t, i, len(t), module, 1)
                continue
            if t[i].kind == "string" and re.fullmatch(r"\w+(::\w+)+", t[i].text):
                module.paths.append((t[i].text.split("::"), t[i].line))
            i += 1

    def child_file(self, name, renamed, module, folder):
        if renamed:
            here = module.file.rpartition("/")[0]
            found = f"{here}/{renamed}" if here else renamed
            inner = found.rpartition("/")[0]
            inner = f"{inner}/" if inner else ""
        else:
            places = [f"{folder}{name}.rs", f"{folder}{name}/mod.rs"]
            found = next((place for place in places if self.read(place) is not None), None)
            inner = f"{folder}{name}/"
        if found is None or self.read(found) is None:
            raise ValueError(f"{module.file}: there is no file of the module {name}")
        child = self.file(found, module, inner)
        module.children.setdefault(name, []).append(child)

    def use_tree(self, t, i, end, prefix, module, line, exported):
        segments = list(prefix)
        if i < end and t[i] == "::" and not prefix:
            return  # another crate
        while i < end:
            it = t[i]
            if it == "{":
                self.use_group(t, i, segments, module, exported)
                return
            if it == "*":
                module.globs.append(segments)
                break
            if it.kind == "id" and it == "as":
                name = t[i + 1].text
                self.alias(name, segments, module)
                break
            if it.kind == "id":
                line = it.line
                if not (it == "self" and segments):
                    segments.append(it.text)
            i += 1
        else:
            if segments:
                self.alias(segments[-1], segments, module)
        if segments:
            module.paths.append((segments, line))
            if exported:
                module.exports.append((segments, line))

    def use_group(self, t, open, prefix, module, exported):
        close = end_of_group(t, open)
        start = i = open + 1
        while i <= close:
            if t[i] == "{":
                i = end_of_group(t, i)
            elif t[i] == "," or i == close:
                if i > start:
                    self.use_tree(t, start, i, prefix, module, t[start].line, exported)
                start = i + 1
            i += 1

    def alias(self, name, segments, module):
        if name not in ("_", "self", "super", "crate"):
            module.aliases.setdefault(name, []).append(segments)


def only_in_tests(attribute):
    if attribute[0] == "test" and len(attribute) == 1:
        return True
    return attribute[0] == "cfg" and not holds(attribute, 2)[0]


def holds(t, i):
    """Returns whether a condition of `cfg` can hold without `test` and `doc`, and where it ends."""
    word = t[i].text
    if i + 1 < len(t) and t[i + 1] == "(":
        close, inner, i = end_of_group(t, i + 1), [], i + 2
        while i < close:
            value, i = holds(t, i)
            inner.append(value)
            i += 1
        if word == "all":
            return all(inner), close + 1
        if word == "any":
            return any(inner), close + 1
        return True, close + 1  # `not(…)`: kept, whatever is in it
    if i + 1 < len(t) and t[i + 1] == "=":
        return True, i + 3
    return word not in ("test", "doc"), i + 1


def end_of_item(t, i, end):
    """Where the item, field, statement or match arm that begins at `i` is over."""
    while i < end and t[i] == "#":
        i = end_of_group(t, i + 1) + 1
    if i < end and t[i] == "pub":
        i = end_of_group(t, i + 1) + 1 if t[i + 1] == "(" else i + 1
    if i >= end:
        return end
    item = t[i].text in BEFORE_ITEMS
    block_ends = t[i].text not in ENDED_BY_SEMICOLON or t[i + 1] in ("fn", "unsafe", "async")
    while i < end:
        if t[i] == ";" or (t[i] == "," and not item):
            return i + 1
        if t[i].kind == "mark" and t[i].text in "([{":
            close = end_of_group(t, i)
            if t[i] == "{" and block_ends:
                return close + 1
            i = close
        elif t[i].kind == "mark" and t[i].text in ")]}":
            return i
        i += 1
    return end
