//! Random statements over a schema with NULLs: joins of every kind in any nesting, groups and their sets, aggregates of nothing,
//! subqueries, set operations, views, windows, recursion, RETURNING.

use std::fmt::Write as _;

pub const SCHEMA: &str = "
    CREATE TABLE a (id int PRIMARY KEY, x int, y int NOT NULL, t text);
    CREATE TABLE b (id int PRIMARY KEY, a_id int, z int NOT NULL, w text NOT NULL);
    CREATE TABLE c (id int PRIMARY KEY, b_id int NOT NULL, u text);
    CREATE TABLE parent (id int NOT NULL, p int NOT NULL);
    CREATE TABLE child (q int) INHERITS (parent);
    INSERT INTO a VALUES (4, NULL, 7, 'four'), (1, 2, 5, NULL), (3, 1, 1, 'three'), (2, NULL, 9, 'x'), (9, 3, 3, '');
    INSERT INTO b VALUES (2, 4, 3, 'be'), (1, NULL, 2, 'bee'), (5, 1, 8, ''), (7, 77, 1, 'b');
    INSERT INTO c VALUES (1, 5, NULL), (3, 7, 'see'), (8, 88, 'c');
    INSERT INTO parent VALUES (1, 2);
    INSERT INTO child VALUES (3, 4, NULL);
    CREATE VIEW joined AS SELECT a.id, a.y, b.z, b.w FROM a LEFT JOIN b ON b.a_id = a.id;
    CREATE VIEW grouped AS SELECT y, count(x) AS n, max(x) AS top FROM a GROUP BY ROLLUP (y);
    CREATE VIEW plain AS SELECT id, COALESCE(x, 0) AS x, upper(w) AS w FROM a JOIN b USING (id);
    CREATE MATERIALIZED VIEW kept AS SELECT id, y FROM a;
    CREATE FUNCTION nothing(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT NULL::int';
";

#[derive(Clone, Copy, PartialEq, Debug)]
enum Type {
    Int,
    Text,
    Bool,
}
use Type::{Bool, Int, Text};

#[derive(Clone)]
struct Column {
    sql: String,
    is: Type,
}

/// The same numbers for the same seed.
pub struct Generator {
    state: u64,
    names: usize,
    /// How many joins of the FROM under way are written.
    joins: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            names: 0,
            joins: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 11
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// A statement.
    pub fn statement(&mut self) -> String {
        match self.below(12) {
            0 => self.change(),
            1 => self.recursive(),
            2 => {
                let inner = self.query(2, &[], None).0;
                let types: Vec<_> = inner.1.clone();
                let names: Vec<_> = (0..types.len()).map(|at| format!("k{at}")).collect();
                let scope = columns_of("w", &names, &types);
                let rest = self.select(2, "w", scope, &[], None);
                format!("WITH w ({}) AS ({}) {}", names.join(", "), inner.0, rest.0)
            }
            _ => self.query(3, &[], None).0.0,
        }
    }

    fn change(&mut self) -> String {
        match self.below(6) {
            0 => "UPDATE a SET x = NULL WHERE x IS NOT NULL RETURNING id, x, y, t".to_owned(),
            1 => "UPDATE a SET t = b.w, x = b.a_id FROM b WHERE b.id = a.id AND b.a_id > 0 RETURNING a.x, b.a_id, a.t, b.w".to_owned(),
            2 => "DELETE FROM b WHERE a_id = 4 RETURNING id, a_id, z".to_owned(),
            3 => "INSERT INTO a (id, y) VALUES (11, 6), (12, 8) RETURNING id, x, y, t, x IS NULL AS e".to_owned(),
            4 => "WITH d AS (UPDATE b SET a_id = NULL WHERE a_id IS NOT NULL RETURNING id, a_id) SELECT d.id, d.a_id, a.y FROM d LEFT JOIN a ON a.id = d.a_id".to_owned(),
            _ => "UPDATE a SET x = c.id FROM b LEFT JOIN c ON c.b_id = b.id WHERE b.id = a.id RETURNING a.id, a.x, c.id, c.u, b.w".to_owned(),
        }
    }

    fn recursive(&mut self) -> String {
        let first = self.pick(&[
            "1, 2",
            "1, NULL::int",
            "1, (SELECT max(x) FROM a WHERE id > 99)",
            "1, (SELECT count(*)::int FROM a)",
        ]);
        let step = self.pick(&[
            "n + 1, m",
            "n + 1, n",
            "n + 1, NULLIF(n, 2)",
            "m, n",
            "n + 1, m + 1",
        ]);
        let last = self.pick(&[
            "n, m",
            "m, n, n IS NULL",
            "max(n), count(m)",
            "COALESCE(m, 0), n",
        ]);
        format!(
            "WITH RECURSIVE r (n, m) AS (SELECT {first} UNION SELECT {step} FROM r WHERE n < 4) SELECT {last} FROM r"
        )
    }

    /// A query of columns of the given types, or of any.
    fn query(&mut self, depth: usize, outer: &[Column], wanted: Option<&[Type]>) -> (Sql, ()) {
        if depth > 0 && self.one_in(6) {
            let (one, ()) = self.query(depth - 1, outer, wanted);
            let (two, ()) = self.query(depth - 1, outer, Some(&one.1));
            let operation = self.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]);
            return (
                Sql(format!("({}) {operation} ({})", one.0, two.0), one.1),
                (),
            );
        }
        let (from, scope) = self.from(depth, outer);
        let select = self.select(depth, &from, scope, outer, wanted);
        (select, ())
    }

    fn select(
        &mut self,
        depth: usize,
        from: &str,
        scope: Vec<Column>,
        outer: &[Column],
        wanted: Option<&[Type]>,
    ) -> Sql {
        let mut sql = String::new();
        let width = wanted.map_or_else(|| 1 + self.below(4), <[Type]>::len);
        let types: Vec<Type> = (0..width)
            .map(|at| wanted.map_or_else(|| self.pick(&[Int, Int, Text, Bool]), |types| types[at]))
            .collect();
        let mut all = scope.clone();
        all.extend_from_slice(outer);
        let condition = match self.below(3) {
            0 => String::new(),
            _ => format!(" WHERE {}", self.condition(depth, &all)),
        };
        let list: Vec<String>;
        let mut tail = String::new();
        match self.below(4) {
            // Groups
            0 => {
                let keys: Vec<String> = (0..1 + self.below(2))
                    .map(|_| {
                        let is = self.pick(&[Int, Text]);
                        match self.one_in(3) {
                            true => self.expression(1, &scope, is),
                            false => self.column(&scope, is),
                        }
                    })
                    .filter(|key| key.contains('.'))
                    .collect();
                if keys.is_empty() {
                    list = types
                        .iter()
                        .map(|is| self.aggregate(depth, &scope, *is))
                        .collect();
                } else {
                    let kind = self.below(5);
                    tail = match kind {
                        0 => format!(" GROUP BY ROLLUP ({})", keys.join(", ")),
                        1 => format!(" GROUP BY CUBE ({})", keys.join(", ")),
                        2 => format!(" GROUP BY GROUPING SETS (({}), ())", keys.join(", ")),
                        _ => format!(" GROUP BY {}", keys.join(", ")),
                    };
                    let grouped: Vec<Column> = keys
                        .iter()
                        .map(|key| Column {
                            sql: key.clone(),
                            is: if self.is_text(key, &scope) { Text } else { Int },
                        })
                        .collect();
                    list = types
                        .iter()
                        .map(|is| match self.below(3) {
                            0 => self.over_groups(&grouped, *is),
                            _ => self.aggregate(depth, &scope, *is),
                        })
                        .collect();
                    if self.one_in(4) {
                        tail.push_str(" HAVING count(*) >= 1");
                    }
                }
            }
            // Aggregates of everything
            1 => {
                list = types
                    .iter()
                    .map(|is| self.aggregate(depth, &scope, *is))
                    .collect();
            }
            _ => {
                let windows = self.one_in(3);
                list = types
                    .iter()
                    .map(|is| match windows && *is == Int && self.one_in(2) {
                        true => self.window(&scope),
                        false if self.one_in(3) => self.column(&scope, *is),
                        false => self.expression(depth, &all, *is),
                    })
                    .collect();
            }
        }
        let names: Vec<String> = list
            .iter()
            .enumerate()
            .map(|(at, sql)| format!("{sql} AS k{at}"))
            .collect();
        write!(
            sql,
            "SELECT {} FROM {from}{condition}{tail}",
            names.join(", ")
        )
        .unwrap();
        Sql(sql, types)
    }

    fn is_text(&self, key: &str, scope: &[Column]) -> bool {
        let column = scope.iter().find(|column| column.sql == key);
        column.map_or_else(
            || key.starts_with("lower") || key.starts_with("upper") || key.contains("'"),
            |column| column.is == Text,
        )
    }

    fn over_groups(&mut self, keys: &[Column], is: Type) -> String {
        let key = self.pick(keys);
        match (is, key.is) {
            (Bool, _) => format!("{} IS NULL", key.sql),
            (is, of) if is == of => match self.below(3) {
                0 if is == Int => format!("{} + 1", key.sql),
                1 if is == Text => format!("COALESCE({}, 'q')", key.sql),
                _ => key.sql,
            },
            (Int, _) => format!("length({})", key.sql),
            (Text, _) => format!("{}::text", key.sql),
        }
    }

    fn aggregate(&mut self, depth: usize, scope: &[Column], is: Type) -> String {
        let int = self.expression(depth.min(1), scope, Int);
        let text = self.expression(depth.min(1), scope, Text);
        let filter = match self.below(4) {
            0 => format!(" FILTER (WHERE {})", self.condition(0, scope)),
            _ => String::new(),
        };
        match is {
            Int => match self.below(6) {
                0 => format!("count(*){filter}::int"),
                1 => format!("count({int}){filter}::int"),
                2 => format!("max({int}){filter}"),
                3 => format!("COALESCE(min({int}){filter}, 0)"),
                4 => format!("cardinality(array_agg({int}){filter})"),
                _ => format!("sum({int}){filter}::int"),
            },
            Text => match self.below(3) {
                0 => format!("max({text}){filter}"),
                1 => format!("string_agg({text}, ','){filter}"),
                _ => format!("lower(min({text}){filter})"),
            },
            Bool => match self.below(3) {
                0 => format!("bool_and({int} > 1){filter}"),
                1 => format!("count({text}){filter} > 1"),
                _ => format!("max({int}){filter} IS NULL"),
            },
        }
    }

    fn window(&mut self, scope: &[Column]) -> String {
        let int = self.expression(1, scope, Int);
        let order = self.column(scope, Int);
        match self.below(9) {
            0 => format!("row_number() OVER (ORDER BY {order})::int"),
            1 => format!("count({int}) OVER (ORDER BY {order})::int"),
            2 => format!("sum({int}) OVER (ORDER BY {order})::int"),
            3 => format!(
                "max({int}) OVER (ORDER BY {order} ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)"
            ),
            4 => format!("lag({int}) OVER (ORDER BY {order})"),
            5 => format!("lead({int}, 1, 0) OVER (ORDER BY {order})"),
            6 => format!("first_value({int}) OVER (ORDER BY {order})"),
            7 => format!("max({int}) FILTER (WHERE {order} > 2) OVER ()"),
            _ => format!("nth_value({int}, 2) OVER (ORDER BY {order})"),
        }
    }

    /// What stands after FROM, and its columns.
    fn from(&mut self, depth: usize, outer: &[Column]) -> (String, Vec<Column>) {
        let (mut sql, mut scope) = self.source(depth, outer, &[]);
        for _ in 0..self.below(3) {
            let lateral = self.one_in(6);
            let kind = self.pick(&[
                "JOIN",
                "LEFT JOIN",
                "LEFT JOIN",
                "RIGHT JOIN",
                "FULL JOIN",
                "CROSS JOIN",
            ]);
            let kind = if lateral { "LEFT JOIN" } else { kind };
            let nested = !lateral && depth > 0 && self.one_in(3);
            let (more, columns) = match nested {
                true => {
                    let before = self.joins;
                    let (inner, columns) = self.from(depth - 1, outer);
                    match self.joins > before {
                        true => (format!("({inner})"), columns),
                        false => (inner, columns),
                    }
                }
                false => self.source(
                    depth.saturating_sub(1),
                    outer,
                    if lateral { &scope } else { &[] },
                ),
            };
            let on = match kind {
                "CROSS JOIN" => String::new(),
                // A FULL JOIN has to be one that can be hashed.
                "FULL JOIN" => format!(
                    " ON {} = {}",
                    self.column(&scope, Int),
                    self.column(&columns, Int)
                ),
                _ if self.one_in(5) => " ON true".to_owned(),
                _ => {
                    let mut both = scope.clone();
                    both.extend_from_slice(&columns);
                    match self.one_in(2) {
                        true => format!(
                            " ON {} = {}",
                            self.column(&scope, Int),
                            self.column(&columns, Int)
                        ),
                        false => format!(" ON {}", self.condition(0, &both)),
                    }
                }
            };
            self.joins += 1;
            sql = format!("{sql} {kind} {more}{on}");
            scope.extend(columns);
        }
        (sql, scope)
    }

    fn source(
        &mut self,
        depth: usize,
        outer: &[Column],
        lateral: &[Column],
    ) -> (String, Vec<Column>) {
        const TABLES: [(&str, &[(&str, Type)]); 8] = [
            ("a", &[("id", Int), ("x", Int), ("y", Int), ("t", Text)]),
            ("b", &[("id", Int), ("a_id", Int), ("z", Int), ("w", Text)]),
            ("c", &[("id", Int), ("b_id", Int), ("u", Text)]),
            (
                "joined",
                &[("id", Int), ("y", Int), ("z", Int), ("w", Text)],
            ),
            ("grouped", &[("y", Int), ("top", Int)]),
            ("plain", &[("id", Int), ("x", Int), ("w", Text)]),
            ("kept", &[("id", Int), ("y", Int)]),
            ("parent", &[("id", Int), ("p", Int)]),
        ];
        let name = self.name();
        if !lateral.is_empty() || (depth > 0 && self.one_in(4)) {
            let mut around = outer.to_vec();
            around.extend_from_slice(lateral);
            let joins = self.joins;
            let (inner, ()) = self.query(depth.saturating_sub(1), &around, None);
            self.joins = joins;
            let names: Vec<_> = (0..inner.1.len()).map(|at| format!("k{at}")).collect();
            let word = if lateral.is_empty() { "" } else { "LATERAL " };
            let columns = columns_of(&name, &names, &inner.1);
            return (format!("{word}({}) AS {name}", inner.0), columns);
        }
        let of = |columns: &[(&str, Type)]| {
            let columns = columns.iter().map(|(column, is)| Column {
                sql: format!("{name}.{column}"),
                is: *is,
            });
            columns.collect::<Vec<_>>()
        };
        match self.below(10) {
            0 => (
                format!(
                    "(VALUES (1, 'v', NULL::int), (2, NULL, 5), (3, 'w', 6)) AS {name} (one, two, three)"
                ),
                of(&[("one", Int), ("two", Text), ("three", Int)]),
            ),
            1 => (
                format!("generate_series(1, 3) AS {name} (g)"),
                of(&[("g", Int)]),
            ),
            2 => (
                format!("unnest(ARRAY[3, NULL, 1]) WITH ORDINALITY AS {name} (e, o)"),
                of(&[("e", Int)]),
            ),
            3 => (
                format!(
                    "ROWS FROM (generate_series(1, 3), generate_series(1, 2)) AS {name} (g, h)"
                ),
                of(&[("g", Int), ("h", Int)]),
            ),
            _ => {
                let (table, columns) = self.pick(&TABLES);
                (format!("{table} AS {name}"), of(columns))
            }
        }
    }

    fn column(&mut self, scope: &[Column], is: Type) -> String {
        let fitting: Vec<_> = scope
            .iter()
            .filter(|column| column.is == is)
            .cloned()
            .collect();
        match (fitting.is_empty(), is) {
            (false, _) => self.pick(&fitting).sql,
            (true, Int) => self.pick(&["7", "0"]).to_owned(),
            (true, Text) => self.pick(&["'k'", "'z'"]).to_owned(),
            (true, Bool) => "true".to_owned(),
        }
    }

    fn condition(&mut self, depth: usize, scope: &[Column]) -> String {
        let int = self.column(scope, Int);
        let other = self.column(scope, Int);
        let text = self.column(scope, Text);
        match self.below(if depth > 0 { 15 } else { 12 }) {
            0 => format!("{int} IS NOT NULL"),
            1 => format!("{int} IS NULL"),
            2 => format!("{int} > {other}"),
            3 => format!("NOT ({int} = 2)"),
            4 => format!("({int} > 1) IS TRUE"),
            5 => format!("{int} = ANY (ARRAY[1, 2, NULL, {other}])"),
            6 => format!("{int} <> ALL (ARRAY[{other}])"),
            7 => format!("COALESCE({int}, 1) = 1"),
            8 => format!("{text} LIKE '%e%'"),
            9 => format!("{int} + {other} > 2"),
            10 => format!("({int} > 1) IS NOT FALSE"),
            11 => format!("{text} IS DISTINCT FROM 'x'"),
            12 => format!(
                "({} AND {})",
                self.condition(depth - 1, scope),
                self.condition(depth - 1, scope)
            ),
            13 => format!(
                "({} OR {})",
                self.condition(depth - 1, scope),
                self.condition(depth - 1, scope)
            ),
            _ => format!("{int} IN (SELECT x FROM a)"),
        }
    }

    fn expression(&mut self, depth: usize, scope: &[Column], is: Type) -> String {
        if depth == 0 || self.one_in(3) {
            return self.column(scope, is);
        }
        let e = |me: &mut Self, is| me.expression(depth - 1, scope, is);
        match is {
            Int => match self.below(16) {
                0 => format!("({} + {})", e(self, Int), e(self, Int)),
                1 => format!("COALESCE({}, {})", e(self, Int), e(self, Int)),
                2 => format!("NULLIF({}, 1)", e(self, Int)),
                3 => format!("length({})", e(self, Text)),
                4 => format!(
                    "CASE WHEN {} THEN {} ELSE {} END",
                    self.condition(0, scope),
                    e(self, Int),
                    e(self, Int)
                ),
                5 => format!(
                    "CASE WHEN {} THEN {} END",
                    self.condition(0, scope),
                    e(self, Int)
                ),
                6 => format!("GREATEST({}, {})", e(self, Int), e(self, Int)),
                7 => format!("(SELECT max(b.z + {}) FROM b)", e(self, Int)),
                8 => format!(
                    "(SELECT count(*)::int FROM b WHERE b.id > {})",
                    e(self, Int)
                ),
                9 => format!("(SELECT z FROM b WHERE b.id = {})", e(self, Int)),
                10 => format!("nothing({})", e(self, Int)),
                14 => format!("upper(int4range(NULL, {}))", e(self, Int)),
                15 => format!("lower(int4range(NULL, {}))", e(self, Int)),
                11 => format!("(ARRAY[{}, 2])[{}]", e(self, Int), self.pick(&["1", "3"])),
                12 => format!(
                    "array_length(ARRAY[{}], {})",
                    e(self, Int),
                    self.pick(&["1", "2"])
                ),
                _ => format!("abs({})", e(self, Int)),
            },
            Text => match self.below(7) {
                0 => format!("lower({})", e(self, Text)),
                1 => format!("({} || {})", e(self, Text), e(self, Text)),
                2 => format!("substring({} FROM 'e+')", e(self, Text)),
                3 => format!("({})::text", e(self, Int)),
                4 => format!("COALESCE({}, 'd')", e(self, Text)),
                5 => format!("concat({}, {})", e(self, Text), e(self, Int)),
                _ => format!("(to_jsonb({}::text) ->> 'k')", e(self, Text)),
            },
            Bool => match self.below(7) {
                0 => format!("({} IS NULL)", e(self, Int)),
                1 => format!("({} > {})", e(self, Int), e(self, Int)),
                2 => format!("({} IN (1, {}))", e(self, Int), e(self, Int)),
                3 => format!("EXISTS (SELECT FROM c WHERE c.id = {})", e(self, Int)),
                4 => format!("({} AND {})", e(self, Bool), e(self, Bool)),
                5 => format!("({} IN (SELECT x FROM a))", e(self, Int)),
                _ => format!("({} IS DISTINCT FROM {})", e(self, Int), e(self, Int)),
            },
        }
    }
}

/// A query and the types of its columns.
struct Sql(String, Vec<Type>);

impl std::ops::Deref for Sql {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn columns_of(table: &str, names: &[String], types: &[Type]) -> Vec<Column> {
    let columns = names.iter().zip(types).map(|(name, is)| Column {
        sql: format!("{table}.{name}"),
        is: *is,
    });
    columns.collect()
}
