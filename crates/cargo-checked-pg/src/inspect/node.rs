//! PostgreSQL's parse trees in their text form, `pg_node_tree`: `{TAG :field value …}`, `(…)` for a list, `<>` for nothing.
//!
//! The form is the same in all versions; a field that a version does not have reads as nothing.

use anyhow::{Context, Result, bail};

/// A part of a parse tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A node with its tag and its fields.
    Object(Box<Object>),
    List(Vec<Node>),
    /// A number, a name, a flag; also the value of a constant, which nothing here reads.
    Atom(String),
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    tag: String,
    fields: Vec<(String, Node)>,
}

static NOTHING: Node = Node::Nothing;

impl Node {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text };
        let node = reader.node()?;
        match reader.token() {
            None => Ok(node),
            Some(more) => bail!("{:?} after the end of a parse tree", more.text),
        }
    }

    /// The tag, such as `OPEXPR`; empty for a list or an atom.
    pub fn tag(&self) -> &str {
        match self {
            Self::Object(object) => &object.tag,
            _ => "",
        }
    }

    pub fn fields(&self) -> &[(String, Node)] {
        match self {
            Self::Object(object) => &object.fields,
            _ => &[],
        }
    }

    /// A field; nothing if there is none of that name.
    pub fn get(&self, name: &str) -> &Node {
        let found = self.fields().iter().find(|(field, _)| field == name);
        found.map_or(&NOTHING, |(_, value)| value)
    }

    pub fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub fn list(&self, name: &str) -> &[Node] {
        self.get(name).items()
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Atom(text) => text,
            _ => "",
        }
    }

    pub fn name(&self, name: &str) -> &str {
        self.get(name).text()
    }

    pub fn number(&self, name: &str) -> i64 {
        self.name(name).parse().unwrap_or_default()
    }

    pub fn oid(&self, name: &str) -> u32 {
        self.name(name).parse().unwrap_or_default()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.name(name) == "true"
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether two expressions are the same but for where they stand in the statement.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(one), Self::Object(two)) => {
                one.tag == two.tag
                    && one.fields.len() == two.fields.len()
                    && one
                        .fields
                        .iter()
                        .zip(&two.fields)
                        .all(|((name, a), (_, b))| name.ends_with("location") || a.same(b))
            }
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(a, b)| a.same(b))
            }
            _ => self == other,
        }
    }
}

struct Token {
    text: String,
    /// Taken literally: quoted, or with a backslash.
    literal: bool,
}

impl Token {
    fn is(&self, sign: &str) -> bool {
        !self.literal && self.text == sign
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn token(&mut self) -> Option<Token> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\t']);
        let first = self.rest.chars().next()?;
        if "(){}".contains(first) {
            self.rest = &self.rest[1..];
            let text = first.to_string();
            return Some(Token {
                text,
                literal: false,
            });
        }
        let mut text = String::new();
        let mut literal = first == '"';
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                ' ' | '\n' | '\t' | '(' | ')' | '{' | '}' => {
                    end = at;
                    break;
                }
                '\\' => {
                    literal = true;
                    text.extend(chars.next().map(|(_, escaped)| escaped));
                }
                c => text.push(c),
            }
        }
        self.rest = &self.rest[end..];
        if first == '"' {
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            text = inner.unwrap_or(&text).to_owned();
        }
        Some(Token { text, literal })
    }

    fn node(&mut self) -> Result<Node> {
        let token = self.token().context("a parse tree without an end")?;
        self.node_from(token)
    }

    fn node_from(&mut self, token: Token) -> Result<Node> {
        if token.is("{") {
            return self.object();
        }
        if token.is("(") {
            return self.list();
        }
        if token.is("<>") {
            return Ok(Node::Nothing);
        }
        Ok(Node::Atom(token.text))
    }

    fn object(&mut self) -> Result<Node> {
        let tag = self.token().context("a node without a tag")?.text;
        let mut fields: Vec<(String, Node)> = Vec::new();
        loop {
            let token = self
                .token()
                .with_context(|| format!("{tag} without an end"))?;
            if token.is("}") {
                return Ok(Node::Object(Box::new(Object { tag, fields })));
            }
            if !token.literal
                && let Some(name) = token.text.strip_prefix(':')
            {
                // Whatever comes next is its value, a name that begins with a colon, too.
                let value = self.node()?;
                fields.push((name.to_owned(), value));
            } else if let Some((_, Node::Atom(text))) = fields.last_mut() {
                // The bytes of a constant: `5 [ 20 0 0 0 97 ]`.
                text.push(' ');
                text.push_str(&token.text);
            } else {
                bail!("{tag} has a value without a field: {:?}", token.text);
            }
        }
    }

    fn list(&mut self) -> Result<Node> {
        let mut items = Vec::new();
        let mut first = true;
        loop {
            let token = self.token().context("a list without an end")?;
            if token.is(")") {
                return Ok(Node::List(items));
            }
            // Lists of numbers begin with their kind: integers, oids, a set, transaction ids.
            let kind = first && ["i", "o", "b", "x"].iter().any(|kind| token.is(kind));
            first = false;
            if !kind {
                items.push(self.node_from(token)?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_postgresql_writes() {
        let text = r#"({VAR :varno 1 :names ("id" "a\ "b") :x <> :set (b 8 9) :empty (b) :resname d:\ T :alias :d :value 5 [ 20 0 ] :flag true} (i -1))"#;
        let tree = Node::parse(text).unwrap();
        let var = &tree.items()[0];
        assert_eq!(var.tag(), "VAR");
        assert_eq!(var.number("varno"), 1);
        let names: Vec<_> = var.list("names").iter().map(Node::text).collect();
        assert_eq!(names, ["id", "a \"b"]);
        assert!(var.get("x").is_nothing() && var.get("missing").is_nothing());
        assert_eq!(var.list("set").len(), 2);
        assert!(var.list("empty").is_empty());
        assert_eq!(var.name("resname"), "d: T");
        assert_eq!(var.name("alias"), ":d");
        assert_eq!(var.name("value"), "5 [ 20 0 ]");
        assert!(var.flag("flag"));
        assert_eq!(tree.items()[1].items()[0].text(), "-1");
        assert!(Node::parse("{VAR :varno").is_err());
    }

    #[test]
    fn expressions_are_the_same_wherever_they_stand() {
        let at =
            |at: u8, n: u8| Node::parse(&format!("{{VAR :varno {n} :location {at}}}")).unwrap();
        assert!(at(1, 1).same(&at(2, 1)));
        assert!(!at(1, 1).same(&at(1, 2)));
    }
}
