//! The linter of signal SQL: only what polars, DuckDB and Spark answer alike passes.
//!
//! Polars answers some legal SQL wrongly without a word, so a list of what is forbidden would always be one construct
//! short. This is a list of what is allowed; everything else is refused by name, with what to write in its place.

use std::collections::BTreeSet;
use std::fmt;

use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    OrderByExpr, OrderByKind, Query, Select, SelectFlavor, SelectItem, SetExpr, SetOperator, SetQuantifier, Statement,
    TableAlias, TableFactor, With,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

mod expressions;
#[cfg(test)]
mod tests;

use expressions::{Place, expression, is_column};

/// A construct that the engines do not answer alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {construct}: {instead}")]
pub struct LintError {
    /// The query's file.
    pub file: String,
    /// What is refused, as far as it can be shown in a line.
    pub construct: String,
    /// What to write in its place.
    pub instead: String,
}

/// Checks that a query keeps to the portable subset and reads only the tables named (and its own `WITH` steps).
///
/// # Errors
/// [`LintError`] names the file, the first construct that is refused, and what to write instead.
pub fn lint(file: &str, sql: &str, tables: &[&str]) -> Result<(), LintError> {
    check(sql, tables).map_err(|Finding { construct, instead }| LintError { file: file.to_owned(), construct, instead })
}

/// What is wrong, before the file's name is known.
pub(super) struct Finding {
    construct: String,
    instead: String,
}

pub(super) type Check = Result<(), Finding>;

/// Refuses a construct.
pub(super) fn refuse(construct: impl fmt::Display, instead: impl Into<String>) -> Check {
    const LONGEST: usize = 80;
    let mut construct = construct.to_string();
    if construct.chars().count() > LONGEST {
        construct = construct.chars().take(LONGEST).chain("…".chars()).collect();
    }
    Err(Finding { construct, instead: instead.into() })
}

/// Refuses a construct unless something holds.
pub(super) fn demand(holds: bool, construct: impl fmt::Display, instead: &str) -> Check {
    if holds { Ok(()) } else { refuse(construct, instead) }
}

const OUTSIDE: &str = "it is outside the portable subset; docs/signals.md shows what works everywhere";

fn check(sql: &str, tables: &[&str]) -> Check {
    // The same parser and dialect as polars, so that both read the same statement.
    let statements = Parser::parse_sql(&GenericDialect {}, sql);
    let statements = match statements {
        Ok(statements) => statements,
        Err(error) => return refuse("the query", format!("it cannot be parsed: {error}")),
    };
    let [Statement::Query(body)] = statements.as_slice() else {
        return refuse("a file that is not one SELECT", "write exactly one query, `WITH … SELECT …`");
    };
    query(body, &mut tables.iter().map(|name| (*name).to_owned()).collect(), true)
}

fn query(whole: &Query, tables: &mut BTreeSet<String>, outermost: bool) -> Check {
    let Query { with, body, order_by, limit_clause, fetch, locks, for_clause, settings, format_clause, pipe_operators } =
        whole;
    demand(
        limit_clause.is_none() && fetch.is_none(),
        "LIMIT",
        "leave it out: evidence is every row, and which rows come first differs by engine",
    )?;
    let odd = !locks.is_empty() || for_clause.is_some() || settings.is_some() || format_clause.is_some();
    demand(!odd && pipe_operators.is_empty(), whole, OUTSIDE)?;
    if let Some(With { with_token: _, recursive, cte_tables }) = with {
        demand(outermost, "WITH inside a step", "write all steps one after the other at the head of the query")?;
        demand(!recursive, "WITH RECURSIVE", "polars refuses it; unroll it into steps, or put it into a fact")?;
        for Cte { alias, query: step, from, materialized, closing_paren_token: _ } in cte_tables {
            demand(from.is_none() && materialized.is_none(), &alias.name, OUTSIDE)?;
            table_alias(Some(alias))?;
            query(step, tables, false)?;
            tables.insert(alias.name.value.clone());
        }
    }
    set(body, tables)?;
    let Some(order) = order_by else { return Ok(()) };
    demand(outermost, "ORDER BY inside a step", "order rows once, at the end of the query")?;
    let OrderByKind::Expressions(keys) = &order.kind else { return refuse(order, OUTSIDE) };
    demand(order.interpolate.is_none(), order, OUTSIDE)?;
    keys.iter().try_for_each(order_key)
}

/// A key of `ORDER BY`: a column, without a word about NULLs.
pub(super) fn order_key(key: &OrderByExpr) -> Check {
    let OrderByExpr { expr, options, with_fill } = key;
    demand(
        options.nulls_first.is_none(),
        key,
        "NULLS FIRST and NULLS LAST are ignored by polars inside OVER; order by keys that are never NULL",
    )?;
    demand(is_column(expr) && with_fill.is_none(), key, "order by columns; name an expression in a step first")?;
    expression(expr, Place::default())
}

fn set(body: &SetExpr, tables: &BTreeSet<String>) -> Check {
    match body {
        SetExpr::Select(body) => select(body, tables),
        SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier: SetQuantifier::All, right } => {
            set(left, tables)?;
            set(right, tables)
        }
        SetExpr::SetOperation { op, set_quantifier, .. } => {
            refuse(format!("{op} {set_quantifier}"), "use UNION ALL, and SELECT DISTINCT in a step where it is needed")
        }
        other => refuse(other, OUTSIDE),
    }
}

fn select(body: &Select, tables: &BTreeSet<String>) -> Check {
    // Taken apart whole, so that a clause which a later parser knows cannot pass unseen.
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct,
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify,
        value_table_mode,
        flavor,
    } = body;
    if let Some(distinct) = distinct {
        let plain = matches!(distinct, Distinct::Distinct);
        demand(plain, distinct, "DISTINCT ON is refused by Spark; number the rows and take the first")?;
    }
    demand(qualify.is_none(), "QUALIFY", "filter on the numbered rows in a step of its own")?;
    demand(named_window.is_empty(), "WINDOW", "write each window out after its OVER")?;
    let odd = [
        !optimizer_hints.is_empty(),
        select_modifiers.is_some(),
        top.is_some() || *top_before_distinct,
        exclude.is_some() || into.is_some(),
        !lateral_views.is_empty() || prewhere.is_some() || !connect_by.is_empty(),
        !cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty(),
        *window_before_qualify || value_table_mode.is_some() || *flavor != SelectFlavor::Standard,
    ];
    demand(!odd.contains(&true), body, OUTSIDE)?;
    let [source] = from.as_slice() else {
        return refuse(body, "select from exactly one table and join the others by JOIN … ON");
    };
    relation(&source.relation, tables)?;
    source.joins.iter().try_for_each(|one| join(one, tables))?;
    let aliases = aliases(projection);
    let place = Place { aliases: &aliases, tables: Some(tables), ..Place::default() };
    for item in projection {
        match item {
            SelectItem::UnnamedExpr(value) => expression(value, place)?,
            SelectItem::ExprWithAlias { expr, alias } => {
                identifier(alias)?;
                expression(expr, place)?;
            }
            other => refuse(other, "name every column; what `*` gives changes with the table")?,
        }
    }
    let GroupByExpr::Expressions(keys, modifiers) = group_by else { return refuse(group_by, OUTSIDE) };
    demand(modifiers.is_empty(), group_by, "polars refuses it; group once per level and UNION ALL")?;
    keys.iter().chain(selection).chain(having).try_for_each(|value| expression(value, place))
}

/// Names that the projection gives to something else than a column of that name: they cannot be used beside it.
fn aliases(projection: &[SelectItem]) -> Vec<&str> {
    let named = projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { expr: Expr::Identifier(column), alias } if column.value == alias.value => None,
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.as_str()),
        _ => None,
    });
    named.collect()
}

fn relation(table: &TableFactor, tables: &BTreeSet<String>) -> Check {
    let TableFactor::Table {
        name,
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
    } = table
    else {
        return match table {
            TableFactor::Derived { lateral: true, .. } => refuse("LATERAL", "polars refuses it; join a step"),
            TableFactor::Derived { .. } => refuse("a query inside FROM", "make it a step of WITH"),
            other => refuse(other, OUTSIDE),
        };
    };
    let odd = args.is_some() || version.is_some() || json_path.is_some() || sample.is_some() || *with_ordinality;
    let listed = with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty();
    demand(!odd && listed, table, "read facts and steps only, by their plain names")?;
    table_alias(alias.as_ref())?;
    let ObjectName(parts) = name;
    let [ObjectNamePart::Identifier(own)] = parts.as_slice() else {
        return refuse(name, "read facts and steps only, by their plain names");
    };
    identifier(own)?;
    if tables.contains(&own.value) {
        return Ok(());
    }
    let known: Vec<&str> = tables.iter().map(String::as_str).collect();
    refuse(format!("the table {name}"), format!("there is none; known here: {}", known.join(", ")))
}

fn table_alias(alias: Option<&TableAlias>) -> Check {
    let Some(TableAlias { explicit: _, name, columns, at }) = alias else { return Ok(()) };
    demand(columns.is_empty() && at.is_none(), name, "give columns their names in the projection")?;
    identifier(name)
}

/// A name: lower-case, without quotes.
pub(super) fn identifier(name: &Ident) -> Check {
    let quoted = "Spark reads a double-quoted name as text; use lower-case names without quotes";
    demand(name.quote_style.is_none(), name, quoted)?;
    let lower = !name.value.chars().any(char::is_uppercase);
    demand(lower, name, "polars tells upper from lower case and others do not; use lower-case names")
}

fn join(one: &Join, tables: &BTreeSet<String>) -> Check {
    let Join { relation: table, global, join_operator } = one;
    demand(!global, one, OUTSIDE)?;
    relation(table, tables)?;
    match join_operator {
        JoinOperator::CrossJoin(JoinConstraint::None) => {
            let params = matches!(table, TableFactor::Table { name, .. } if name.to_string() == "params");
            demand(params, one, "CROSS JOIN is for the one-row table params; join others on equal columns")
        }
        JoinOperator::Join(JoinConstraint::On(on)) | JoinOperator::Inner(JoinConstraint::On(on)) => terms(on, true),
        JoinOperator::Left(JoinConstraint::On(on)) | JoinOperator::LeftOuter(JoinConstraint::On(on)) => {
            terms(on, false)
        }
        _ => refuse(one, "join by JOIN … ON or LEFT JOIN … ON, on equal columns"),
    }
}

/// The terms of a join: columns that are equal, and for inner joins columns in an order.
pub(super) fn terms(on: &Expr, inner: bool) -> Check {
    use sqlparser::ast::BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq};
    match on {
        Expr::Nested(on) => terms(on, inner),
        Expr::BinaryOp { left, op: And, right } => {
            terms(left, inner)?;
            terms(right, inner)
        }
        Expr::BinaryOp { left, op: Eq, right } if is_column(left) && is_column(right) => columns(left, right),
        Expr::BinaryOp { left, op: Gt | GtEq | Lt | LtEq, right } if inner && is_column(left) && is_column(right) => {
            columns(left, right)
        }
        Expr::Between { .. } if inner => refuse(on, "polars refuses BETWEEN inside ON; write >= and <="),
        _ if inner => refuse(on, "an ON compares columns with = >= <= > <; put the rest into WHERE"),
        _ => refuse(
            on,
            "polars turns a LEFT JOIN with any term beyond equal columns into an INNER JOIN; filter in a step first",
        ),
    }
}

fn columns(left: &Expr, right: &Expr) -> Check {
    expression(left, Place::default())?;
    expression(right, Place::default())
}
